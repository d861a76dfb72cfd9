// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

@Suite("The curl transport", .serialized)
struct CurlTransportTests {
    @Test("one POST, as it arrives")
    func onePost() throws {
        let head = Monitor<[ScriptedServer.Request]>([])
        let server = try ScriptedServer { request in
            head.withLock { $0.append(request) }
            return .reply(
                headers: ["Date: Sun, 06 Nov 1994 08:49:37 GMT", "Set-Cookie: a=b"],
                body: "{\"access_token\":\"a\"}")
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        for authorization in ["Basic YTpi", nil] as [StaticString?] {
            let reply = try transport.answer(server.origin + "/token", authorization: authorization)
            #expect(reply.failure == nil && reply.status == 200)
            #expect(reply.body == "{\"access_token\":\"a\"}")
            #expect(reply.date == UnixTime(seconds: 784_111_777))
            #expect(reply.retryAfterSeconds == nil)
        }
        let requests = head.withLock { $0 }
        try #require(requests.count == 2)
        #expect(requests[0].head.hasPrefix("POST /token HTTP/1.1\r\n"))
        #expect(requests[0].body == "grant_type=refresh_token&refresh_token=r1")
        #expect(requests[0].header("Authorization") == "Basic YTpi")
        #expect(requests[1].header("Authorization") == nil)
        for request in requests {
            #expect(request.header("Content-Type") == "application/x-www-form-urlencoded")
            #expect(request.header("Accept") == "application/json")
            #expect(request.header("User-Agent") == "TokenVault")
            #expect(request.header("Accept-Encoding") == "identity")
            for absent in ["Expect", "Cookie", "Proxy-Connection", "Upgrade"] {
                #expect(request.header(absent) == nil)
            }
        }
        #expect(transport.curlHeapWiped)
        transport.close()
    }

    @Test("connections are kept, one for requests in a row")
    func keepAlive() throws {
        let server = try ScriptedServer { _ in .reply() }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        for _ in 0..<50 { #expect(try transport.answer(server.origin).status == 200) }
        #expect(server.requestCount == 50)
        #expect(server.connectionCount == 1)
    }

    @Test("200 at a time, each its own answer")
    func concurrent() throws {
        let server = try ScriptedServer { request in .reply(body: "{\"n\":\(request.number)}") }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        for _ in 0..<5 {
            let before = answers.count
            for _ in 0..<200 { try transport.post(server.origin, into: answers) }
            _ = answers.wait(for: before + 200)
        }
        let replies = answers.wait(for: 1000)
        #expect(replies.count == 1000)
        #expect(replies.allSatisfy { $0.status == 200 })
        #expect(Set(replies.map(\.body)).count == 1000)
        #expect(server.connectionCount <= 200)
    }

    @Test(
        "an answer that outgrows its block arrives whole",
        arguments: [2048, 2049, 3072, 61_440, 65_536])
    func growing(byteCount: Int) throws {
        let text = String(repeating: "0123456789abcdef", count: byteCount / 16 + 1).prefix(
            byteCount)
        let server = try ScriptedServer { _ in .reply(body: String(text)) }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let reply = try transport.answer(server.origin)
        #expect(reply.failure == nil)
        #expect(reply.body == String(text))
    }

    @Test("no larger block free: the answer waits past its deadline, and arrives")
    func pausing() throws {
        let text = String(repeating: "x", count: 60_000)
        let server = try ScriptedServer { _ in .reply(body: text) }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        var hoard = BlockHoard.take(allOf: [65_536, 8192])
        try transport.post(server.origin, deadlineMilliseconds: 200, into: answers)
        #expect(answers.wait(for: 1, milliseconds: 600).isEmpty)
        withExtendedLifetime(hoard) {}
        hoard = nil
        let replies = answers.wait(for: 1)
        #expect(replies.first?.failure == nil)
        #expect(replies.first?.body == text)
    }

    @Test("after a pause the deadline starts anew")
    func pauseThenSilence() throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n"
        let part = head + String(repeating: "x", count: 6000)
        let slow = try ScriptedServer { _ in .hangAfter(part) }
        defer { slow.stop() }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        var hoard = BlockHoard.take(allOf: [65_536, 8192])
        try transport.post(slow.origin, deadlineMilliseconds: 300, into: answers)
        #expect(answers.wait(for: 1, milliseconds: 500).isEmpty)
        withExtendedLifetime(hoard) {}
        hoard = nil
        let took = elapsedMilliseconds { _ = answers.wait(for: 1) }
        #expect(answers.wait(for: 1).first?.failure == .deadlineExceeded)
        #expect(took < 2000)
    }

    @Test(
        "past 256 KiB, or 64 KiB of what cannot be reduced: too long, and bounded",
        arguments: [
            String(repeating: "x", count: 65_537), String(repeating: "x", count: 1_048_576),
            "{\"x\":\"" + String(repeating: "x", count: 1_048_576),
        ])
    func tooLong(text: String) throws {
        let server = try ScriptedServer { _ in .reply(body: text) }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        #expect(try transport.answer(server.origin).failure == .tooLong)
        let headers = String(
            repeating: "X-A: \(String(repeating: "b", count: 1000))\r\n", count: 99)
        let chatty = try ScriptedServer { _ in .raw("HTTP/1.1 200 OK\r\n\(headers)\r\n{}") }
        defer { chatty.stop() }
        #expect(try transport.answer(chatty.origin).failure == .tooLong)
    }

    @Test("one byte at a time: the deadline holds")
    func drip() throws {
        let server = try ScriptedServer { _ in
            .drip("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", everyMilliseconds: 100)
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let took = try elapsedMilliseconds {
            let reply = try transport.answer(server.origin, deadlineMilliseconds: 500)
            #expect(reply.failure == .deadlineExceeded)
        }
        #expect((450...2500).contains(took))
    }

    @Test("silence: the deadline holds")
    func hang() throws {
        let server = try ScriptedServer { _ in .hang }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        let reply = try transport.answer(server.origin, deadlineMilliseconds: 300)
        #expect(reply.failure == .deadlineExceeded)
    }

    @Test("nobody listens: unreachable")
    func unreachable() throws {
        let server = try ScriptedServer { _ in .hang }
        server.stop()
        let transport = try CurlTransport.forTests()
        #expect(try transport.answer(server.origin).failure == .unreachable(curlCode: 7))
    }

    @Test("closed without an answer: lost")
    func lost() throws {
        let server = try ScriptedServer { _ in .close }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        #expect(try transport.answer(server.origin).failure == .lost(curlCode: 52))
        #expect(server.requestCount == 1)
    }

    @Test("a kept connection that dies with the request: lost, and never sent twice")
    func neverTwice() throws {
        let server = try ScriptedServer { $0.number == 1 ? .reply() : .close }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        #expect(try transport.answer(server.origin).status == 200)
        let reply = try transport.answer(server.origin)
        // Or 65, where what was sent was wiped by then.
        #expect(reply.failure == .lost(curlCode: 52) || reply.failure == .lost(curlCode: 65))
        #expect(server.requestCount == 2)
    }
}
