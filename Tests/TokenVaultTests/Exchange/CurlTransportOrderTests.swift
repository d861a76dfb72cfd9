// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

@Suite("The curl transport: refusals, cancellation, closing", .serialized)
struct CurlTransportOrderTests {
    @Test("a redirect is an answer, not a way to go", arguments: [301, 302, 303, 307, 308])
    func redirects(status: Int) throws {
        let other = try ScriptedServer { _ in .reply() }
        defer { other.stop() }
        let server = try ScriptedServer { _ in
            .reply(status: status, headers: ["Location: \(other.origin)/token"], body: "moved")
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let reply = try transport.answer(server.origin, authorization: "Basic YTpi")
        #expect(reply.status == status && reply.body == "moved")
        #expect(server.requestCount == 1)
        #expect(other.connectionCount == 0)
    }

    @Test("Retry-After in both forms, with the body it came with")
    func retryAfter() throws {
        for value in ["17", "Sun, 06 Nov 1994 08:49:54 GMT"] {
            let server = try ScriptedServer { _ in
                .reply(
                    status: 429,
                    headers: ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "retry-after: \(value)"],
                    body: "slow down")
            }
            defer { server.stop() }
            let reply = try CurlTransport.forTests().answer(server.origin)
            #expect(reply.failure == nil && reply.status == 429)
            #expect(reply.retryAfterSeconds == 17)
            #expect(reply.body == "slow down")
        }
    }

    @Test("the environment's proxies are not asked")
    func proxies() throws {
        let names = ["http_proxy", "https_proxy", "all_proxy", "HTTPS_PROXY", "ALL_PROXY"]
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        let proxy = try ScriptedServer { _ in .reply(status: 500) }
        defer { proxy.stop() }
        for name in names { unsafe setenv(name, proxy.origin, 1) }
        defer { for name in names { unsafe unsetenv(name) } }
        #expect(try CurlTransport.forTests().answer(server.origin).status == 200)
        #expect(proxy.connectionCount == 0)
    }

