// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The file of certificates that a vault trusts instead of the system's. curl reads it with the
/// first request; what is wrong with it is to be told when the vault is opened.
enum CertificateFile {
    /// The longest, in bytes: many times what systems come with.
    static let bytesMax = 8 << 20
    private static let marker = Array("-----BEGIN CERTIFICATE-----".utf8)
    private static let end = Array("-----END CERTIFICATE-----".utf8)

    /// - Throws: `certificateFileUnusable`: the errno where it cannot be read, 0 where it is no
    ///   regular file, longer than `bytesMax`, or holds no certificate (PEM) or a damaged one.
    static func check(_ path: String) throws(VaultError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw unusable(errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw unusable(errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw unusable(0, .wrongKind) }
        guard status.st_size <= bytesMax else { throw unusable(0, .tooLong) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { buffer in
                let rest = unsafe buffer.baseAddress.map { unsafe $0 + filled }
                return unsafe read(file, rest, buffer.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw unusable(errno) }
            if count == 0 { break }
            filled += count
        }
        try check(bytes[..<filled])
    }

    /// Whether each certificate is whole; whom they are of is OpenSSL's business.
    private static func check(_ bytes: ArraySlice<UInt8>) throws(VaultError) {
        var (count, certificate): (Int, [UInt8]?) = (0, nil)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if line.starts(with: marker) {
                guard certificate == nil else { throw unusable(0, .damagedCertificate) }
                certificate = []
                count += 1
            } else if line.starts(with: end) {
                guard let text = certificate, isWhole(text) else {
                    throw unusable(0, .damagedCertificate)
                }
                certificate = nil
            } else {
                certificate? += line.filter { $0 > 0x20 }
            }
        }
        guard certificate == nil else { throw unusable(0, .damagedCertificate) }
        guard count > 0 else { throw unusable(0, .noCertificate) }
    }

    /// Whether base64 yields one whole SEQUENCE (X.690 section 8.9) of the three parts that a
    /// certificate has (RFC 5280 section 4.1).
    private static func isWhole(_ text: [UInt8]) -> Bool {
        guard let bytes = decoded(text), let all = value(in: bytes[...]),
            all.endIndex == bytes.endIndex, let first = value(in: all),
            let second = value(in: all[first.endIndex...]),
            let last = part(0x03, in: all[second.endIndex...])
        else { return false }
        return last.endIndex == all.endIndex
    }

    private static func value(in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        part(0x30, in: bytes)
    }

    /// The contents of the element that begins here, where it has this tag and ends here too.
    private static func part(_ tag: UInt8, in bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var rest = bytes
        guard rest.popFirst() == tag, let head = rest.popFirst() else { return nil }
        var count = Int(head)
        if head >= 0x80 {
            guard (1...3).contains(head & 0x7f) else { return nil }
            count = 0
            for _ in 0..<(head & 0x7f) {
                guard let byte = rest.popFirst() else { return nil }
                count = count << 8 | Int(byte)
            }
        }
        return count <= rest.count ? rest.prefix(count) : nil
    }

    private static func decoded(_ text: [UInt8]) -> [UInt8]? {
        let padding = text.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard !text.isEmpty, text.count % 4 == 0, padding <= 2 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var (bits, count) = (0, 0)
        for byte in text.dropLast(padding) {
            guard let value = value(of: byte) else { return nil }
            (bits, count) = (bits << 6 | value, count + 6)
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> count))
            bits &= 1 << count - 1
        }
        return bytes
    }

    /// What a digit of base64 (RFC 4648 section 4) stands for.
    private static func value(of digit: UInt8) -> Int? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): Int(digit) - 0x41
        case UInt8(ascii: "a")...UInt8(ascii: "z"): Int(digit) - 0x61 + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(digit) - 0x30 + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    private static func unusable(_ number: Int32, _ cause: FailureCause? = nil) -> VaultError {
        VaultError(
            .certificateFileUnusable, .exchange, number: Int(number),
            detail: FailureDetail(cause: cause))
    }
}
