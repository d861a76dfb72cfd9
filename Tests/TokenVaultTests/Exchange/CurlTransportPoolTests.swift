// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

@Suite("The curl transport: what it keeps and what it waits for", .serialized)
struct CurlTransportPoolTests {
    @Test("each origin keeps connections of its own, as many as were in flight")
    func keptPerOrigin() throws {
        let servers = try (0..<3).map { _ in try ScriptedServer { _ in .reply() } }
        defer { for server in servers { server.stop() } }
        let transport = try CurlTransport.forTests()
        let answers = Answers()
        for batch in 1...10 {
            for server in servers {
                for _ in 0..<8 { try transport.post(server.origin, into: answers) }
            }
            let replies = answers.wait(for: batch * 24)
            #expect(replies.count == batch * 24 && replies.allSatisfy { $0.status == 200 })
        }
        for server in servers {
            #expect(server.requestCount == 80)
            #expect((1...8).contains(server.connectionCount))
        }
    }

    @Test("a kept connection that its server closes keeps no thread busy, and is not used again")
    func closedWhileKept() throws {
        let server = try ScriptedServer { _ in
            .raw("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        }
        defer { server.stop() }
        let transport = try CurlTransport.forTests()
        #expect(try transport.answer(server.origin).status == 200)
        usleep(50_000)
        let before = Self.cpuMilliseconds()
        usleep(400_000)
        #expect(Self.cpuMilliseconds() - before < 200)
        #expect(try transport.answer(server.origin).status == 200)
        #expect(server.connectionCount == 2)
    }

    /// What this process has used of all processors.
    private static func cpuMilliseconds() -> Int {
        var used = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used)
        return used.tv_sec * 1000 + used.tv_nsec / 1_000_000
    }

    @Test("1,024 at a time")
    func limit() { #expect(CurlTransport.Settings().inFlightMax == 1024) }

    /// The answer's block was taken before the request was sent, and judging it takes none: with
    /// none left in any class, the thread neither waits nor loses the tokens.
    @Test("an answer is judged at once where no block is free")
    func judgesWithFullArena() throws {
        let mayAnswer = Monitor(false)
        let server = try ScriptedServer { _ in
            mayAnswer.wait(until: { $0 }, then: { _ in })
            return .reply(
                body: #"{"access_token":"e30.eyJleHAiOjE3OTM0OTg0MDB9.c\/","refresh_token":"r"}"#)
        }
        defer { server.stop() }
        let endpoint = TokenEndpoint(transport: try CurlTransport.forTests())
        let application = try application(server.origin)
        let verdicts = Monitor<[String]>([])
        let token = try "r".secret()
        let request = try endpoint.refresh(
            token.bytes, for: application, by: ClientCredentials(application)
        ) { verdict in
            let text = text(verdict)
            verdicts.withLock { $0.append(text) }
            verdicts.broadcast()
        }
        endpoint.send(request)
        while server.requestCount == 0 { usleep(1000) }
        let hoard = BlockHoard.take(allOf: SecretArena.classes.map(\.byteCount).reversed())
        let took = elapsedMilliseconds {
            mayAnswer.withLock { $0 = true }
            mayAnswer.broadcast()
            verdicts.wait(milliseconds: 10_000, until: { !$0.isEmpty }, then: { _ in })
        }
        withExtendedLifetime(hoard) {}
        #expect(verdicts.withLock { $0 } == ["e30.eyJleHAiOjE3OTM0OTg0MDB9.c/"])
        #expect(took < Int64(SecretArena.waitMilliseconds) / 2)
    }

    private func application(_ url: String) throws -> Application {
        Application(
            id: try ApplicationID("app"),
            provider: Provider(name: "example", authorizationEndpoint: url, tokenEndpoint: url),
            clientID: "id", clientSecret: try "secret".secret(), redirectURI: url)
    }
}

/// The access token of a verdict.
private func text(_ verdict: consuming Verdict) -> String {
    switch consume verdict {
    case .tokens(let reply): text(reply)
    default: "no tokens"
    }
}

private func text(_ reply: borrowing TokenReply) -> String {
    // Whoever stores it asks this too.
    let expiry = reply.expiry(
        requestedAt: UnixTime(seconds: 1_793_000_000), providerLifetimeSeconds: 60,
        applicationLifetimeSeconds: nil)
    return expiry.moment == nil ? "no expiry" : reply.accessTokenBytes.publicText ?? ""
}
