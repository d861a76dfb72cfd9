// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// A code is used up when it is sent: what it brings is stored, or revoked.
@Suite("Codes exchanged where there is little room", .serialized)
struct VaultExchangeTests {
    static let classes = SecretArena.classes.map(\.byteCount)

    @Test("the arena is full when the answer comes: its tokens are stored all the same")
    func fullArena() async throws {
        let stand = try await Stand()
        let query = try await stand.connect("c1")
        async let done = stand.complete(query)
        let hoard = stand.hoardDuringExchange(answer: Stand.tokens("1"))
        let error = await done
        withExtendedLifetime(hoard) {}
        #expect(error == nil)
        #expect(stand.revoked.isEmpty)
        #expect(try stand.accessToken("c1") == "a1")
    }

    @Test("the same with tokens longer than the room that is kept: stored when there is room")
    func longTokens() async throws {
        let stand = try await Stand()
        let query = try await stand.connect("c1")
        async let done = stand.complete(query)
        // The answer fits into the block that it begins in, the record into none of those kept.
        let long = String(repeating: "x", count: 960)
        var hoard = stand.hoardDuringExchange(answer: Stand.tokens(long))
        // Tried in vain meanwhile, at least once.
        usleep(300_000)
        withExtendedLifetime(hoard) {}
        hoard = nil
        #expect(await done == nil)
        #expect(stand.revoked.isEmpty)
        #expect(try stand.accessToken("c1") == "a" + long)
    }

    @Test("no room to keep: nothing is sent, and the same callback works later")
    func noRoom() async throws {
        let stand = try await Stand()
        let query = try await stand.connect("c1")
        var hoard = BlockHoard.take(allOf: Self.classes.reversed())
        BlockHoard.give(8, of: &hoard)
        let first = await stand.complete(query)
        withExtendedLifetime(hoard) {}
        hoard = nil
        #expect(first == .tooManySecrets)
        #expect(stand.server.requestCount == 0)
        stand.answer(Stand.tokens("1"))
        #expect(await stand.complete(query) == nil)
        #expect(try stand.accessToken("c1") == "a1")
    }

    /// Gives blocks back one after the other until there are enough for all of it.
    @Test("too little room, wherever it ends: nothing is sent, and the same callback works later")
    func littleRoom() async throws {
        let stand = try await Stand()
        stand.answer(Stand.tokens("1"))
        let query = try await stand.connect("c1")
        let others = BlockHoard.take(allOf: [65_536, 8192])
        var hoards = [2048, 512, 128].map { BlockHoard.take(allOf: [$0]) }
        for index in hoards.indices { BlockHoard.give(5, of: &hoards[index]) }
        var refusals = 0
        var end = await stand.complete(query)
        while end == .tooManySecrets, refusals < 40 {
            #expect(stand.server.requestCount == 0)
            BlockHoard.give(1, of: &hoards[refusals % hoards.count])
            refusals += 1
            end = await stand.complete(query)
        }
        withExtendedLifetime((others, hoards)) {}
        #expect(end == nil && refusals > 0)
        #expect(try stand.accessToken("c1") == "a1")
    }

    @Test("disconnected meanwhile: the tokens are revoked, and nothing comes back")
    func disconnectedMeanwhile() async throws {
        let stand = try await Stand()
        let query = try await stand.connect("c1")
        async let done = stand.complete(query)
        stand.waitForRequest()
        _ = try await stand.vault.disconnect(ConnectionID("c1"))
        stand.answer(Stand.tokens("1"))
        #expect(await done == .notFound)
        #expect(stand.waitForRevocations(2) == ["r1", "a1"])
        #expect(try stand.vault.status(ConnectionID("c1")) == nil)
    }

