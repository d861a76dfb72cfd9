// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import TokenVault

extension Secret {
    /// The same in hexadecimal digits.
    func hexadecimal() throws(VaultError) -> Secret {
        var text = try Secret(zeroes: 2 * count)
        var target = text.mutableBytes
        for index in 0..<count {
            let byte = bytes.byte(at: index)
            target.storeBytes(of: Self.digit(byte >> 4), toByteOffset: 2 * index, as: UInt8.self)
            target.storeBytes(
                of: Self.digit(byte & 15), toByteOffset: 2 * index + 1, as: UInt8.self)
        }
        return text
    }

    /// A constant and a secret behind it.
    init(joining constant: StaticString, _ other: borrowing Secret) throws(VaultError) {
        let length = constant.utf8CodeUnitCount
        var joined = try Secret(zeroes: length + other.count)
        var target = joined.mutableBytes
        for index in 0..<length {
            unsafe target.storeBytes(
                of: constant.utf8Start[index], toByteOffset: index, as: UInt8.self)
        }
        for index in 0..<other.count {
            target.storeBytes(
                of: other.bytes.byte(at: index), toByteOffset: length + index, as: UInt8.self)
        }
        self = joined
    }

    /// The next value of a member in lines of JSON; moves `offset` behind it. The practice server's
    /// tokens have no character that JSON escapes.
    func token(_ name: StaticString, _ offset: inout Int) throws -> Secret {
        let label = name.utf8CodeUnitCount
        guard let start = bytes.offset(of: name, from: offset),
            let end = bytes.offset(of: "\"", from: start + label + 3)
        else { throw DemoFailure("the practice server's answer has no \(name)") }
        offset = end
        return try Secret(copying: bytes.extracting(start + label + 3..<end))
    }

    /// A hexadecimal digit of a number below 16.
    static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}

extension RawSpan {
    /// Writes the bytes to a new file that only we can read.
    func write(to path: String) throws(DemoFailure) {
        let file = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw DemoFailure("cannot write \(path): error \(errno)") }
        defer { close(file) }
        let length = byteCount
        let count = unsafe withUnsafeBytes { unsafe Glibc.write(file, $0.baseAddress, $0.count) }
        guard count == length else { throw DemoFailure("cannot write \(path): error \(errno)") }
    }
}
