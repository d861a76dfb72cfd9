// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

@Suite("The curl transport: an answer that comes late", .serialized)
struct CurlTransportListeningTests {
    typealias Gate = ScriptedServer.Gate

    /// A server that answers when the test says so.
    static func server(
        _ gate: Gate, _ behaviour: ScriptedServer.Behaviour
    ) throws -> ScriptedServer {
        try ScriptedServer { _ in .waiting(gate, then: behaviour) }
    }

    @Test("past its deadline a request is told to be overdue, once, and its answer is taken")
    func late() throws {
        let gate = Gate()
        let server = try Self.server(gate, .reply(body: "{\"access_token\":\"late\"}"))
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let (answers, overdue) = (Answers(), Monitor(0))
        try transport.post(
            server.origin, deadlineMilliseconds: 100, listenMilliseconds: 60_000,
            overdue: {
                overdue.withLock { $0 += 1 }
                overdue.broadcast()
            }, into: answers)
        #expect(overdue.wait(milliseconds: 10_000, until: { $0 > 0 }, then: { $0 }) == 1)
        #expect(answers.count == 0)
        gate.open()
        #expect(answers.wait(for: 1).first?.body == "{\"access_token\":\"late\"}")
        #expect(overdue.withLock { $0 } == 1)
        #expect(server.requestCount == 1)
        // The connection is as good as any other.
        #expect(try transport.answer(server.origin).status == 200)
        #expect(server.connectionCount == 1)
    }

    @Test("it is listened to for so long, and no longer")
    func limit() throws {
        let server = try ScriptedServer { _ in .hang }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let (answers, overdue) = (Answers(), Monitor(0))
        let took = try elapsedMilliseconds {
            try transport.post(
                server.origin, deadlineMilliseconds: 100, listenMilliseconds: 400,
                overdue: { overdue.withLock { $0 += 1 } }, into: answers)
            #expect(answers.wait(for: 1).first?.failure == .deadlineExceeded)
        }
        #expect(took >= 400)
        #expect(overdue.withLock { $0 } == 1)
    }

    @Test("one that is not listened to ends at its deadline, and is never overdue")
    func hangsUp() throws {
        let server = try ScriptedServer { _ in .hang }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let (answers, overdue) = (Answers(), Monitor(0))
        for listen in [0, 100] {
            try transport.post(
                server.origin, deadlineMilliseconds: 100, listenMilliseconds: listen,
                overdue: { overdue.withLock { $0 += 1 } }, into: answers)
        }
        #expect(answers.wait(for: 2).allSatisfy { $0.failure == .deadlineExceeded })
        #expect(overdue.withLock { $0 } == 0)
    }

    @Test("whoever does not connect in time was not sent, and is not listened to")
    func neverConnects() throws {
        let wall = Wall()
        let transport = try CurlTransport.forTests()
        let (answers, overdue) = (Answers(), Monitor(0))
        try transport.post(
            wall.origin, deadlineMilliseconds: 200, listenMilliseconds: 60_000,
            overdue: { overdue.withLock { $0 += 1 } }, into: answers)
        #expect(answers.wait(for: 1).first?.failure == .unreachable(curlCode: 28))
        #expect(overdue.withLock { $0 } == 0)
    }

    enum End: CaseIterable {
        case closed, reset, cut
    }