    @Test(
        "an answer that is not taken: the connection is as it was, and what can be read is revoked",
        arguments: [
            (#"{"access_token":"a1","refresh_token":"r1","token_type":"bot"}"#, ["r1", "a1"]),
            (#"{"access_token":"a1","refresh_token":"r1","token_type":"DPoP"}"#, ["r1", "a1"]),
            (#"{"access_token":"a1\n","refresh_token":"r1"}"#, ["r1"]),
            (#"{"access_token":"LONG","refresh_token":"r\u0031"}"#, ["r1"]),
            (#"{"refresh_token":"","access_token":"a1","error":"x"}"#, ["a1"]),
            ("<p>access_token</p>", []),
        ])
    func notTaken(_ body: String, _ revoked: [String]) async throws {
        let stand = try await Stand()
        let query = try await stand.connect("c1")
        let long = String(repeating: "x", count: TokenSet.tokenBytesMax + 1)
        stand.answer(body.replacing("LONG", with: long))
        #expect(await stand.complete(query) == .providerAnswerUnreadable)
        #expect(stand.waitForRevocations(revoked.count) == revoked)
        let status = try #require(try stand.vault.status(ConnectionID("c1")))
        #expect(status.light == .yellow && status.nextStep == .connect)
    }

    @Test("a type that the definition lists is taken")
    func listedType() async throws {
        let stand = try await Stand { $0.bearerTokenTypes = ["Bot"] }
        let query = try await stand.connect("c1")
        stand.answer(#"{"access_token":"a1","refresh_token":"r1","token_type":"bot"}"#)
        #expect(await stand.complete(query) == nil)
        #expect(try stand.accessToken("c1") == "a1")
    }
}

/// A vault, and a provider that answers when it is told to.
private final class Stand: Sendable {
    let home: TestVault
    let vault: Vault
    let server: ScriptedServer
    private let state: Monitor<State>

    private struct State {
        var answer: String?
        var revoked: [String] = []
    }

    init(_ change: (inout Provider) -> Void = { _ in }) async throws {
        let state = Monitor(State())
        self.state = state
        server = try ScriptedServer { request in
            if request.head.hasPrefix("POST /token") {
                let body = state.wait(until: { $0.answer != nil }, then: { $0.answer ?? "" })
                return .reply(body: body)
            }
            let token = request.body.split(separator: "&").first { $0.hasPrefix("token=") }
            state.withLock { $0.revoked.append(String((token ?? "token=?").dropFirst(6))) }
            state.broadcast()
            return .reply()
        }
        home = try TestVault()
        try home.create()
        vault = try home.open()
        try await vault.ready()
        var provider = Provider(
            name: "p", authorizationEndpoint: server.origin + "/authorize",
            tokenEndpoint: server.origin + "/token", revocationEndpoint: server.origin + "/revoke")
        provider.clientAuthentication = .post
        change(&provider)
        try await vault.put(
            Application(
                id: ApplicationID("app"), provider: provider, clientID: "id",
                clientSecret: Secret("secret"), redirectURI: "https://platform.example/callback"))
    }

    deinit {
        vault.close()
        server.stop()
    }

    static func tokens(_ text: String) -> String {
        #"{"access_token":"a\#(text)","refresh_token":"r\#(text)","expires_in":3600}"#
    }

    /// The callback's query of a user who consented.
    func connect(_ id: String) async throws -> String {
        let request = try await vault.connect(ConnectionID(id), application: ApplicationID("app"))
        let parameters = request.url.drop { $0 != "?" }.dropFirst().split(separator: "&")
        let state = try #require(parameters.first { $0.hasPrefix("state=") })
        return "code=abc&\(state)"
    }

    func complete(_ query: String) async -> VaultError.Code? {
        do {
            try await vault.complete(callbackQuery: Secret(text: query))
            return nil
        } catch {
            return (error as? VaultError)?.code
        }
    }

    func answer(_ body: String) {
        state.withLock { $0.answer = body }
        state.broadcast()
    }

    func waitForRequest() { while server.requestCount == 0 { usleep(1000) } }

    /// Takes every block that is free once the code is out, and only then lets the server answer.
    func hoardDuringExchange(answer body: String) -> BlockHoard? {
        waitForRequest()
        // What made the request is given back by now.
        usleep(50_000)
        let hoard = BlockHoard.take(allOf: VaultExchangeTests.classes.reversed())
        answer(body)
        return hoard
    }

    var revoked: [String] { state.withLock { $0.revoked } }

    func waitForRevocations(_ count: Int) -> [String] {
        state.wait(milliseconds: 5000, until: { $0.revoked.count >= count }, then: { $0.revoked })
    }

    func accessToken(_ id: String) throws -> String? {
        guard let stored = try vault.get(ConnectionID(id)) else { return nil }
        return stored.tokens.accessToken.exposed
    }
}
