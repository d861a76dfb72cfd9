// SPDX-License-Identifier: Apache-2.0

import Glibc

@testable import TokenVault

/// An HTTP/1.1 server on 127.0.0.1 that does what a test tells it to, request by request: a thread
/// to accept, one per connection, at most `connectionsMax` of them. `stop` ends them all.
final class ScriptedServer: Sendable {
    /// A request as it arrived.
    struct Request: Sendable {
        /// Which connection it came on, from 1.
        let connection: Int
        /// Which request of all it is, from 1.
        let number: Int
        /// The request line and the header fields, each with its line end.
        let head: String
        /// The form.
        let body: String

        /// The value of a header field.
        func header(_ name: String) -> String? {
            for line in head.split(separator: "\r\n") {
                guard let colon = line.firstIndex(of: ":"),
                    line[..<colon].lowercased() == name.lowercased()
                else { continue }
                return String(line[line.index(after: colon)...].drop(while: { $0 == " " }))
            }
            return nil
        }
    }

    /// What the server does with one.
    enum Behaviour: Sendable {
        /// A complete answer with its length; the connection is kept.
        case reply(status: Int = 200, headers: [String] = [], body: String = "{}")
        /// These bytes, as they are; the connection is closed behind them.
        case raw(String)
        /// These bytes, piece after piece; the connection is kept. `true` once they have left.
        case pieces([[UInt8]], sent: Monitor<Bool>? = nil)
        /// These bytes, one every so many milliseconds.
        case drip(String, everyMilliseconds: Int)
        /// These bytes, then as `hang`.
        case hangAfter(String)
        /// The connection is closed.
        case close
        /// The connection is reset.
        case reset
        /// Nothing until the gate opens, then the other.
        indirect case waiting(Gate, then: Behaviour)
        /// Nothing, until the client goes away or the server is stopped.
        case hang
    }

    /// Opened by the test.
    final class Gate: Sendable {
        private let isOpen = Monitor(false)

        func open() {
            isOpen.withLock { $0 = true }
            isOpen.broadcast()
        }

        /// False where it does not open in time.
        @discardableResult
        func pass(milliseconds: Int = 30_000) -> Bool {
            isOpen.wait(milliseconds: milliseconds, until: { $0 }, then: { $0 })
        }
    }

    typealias Script = @Sendable (Request) -> Behaviour

    static let connectionsMax = 512
    static let requestBytesMax = 262_144

    /// `http://127.0.0.1:port`.
    let origin: String
    let port: Int

    private let listener: Int32
    private let script: Script
    private let state = Monitor(State())

    private struct State {
        var isStopped = false
        var sockets: Set<Int32> = []
        var threads = 1
        var connections = 0
        var requests = 0
    }