    @Test("listening ends with the connection", arguments: End.allCases)
    func connectionEnds(_ end: End) throws {
        let gate = Gate()
        let behaviour: ScriptedServer.Behaviour =
            switch end {
            case .closed: .close
            case .reset: .reset
            case .cut: .raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"access_tok")
            }
        let server = try Self.server(gate, behaviour)
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        try transport.post(
            server.origin, deadlineMilliseconds: 100, listenMilliseconds: 600_000,
            overdue: { gate.open() }, into: answers)
        let code = [End.closed: 52, .reset: 56, .cut: 18][end] ?? 0
        #expect(answers.wait(for: 1).first?.failure == .lost(curlCode: code))
        #expect(server.requestCount == 1)
    }

    /// The thread stands still, as it does in a process that is stopped, or on a machine that
    /// sleeps: the answer comes meanwhile, and then the deadline passes.
    @Test(
        "a process that was frozen reads what has arrived before it looks at the clock",
        arguments: [0, 60_000], [false, true])
    func frozen(listenMilliseconds: Int, isReserved: Bool) throws {
        let (gate, isRead) = (Gate(), Gate())
        let slow = try ScriptedServer { _ in
            isRead.open()
            return .waiting(gate, then: .reply(body: "{\"access_token\":\"new\"}"))
        }
        defer { slow.stop() }
        let quick = try ScriptedServer { _ in .reply() }
        defer { quick.stop() }
        let transport = try CurlTransport.forTests()
        let (answers, overdue) = (Answers(), Monitor(0))
        let deadline = 600
        try transport.post(
            slow.origin, deadlineMilliseconds: deadline, listenMilliseconds: listenMilliseconds,
            isReserved: isReserved, overdue: { overdue.withLock { $0 += 1 } }, into: answers)
        #expect(isRead.pass())
        let after = CurlQueue.bootMilliseconds() + Int64(deadline) + 100
        let request = TransportRequest(
            url: quick.origin, credentials: nil, body: try Secret("a")
        ) { _ in
            // On the transport's thread.
            gate.open()
            while CurlQueue.bootMilliseconds() < after { usleep(10_000) }
        }
        transport.send(request)
        #expect(answers.wait(for: 1).first?.body == "{\"access_token\":\"new\"}")
        #expect(overdue.withLock { $0 } == 0)
    }

    @Test("what has arrived by the end of a close is an answer too")
    func frozenInClose() throws {
        let (gate, isRead) = (Gate(), Gate())
        let slow = try ScriptedServer { _ in
            isRead.open()
            return .waiting(gate, then: .reply(body: "{}"))
        }
        defer { slow.stop() }
        let quick = try ScriptedServer { _ in .reply() }
        defer { quick.stop() }
        let transport = try CurlTransport.forTests()
        let (answers, isStill) = (Answers(), Gate())
        try transport.post(slow.origin, listenMilliseconds: 60_000, into: answers)
        #expect(isRead.pass())
        let request = TransportRequest(
            url: quick.origin, credentials: nil, body: try Secret("a")
        ) { _ in
            isStill.open()
            gate.open()
            usleep(200_000)
        }
        transport.send(request)
        #expect(isStill.pass())
        transport.close(waitingAtMost: 0)
        #expect(answers.wait(for: 1).first?.status == 200)
    }

    @Test("a close that follows a drain waits for no refresh")
    func closeAfterADrain() throws {
        let (gate, isRead, isClosed) = (Gate(), Gate(), Gate())
        let server = try ScriptedServer { _ in
            isRead.open()
            return .waiting(gate, then: .reply(body: "{}"))
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        try transport.post(server.origin, into: answers)
        #expect(isRead.pass())
        // A close that waits has the answer.
        let answering = try WorkerThread("answer") {
            isClosed.pass(milliseconds: 10_000)
            gate.open()
        }
        transport.close(waitingAtMost: 60_000, awaitingRefreshes: false)
        isClosed.open()
        answering.join()
        #expect(answers.wait(for: 1).first?.failure == .lost(curlCode: Curl.codeAborted))
    }

    @Test(
        "form and credentials are wiped when they are sent, not when the answer comes",
        arguments: [false, true])
    func wipedWhenSent(isReserved: Bool) throws {
        let gate = Gate()
        let server = try Self.server(gate, .reply())
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let (answers, isWiped, asked) = (Answers(), Monitor<Bool?>(nil), Monitor(false))
        let held = Monitor<TransportRequest?>(nil)
        let request = try transport.post(
            server.origin, authorization: "Basic YTpi", deadlineMilliseconds: 100,
            listenMilliseconds: 60_000, isReserved: isReserved,
            overdue: {
                asked.wait(until: { $0 }, then: { _ in })
                isWiped.withLock { $0 = held.withLock { $0?.isWiped } }
                gate.open()
            }, into: answers)
        held.withLock { $0 = request }
        asked.withLock { $0 = true }
        asked.broadcast()
        #expect(answers.wait(for: 1).first?.status == 200)
        #expect(isWiped.withLock { $0 } == true)
        #expect(request.credentials == nil)
    }

    @Test("one transfer of three is kept free of refreshes, however long these are listened to")
    func reserved() throws {
        let server = try ScriptedServer { $0.body == "code" ? .reply() : .hang }
        defer { server.stop() }
        var settings = CurlTransport.Settings(allowsLoopbackHTTP: true)
        (settings.inFlightMax, settings.reservedMax) = (3, 1)
        let transport = try CurlTransport(settings: settings)
        let (answers, codes) = (Answers(), Answers())
        let overdue = Monitor(0)
        let requests = try (0..<4).map { _ in
            try transport.post(
                server.origin, deadlineMilliseconds: 50, listenMilliseconds: 600_000,
                overdue: {
                    overdue.withLock { $0 += 1 }
                    overdue.broadcast()
                }, into: answers)
        }
        overdue.wait(until: { $0 == 2 }, then: { _ in })
        for _ in 0..<5 {
            try transport.post(server.origin, body: "code", isReserved: true, into: codes)
        }
        #expect(codes.wait(for: 5).allSatisfy { $0.status == 200 })
        #expect(requests[2].cancelIfUnsent() && requests[3].cancelIfUnsent())
        #expect(overdue.withLock { $0 } == 2)
        transport.close(waitingAtMost: 0)
        #expect(answers.wait(for: 4).count == 4)
    }

    @Test("64 of 1,024 are")
    func reservedByDefault() {
        let settings = CurlTransport.Settings()
        #expect((settings.inFlightMax, settings.reservedMax) == (1024, 64))
    }

    @Test("a peer that is gone is found out: after 15 s it is asked, after 30 s it is given up")
    func socketOptions() throws {
        let gate = Gate()
        let server = try Self.server(gate, .reply())
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let (answers, found) = (Answers(), Monitor<[[Int32]]>([]))
        let port = server.port
        try transport.post(
            server.origin, deadlineMilliseconds: 50, listenMilliseconds: 60_000,
            overdue: {
                found.withLock { $0 = Self.options(ofConnectionsTo: port) }
                gate.open()
            }, into: answers)
        #expect(answers.wait(for: 1).first?.status == 200)
        #expect(found.withLock { $0 } == [[1, 15, 5, 3, 30_000]])
    }

    /// Of each socket of this process that is connected to a port of this machine.
    private static func options(ofConnectionsTo port: Int) -> [[Int32]] {
        (Int32(0)..<65_536).compactMap { socket in
            var address = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let code = unsafe withUnsafeMutablePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe getpeername(socket, $0, &size)
                }
            }
            guard code == 0, Int(UInt16(bigEndian: address.sin_port)) == port else { return nil }
            let wanted = [
                (SOL_SOCKET, SO_KEEPALIVE), (Int32(IPPROTO_TCP), TCP_KEEPIDLE),
                (Int32(IPPROTO_TCP), TCP_KEEPINTVL), (Int32(IPPROTO_TCP), TCP_KEEPCNT),
                (Int32(IPPROTO_TCP), TCP_USER_TIMEOUT),
            ]
            return wanted.map { level, name in
                var value: Int32 = -1
                var size = socklen_t(MemoryLayout<Int32>.size)
                _ = unsafe getsockopt(socket, level, name, &value, &size)
                return value
            }
        }
    }
}
