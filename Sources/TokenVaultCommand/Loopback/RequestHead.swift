// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// The head of an HTTP request, in a `Secret`, for its first line holds the code.
struct RequestHead: ~Copyable {
    /// The longest head, in bytes: line and headers.
    static let bytesMax = 16_384

    private var secret: Secret
    private var count = 0

    /// What a request turned out to be.
    enum Meaning: ~Copyable {
        /// The head is not whole yet.
        case incomplete
        /// The connection ended.
        case gone
        /// Not what is waited for: the status to answer with.
        case other(Int)
        /// The callback, with its query.
        case callback(Secret)
    }

    init() throws(VaultError) { secret = try Secret(zeroes: Self.bytesMax) }

    /// Takes what has arrived. The head is whole where an empty line is.
    mutating func receive(_ socket: Int32, path: String) throws -> Meaning {
        guard count < Self.bytesMax else { return .other(431) }
        let got = SecretInput.receive(socket, into: &secret, at: count)
        if got < 0 && (errno == EINTR || errno == EAGAIN) { return .incomplete }
        guard got > 0 else { return .gone }
        count += got
        return hasEmptyLine() ? try meaning(path: path) : .incomplete
    }

    private func byte(_ offset: Int) -> UInt8 { secret.bytes.byte(at: offset) }

    private func hasEmptyLine() -> Bool {
        var isLineEmpty = false
        for offset in 0..<count {
            switch byte(offset) {
            case 0x0a where isLineEmpty: return true
            case 0x0a: isLineEmpty = true
            case 0x0d: break
            default: isLineEmpty = false
            }
        }
        return false
    }

    private func meaning(path: String) throws -> Meaning {
        guard starts(with: "GET ", at: 0) else { return .other(405) }
        guard starts(with: path, at: 4) else { return .other(404) }
        let query = 4 + path.utf8.count + 1
        switch byte(query - 1) {
        case UInt8(ascii: "?"): break
        case UInt8(ascii: " "): return .other(400)
        default: return .other(404)
        }
        var end = query
        while end < count, byte(end) > 0x20 { end += 1 }
        guard end > query else { return .other(400) }
        return .callback(try Secret(copying: secret.bytes.extracting(query..<end)))
    }

    /// True where the text is there and at least one byte follows.
    private func starts(with text: String, at offset: Int) -> Bool {
        guard offset + text.utf8.count < count else { return false }
        return text.utf8.enumerated().allSatisfy { byte(offset + $0.offset) == $0.element }
    }
}
