// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TokenVault

// Frames, and what of them can be had or sent without waiting: for whoever serves many.
extension Wire {
    /// The bytes of a kind and a length.
    static func head(_ kind: Kind, count: Int) -> [UInt8] {
        [kind.rawValue] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) }
    }

    static func head(_ bytes: [UInt8]) throws(CommandFailure) -> (kind: Kind, count: Int) {
        guard bytes.count == headBytes, let kind = Kind(rawValue: bytes[0]) else { throw garbled }
        return (kind, bytes[1...].reversed().reduce(0) { $0 << 8 | Int($1) })
    }

    static let headBytes = 5

    /// A message as it goes over the wire.
    static func frame(_ message: some Encodable, as kind: Kind = .message) throws -> [UInt8] {
        let bytes = Array(try JSONEncoder().encode(message))
        guard bytes.count <= messageBytesMax else { throw VaultError(.limitExceeded, .vault) }
        return head(kind, count: bytes.count) + bytes
    }

    /// At most so many bytes of what has arrived; nil where nothing has.
    ///
    /// - Throws: where the other end hung up.
    func receiveAtOnce(atMost count: Int) throws(CommandFailure) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        let got = unsafe bytes.withUnsafeMutableBytes { buffer in
            unsafe recv(socket, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
        }
        if got < 0 && (errno == EINTR || errno == EAGAIN) { return nil }
        guard got > 0 else { throw Self.hungUp }
        bytes.removeLast(count - got)
        return bytes
    }

    /// How many bytes have arrived.
    var arrivedCount: Int {
        var count: Int32 = 0
        return unsafe ioctl(socket, UInt(FIONREAD), &count) == 0 ? Int(count) : 0
    }

    /// Sends what the system takes of these bytes; returns how many those were.
    ///
    /// - Throws: where the other end hung up.
    func sendAtOnce(_ buffer: UnsafeRawBufferPointer) throws(CommandFailure) -> Int {
        guard let base = buffer.baseAddress, buffer.count > 0 else { return 0 }
        let put = unsafe Glibc.send(
            socket, base, buffer.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        if put < 0 && (errno == EINTR || errno == EAGAIN) { return 0 }
        guard put > 0 else { throw Self.hungUp }
        return put
    }

    /// A secret, on a wire that nothing has been sent on: an empty socket takes it as a whole.
    ///
    /// - Throws: where it did not. Nothing can be sent any more then, so that nobody takes what
    ///   would follow for the rest.
    func sendAtOnce(_ secret: borrowing Secret) throws {
        let head = Self.head(.secret, count: secret.count)
        do {
            let put = try unsafe head.withUnsafeBytes { (bytes) throws(CommandFailure) in
                try unsafe sendAtOnce(bytes)
            }
            guard put == head.count else { throw Self.hungUp }
            let rest = try unsafe secret.withUnsafeBytes { (bytes) throws(CommandFailure) in
                try unsafe sendAtOnce(bytes)
            }
            guard rest == secret.count else { throw Self.hungUp }
        } catch {
            shutdown(socket, Int32(SHUT_RDWR))
            throw error
        }
    }

    static var hungUp: CommandFailure {
        CommandFailure(.inputOutput, "the other process hung up")
    }
}
