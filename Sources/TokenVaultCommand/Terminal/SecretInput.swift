// SPDX-License-Identifier: Apache-2.0

import Glibc
import TokenVault

/// Reads secrets from descriptors, files and the terminal, each byte once and straight into a
/// `Secret`: never through a `String` or a buffer of the C library.
enum SecretInput {
    /// The longest secret that is read, in bytes: a redirect URL with its query.
    static let bytesMax = 16_384

    /// - Throws: `usage` where nobody has opened it.
    static func check(descriptor: Int32, _ option: String) throws(CommandFailure) {
        guard fcntl(descriptor, F_GETFD) < 0 else { return }
        throw CommandFailure(
            .usage,
            "descriptor \(descriptor) of \(option) is not open: open it for this command, such as "
                + "\(option) \(descriptor) \(descriptor)< FILE")
    }

    /// Everything up to the end, without one final line end.
    ///
    /// - Parameter isBinary: whether a final line end is part of it.
    static func read(
        descriptor: Int32, what: String, isBinary: Bool = false
    ) throws -> Secret {
        var secret = try Secret(zeroes: bytesMax + 1)
        var count = 0
        while count <= bytesMax {
            let got = receive(descriptor, into: &secret, at: count)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else {
                throw CommandFailure(.inputOutput, "cannot read \(what)", errno: errno)
            }
            if got == 0 { break }
            count += got
        }
        guard count <= bytesMax else {
            throw CommandFailure(.badData, "\(what) is longer than \(bytesMax) bytes")
        }
        if !isBinary {
            if count > 0, secret.bytes.byte(at: count - 1) == UInt8(ascii: "\n") { count -= 1 }
            if count > 0, secret.bytes.byte(at: count - 1) == UInt8(ascii: "\r") { count -= 1 }
        }
        guard count > 0 else { throw CommandFailure(.badData, "\(what) is empty") }
        return try Secret(copying: secret.bytes.extracting(0..<count))
    }

    /// A file's content, without one final line end. It must be a regular file that nobody but its
    /// owner can read.
    ///
    /// - Parameters:
    ///   - option: by which a pipe's descriptor can be given instead.
    ///   - isBinary: whether a final line end is part of it.
    static func read(
        file path: String, what: String, pipe option: String, isBinary: Bool = false
    ) throws -> Secret {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard descriptor >= 0 else {
            throw CommandFailure(
                errno == ENOENT ? .missing : .inputOutput, "cannot open \(path)", errno: errno)
        }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            let hint = RegularFile.hint(status, option)
            throw CommandFailure(.badData, "\(path) is no regular file\(hint)")
        }
        guard status.st_mode & 0o077 == 0 else {
            throw CommandFailure(
                .refused, "\(path) holds a secret, but others can reach it: chmod 600 it")
        }
        return try read(descriptor: descriptor, what: what, isBinary: isBinary)
    }

    /// One line, byte by byte, so that nothing after it is taken.
    static func readLine(descriptor: Int32, what: String) throws -> Secret {
        var secret = try Secret(zeroes: bytesMax + 1)
        var count = 0
        while true {
            let got = receive(descriptor, into: &secret, at: count, atMost: 1)
            if got < 0 && errno == EINTR { continue }
            guard got >= 0 else {
                throw CommandFailure(.inputOutput, "cannot read \(what)", errno: errno)
            }
            if got == 0 || secret.bytes.byte(at: count) == UInt8(ascii: "\n") { break }
            count += 1
            guard count <= bytesMax else {
                throw CommandFailure(.badData, "\(what) is longer than \(bytesMax) bytes")
            }
        }
        if count > 0, secret.bytes.byte(at: count - 1) == UInt8(ascii: "\r") { count -= 1 }
        guard count > 0 else { throw CommandFailure(.badData, "\(what) is empty") }
        return try Secret(copying: secret.bytes.extracting(0..<count))
    }

    /// One read into a secret's bytes from `offset` on; returns what read(2) does.
    static func receive(
        _ descriptor: Int32, into secret: inout Secret, at offset: Int, atMost limit: Int = .max
    ) -> Int {
        var span = secret.mutableBytes
        return unsafe span.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return 0 }
            return unsafe Glibc.read(descriptor, base + offset, min(limit, buffer.count - offset))
        }
    }
}

extension RawSpan {
    /// One byte, checked.
    func byte(at offset: Int) -> UInt8 {
        precondition(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self)
    }

    /// Whether two spans are equal; takes the same time wherever they differ.
    func isEqual(to other: RawSpan) -> Bool {
        guard byteCount == other.byteCount else { return false }
        var difference: UInt8 = 0
        for index in 0..<byteCount { difference |= byte(at: index) ^ other.byte(at: index) }
        return difference == 0
    }
}
