// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The file of certificates that a vault trusts instead of the system's. curl reads it with the
/// first request; what is wrong with it is to be told when the vault is opened.
enum CertificateFile {
    /// The longest, in bytes: many times what systems come with.
    static let bytesMax = 8 << 20
    private static let marker = Array("-----BEGIN CERTIFICATE-----".utf8)

    /// - Throws: `certificateFileUnusable`: the errno where it cannot be read, 0 where it is no
    ///   regular file, longer than `bytesMax`, or holds no certificate (PEM).
    static func check(_ path: String) throws(VaultError) {
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { throw unusable(errno) }
        defer { close(file) }
        var status = stat()
        guard unsafe fstat(file, &status) == 0 else { throw unusable(errno) }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
            throw unusable(0)
        }
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
        guard holdsCertificate(bytes[..<filled]) else { throw unusable(0) }
    }

    private static func holdsCertificate(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.split(separator: UInt8(ascii: "\n")).contains { $0.starts(with: marker) }
    }

    private static func unusable(_ number: Int32) -> VaultError {
        VaultError(.certificateFileUnusable, .exchange, number: Int(number))
    }
}
