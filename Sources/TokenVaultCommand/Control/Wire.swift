// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Glibc
import TokenVault

/// One end of a connection to the control socket: frames of a kind, a length and bytes. JSON for
/// what is no secret; secrets as they are, from `Secret` to `Secret`.
final class Wire: Sendable {
    enum Kind: UInt8 {
        /// A `Request` or a `Reply`.
        case message = 0x4d
        /// The bytes of a secret.
        case secret = 0x53
        /// What goes wrong; ends the exchange.
        case failure = 0x46
        /// Ends a request and a successful answer.
        case end = 0x45
    }

    /// The longest message, in bytes.
    static let messageBytesMax = 1 << 20
    /// The longest message of a request: an application with all that it may have is shorter.
    static let requestBytesMax = 1 << 17
    /// How long a whole request may take to arrive, in milliseconds.
    static let requestMilliseconds: Int64 = 5000
    /// How long a process that serves may take to answer a ping, in milliseconds: it needs a few.
    static let pingMilliseconds: Int64 = 5000
    /// How long a caller waits for an answer: longer than a disconnect, the slowest verb, takes.
    static let answerMilliseconds: Int64 = 60_000

    let socket: Int32

    init(owning socket: Int32) { self.socket = socket }

    deinit { close(socket) }

    func send(_ message: some Encodable, as kind: Kind = .message) throws {
        let frame = try Self.frame(message, as: kind)
        try unsafe frame.withUnsafeBytes { try unsafe write($0) }
    }

    func send(_ secret: borrowing Secret) throws {
        try send(.secret, count: secret.count)
        try unsafe secret.withUnsafeBytes { buffer throws(CommandFailure) in
            try unsafe write(buffer)
        }
    }

    func sendEnd() throws { try send(.end, count: 0) }

    /// The kind and the length of the frame that comes next.
    func receiveHead(by deadline: Int64) throws -> (kind: Kind, count: Int) {
        var head: [UInt8] = [0, 0, 0, 0, 0]
        try unsafe head.withUnsafeMutableBytes { try unsafe read($0, by: deadline) }
        return try Self.head(head)
    }

    func receive<Message: Decodable>(
        _ type: Message.Type, count: Int, by deadline: Int64
    ) throws -> Message {
        guard count <= Self.messageBytesMax else { throw Self.garbled }
        var bytes = [UInt8](repeating: 0, count: count)
        try unsafe bytes.withUnsafeMutableBytes { try unsafe read($0, by: deadline) }
        do {
            return try JSONDecoder().decode(type, from: Data(bytes))
        } catch {
            throw Self.garbled
        }
    }

    func receiveSecret(count: Int, by deadline: Int64) throws -> Secret {
        guard count <= SecretArena.secretBytesMax else { throw Self.garbled }
        var secret = try Secret(zeroes: count)
        var span = secret.mutableBytes
        try unsafe span.withUnsafeMutableBytes { try unsafe read($0, by: deadline) }
        return secret
    }

    static var garbled: CommandFailure {
        CommandFailure(.internalFault, "the other process speaks another version: restart it")
    }

    private func send(_ kind: Kind, count: Int) throws {
        let head = Self.head(kind, count: count)
        try unsafe head.withUnsafeBytes { try unsafe write($0) }
    }

    private func wait(_ events: Int32, by deadline: Int64) throws(CommandFailure) {
        do throws(CommandFailure) {
            try Deadline.wait(for: socket, events: events, by: deadline)
        } catch {
            throw error == Deadline.isOver ? Self.silent(VaultFolder.process(at: socket)) : error
        }
    }

    /// The process that serves does not answer.
    ///
    /// - Parameter process: nil where it is not known which that is.
    static func silent(_ process: pid_t?) -> CommandFailure {
        let number = process.map(String.init) ?? "PID"
        return CommandFailure(
            .temporaryFailure,
            "the process that serves this vault\(process.map { " (pid \($0))" } ?? "") does not "
                + "answer: if it is stopped, `kill -CONT \(number)` lets it go on; if it has too "
                + "much to do, try again; else end it with `kill \(number)` and start it again")
    }

    private func write(_ buffer: UnsafeRawBufferPointer) throws(CommandFailure) {
        let deadline = Deadline.after(milliseconds: Self.requestMilliseconds)
        var done = 0
        while done < buffer.count {
            try wait(POLLOUT, by: deadline)
            // Not a signal where the other end is gone, but an error.
            let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
            let put = unsafe Glibc.send(
                socket, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done, flags)
            if put < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            // It may have said why before it hung up: whoever reads finds out.
            if put < 0, errno == EPIPE { return }
            guard put > 0 else {
                throw CommandFailure(.inputOutput, "the other process hung up", errno: errno)
            }
            done += put
        }
    }

    private func read(
        _ buffer: UnsafeMutableRawBufferPointer, by deadline: Int64
    ) throws(CommandFailure) {
        var done = 0
        while done < buffer.count {
            try wait(POLLIN, by: deadline)
            let got = unsafe Glibc.recv(
                socket, buffer.baseAddress.map { unsafe $0 + done }, buffer.count - done, 0)
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else {
                throw Self.hungUp
            }
            done += got
        }
    }
}