    @Test("URLs that the guard refuses are answered so, and nothing is sent")
    func refused() throws {
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        let inService = try CurlTransport()
        for url in [server.origin, "https://127.0.0.1:\(server.port)/", "ftp://example.com/", ""] {
            guard case .refused = try inService.answer(url).failure else {
                Issue.record("\(url)")
                continue
            }
        }
        let trying = try CurlTransport.forTests()
        #expect(
            try trying.answer("http://user@127.0.0.1:\(server.port)/").failure
                == .refused(.userInformation))
        // The handle still works, and a line end in the header value goes nowhere.
        #expect(try trying.answer(server.origin).status == 200)
        #expect(throws: VaultError(.invalidArgument, .exchange)) {
            try trying.answer(server.origin, authorization: "Basic a\r\nX-Evil: 1")
        }
        #expect(server.requestCount == 1)
    }

    /// The name of this machine, where it resolves to nothing but addresses of its own site.
    static let siteName: String? = {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, 255) == 0 else { return nil }
        let bytes = name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let text = String(decoding: bytes, as: UTF8.self)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(text, nil, nil, &found) == 0 else { return nil }
        defer { unsafe freeaddrinfo(found) }
        let addressGuard = AddressGuard()
        while let next = unsafe found {
            let length = Int(unsafe next.pointee.ai_addrlen)
            let span = unsafe RawSpan(_unsafeStart: next.pointee.ai_addr, byteCount: length)
            if addressGuard.refusal(socketAddress: span, for: .network) == nil { return nil }
            unsafe found = next.pointee.ai_next
        }
        return AddressGuard().target(of: "https://\(text)/") == nil ? nil : text
    }()

    @Test("a name that resolves to a private address is refused")
    func resolvesToPrivate() throws {
        // Where this machine's own name is public, localhost has to do.
        let name = Self.siteName ?? "localhost"
        let reply = try CurlTransport.forTests().answer("https://\(name):10443/")
        let causes: [FailureCause] = [.resolvesToPrivate, .resolvesToLoopback, .resolvesToUnusable]
        #expect(causes.contains { reply.failure == .refused($0) })
    }

    @Test("requests past the limit wait, and can be cancelled there")
    func cancelInQueue() throws {
        let server = try ScriptedServer { $0.body == "last" ? .reply() : .hang }
        defer { server.stop() }
        var settings = CurlTransport.Settings(allowsLoopbackHTTP: true)
        (settings.inFlightMax, settings.reservedMax) = (2, 0)
        let transport = try CurlTransport(settings: settings)
        let answers = Answers()
        let requests = try (0..<4).map { _ in
            try transport.post(server.origin, deadlineMilliseconds: 400, into: answers)
        }
        #expect(answers.wait(for: 1, milliseconds: 100).isEmpty)
        #expect(server.requestCount == 2)
        #expect(!requests[0].cancelIfUnsent() && !requests[1].cancelIfUnsent())
        #expect(requests[2].cancelIfUnsent() && requests[3].cancelIfUnsent())
        #expect(!requests[3].cancelIfUnsent())
        #expect(answers.wait(for: 2, milliseconds: 0).allSatisfy { $0.failure == .cancelled })
        #expect(requests[2].isWiped)
        try transport.post(server.origin, body: "last", into: answers)
        let failures = answers.wait(for: 5).map(\.failure)
        #expect(failures.filter { $0 == .deadlineExceeded }.count == 2)
        #expect(failures.last == .some(nil))
        #expect(server.requestCount == 3)
    }

    @Test("until it is connected, a request can be cancelled; its time runs out as unreachable")
    func connecting() throws {
        let wall = Wall()
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        let first = try transport.post(wall.origin, into: answers)
        #expect(answers.wait(for: 1, milliseconds: 100).isEmpty)
        #expect(first.cancelIfUnsent())
        #expect(answers.wait(for: 1, milliseconds: 0).first?.failure == .cancelled)
        let second = try transport.answer(wall.origin, deadlineMilliseconds: 300)
        #expect(second.failure == .unreachable(curlCode: 28))
    }

    @Test("no block for an answer: the request waits unsent, then fails as such")
    func starved() throws {
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        var settings = CurlTransport.Settings(allowsLoopbackHTTP: true)
        settings.blockMilliseconds = 200
        let transport = try CurlTransport(settings: settings)
        let answers = Answers()
        var hoard = BlockHoard.take(allOf: [8192, 2048])
        try transport.post(server.origin, into: answers)
        #expect(answers.wait(for: 1).first?.failure == .tooManySecrets)
        #expect(server.connectionCount == 0)
        try transport.post(server.origin, into: answers)
        withExtendedLifetime(hoard) {}
        hoard = nil
        _ = answers.wait(for: 2)
        #expect(try transport.answer(server.origin).status == 200)
    }

    @Test("close: what was sent is awaited, what was not is cancelled")
    func close() throws {
        let server = try ScriptedServer { request in
            request.body == "slow"
                ? .drip("HTTP/1.1 200 OK\r\n\r\n{}", everyMilliseconds: 10) : .hang
        }
        defer { server.stop() }
        let wall = Wall()
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        try transport.post(server.origin, body: "slow", into: answers)
        try transport.post(server.origin, body: "never", into: answers)
        try transport.post(wall.origin, into: answers)
        #expect(answers.wait(for: 1, milliseconds: 50).isEmpty)
        let took = elapsedMilliseconds { transport.close(waitingAtMost: 600) }
        #expect(took < 1500)
        let failures = answers.wait(for: 3, milliseconds: 0).map(\.failure)
        #expect(failures == [.cancelled, nil, .lost(curlCode: 42)])
        transport.close()
        #expect(try transport.answer(server.origin).failure == .cancelled)
    }

    @Test("the last reference may go in an answer")
    func lastReference() throws {
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        let answers = Answers()
        let keeper = Monitor<CurlTransport?>(try CurlTransport.forTests())
        let request = TransportRequest(
            url: server.origin, credentials: nil, body: try Secret("a")
        ) {
            reply in
            keeper.withLock { $0 = nil }
            answers.add(reply)
        }
        keeper.withLock { $0?.send(request) }
        #expect(answers.wait(for: 1).first?.status == 200)
    }

    @Test("afterwards no secret is open in a block that was given back")
    func blocksAreZero() throws {
        let server = try ScriptedServer { _ in .reply(body: String(repeating: "s", count: 5000)) }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        for _ in 0..<300 {
            try transport.post(server.origin, authorization: "Basic x", into: answers)
        }
        #expect(answers.wait(for: 300).allSatisfy { $0.body.utf8.count == 5000 })
        transport.close()
        #expect(SecretArena.shared.freeBlocksAreZero())
    }
}