    init(_ script: @escaping Script) throws {
        self.script = script
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let listener = listener
        let isListening = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(listener, pointer, size) == 0 && listen(listener, 512) == 0
                    && getsockname(listener, pointer, &size) == 0
            }
        }
        guard isListening else { throw VaultError(.outOfMemory, .exchange, number: Int(errno)) }
        port = Int(UInt16(bigEndian: address.sin_port))
        origin = "http://127.0.0.1:\(port)"
        startThread { $0.accept() }
    }

    /// How many connections were accepted.
    var connectionCount: Int { state.withLock { $0.connections } }
    /// How many requests were read to their end.
    var requestCount: Int { state.withLock { $0.requests } }

    /// Ends every connection and waits for the threads.
    func stop() {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.isStopped = true
            shutdown(listener, Int32(SHUT_RDWR))
            for socket in state.sockets { shutdown(socket, Int32(SHUT_RDWR)) }
        }
        state.broadcast()
        state.wait(until: { $0.threads == 0 }, then: { _ in })
        close(listener)
    }

    private final class Job: Sendable {
        let server: ScriptedServer
        let work: @Sendable (ScriptedServer) -> Void

        init(server: ScriptedServer, work: @escaping @Sendable (ScriptedServer) -> Void) {
            self.server = server
            self.work = work
        }
    }

    private func startThread(_ work: @escaping @Sendable (ScriptedServer) -> Void) {
        let job = unsafe Unmanaged.passRetained(Job(server: self, work: work))
        var thread = pthread_t()
        let code = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                let job = unsafe Unmanaged<Job>.fromOpaque(context).takeRetainedValue()
                job.work(job.server)
                job.server.threadEnded()
                return nil
            }, job.toOpaque())
        guard code == 0 else {
            unsafe job.release()
            threadEnded()
            return
        }
        _ = pthread_detach(thread)
    }

    private func threadEnded() {
        state.withLock { $0.threads -= 1 }
        state.broadcast()
    }

    private func accept() {
        while true {
            let socket = Glibc.accept(listener, nil, nil)
            guard socket >= 0 else { return }
            let connection = state.withLock { state -> Int? in
                guard !state.isStopped, state.sockets.count < Self.connectionsMax else {
                    return nil
                }
                state.sockets.insert(socket)
                state.threads += 1
                state.connections += 1
                return state.connections
            }
            guard let connection else {
                close(socket)
                continue
            }
            startThread { $0.serve(socket, connection) }
        }
    }

    private func serve(_ socket: Int32, _ connection: Int) {
        var unread: [UInt8] = []
        while let (head, body) = readRequest(socket, &unread) {
            let number = state.withLock { state in
                state.requests += 1
                return state.requests
            }
            let request = Request(connection: connection, number: number, head: head, body: body)
            if !perform(script(request), on: socket) { break }
        }
        // Under the lock: `stop` must not shut down a number that is somebody else's by then.
        state.withLock { state in
            state.sockets.remove(socket)
            close(socket)
        }
    }

    /// False where the connection ends.
    private func perform(_ behaviour: Behaviour, on socket: Int32) -> Bool {
        switch behaviour {
        case .reply(let status, let headers, let body):
            let fields = (headers + ["Content-Length: \(body.utf8.count)"]).map { $0 + "\r\n" }
            return write("HTTP/1.1 \(status) Scripted\r\n\(fields.joined())\r\n\(body)", to: socket)
        case .raw(let bytes):
            _ = write(bytes, to: socket)
            return false
        case .drip(let bytes, let milliseconds):
            for character in bytes {
                guard write(String(character), to: socket) else { return false }
                let isStopped = state.wait(
                    milliseconds: milliseconds, until: { $0.isStopped }, then: { $0.isStopped })
                if isStopped { return false }
            }
            return false
        case .pieces(let pieces, let sent):
            for piece in pieces {
                guard write(piece, to: socket) else { return false }
                // Not in one segment with the next.
                usleep(20_000)
            }
            sent?.withLock { $0 = true }
            sent?.broadcast()
            return true
        case .close: return false
        case .reset:
            var linger = linger(l_onoff: 1, l_linger: 0)
            let size = socklen_t(MemoryLayout<Glibc.linger>.size)
            _ = unsafe setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, size)
            return false
        case .waiting(let gate, let next):
            gate.pass()
            return perform(next, on: socket)
        case .hang, .hangAfter:
            if case .hangAfter(let bytes) = behaviour { _ = write(bytes, to: socket) }
            var unread: [UInt8] = []
            while readMore(socket, &unread) {}
            return false
        }
    }

    private func write(_ text: String, to socket: Int32) -> Bool {
        write(Array(text.utf8), to: socket)
    }

    private func write(_ bytes: [UInt8], to socket: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes.withUnsafeBytes { buffer in
                unsafe send(
                    socket, buffer.baseAddress.map { unsafe $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    private func readMore(_ socket: Int32, _ unread: inout [UInt8]) -> Bool {
        guard unread.count < Self.requestBytesMax else { return false }
        var piece = [UInt8](repeating: 0, count: 16_384)
        let count = unsafe piece.withUnsafeMutableBytes { buffer in
            unsafe recv(socket, buffer.baseAddress, buffer.count, 0)
        }
        guard count > 0 else { return false }
        unread += piece[..<count]
        return true
    }

    private func readRequest(_ socket: Int32, _ unread: inout [UInt8]) -> (String, String)? {
        let separator = Array("\r\n\r\n".utf8)
        while true {
            if let range = unread.firstRange(of: separator) {
                let head = String(decoding: unread[..<range.upperBound], as: UTF8.self)
                let probe = Request(connection: 0, number: 0, head: head, body: "")
                let length = probe.header("Content-Length").flatMap { Int($0) } ?? 0
                let end = range.upperBound + length
                if unread.count >= end {
                    let body = String(decoding: unread[range.upperBound..<end], as: UTF8.self)
                    unread.removeFirst(end)
                    return (head, body)
                }
            }
            guard readMore(socket, &unread) else { return nil }
        }
    }
}
