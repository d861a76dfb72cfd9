// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Values of an answer that are kept beside the tokens.
@Suite(.serialized) struct CapturedTests {
    static func provider(_ paths: [(String, String)]) -> Provider {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.capturedFromReply = paths.map { .init($0.0, path: $0.1) }
        return provider
    }

    private func captured(_ body: String, _ paths: [(String, String)]) throws -> [String] {
        let rules = ReplyRules(Self.provider(paths))
        guard
            case .tokens(let reply) = Verdict(
                TransportReply(status: 200, body: try body.secret()), rules: rules)
        else {
            Issue.record("no tokens")
            return []
        }
        return pairs(reply.captured)
    }

    private func pairs(_ values: [(name: String, value: String)]) -> [String] {
        values.map { "\($0.name)=\($0.value)" }
    }

    @Test func textsNumbersAndFlagsAreRead() throws {
        let body = #"""
            {"instance_url":"https:\/\/na1.salesforce.com","team":{"id":"T1","n":null,"e":""},
            "bad":{"x":1,},"list":["a",{"id":2.50}],"ok":true,"access_token":"a",
            "ctl":"a\nb","uni":"\u00fc","half":"\ud800","long":"LONG","most":"MOST"}
            """#
            .replacing("LONG", with: String(repeating: "x", count: 1025))
            .replacing("MOST", with: String(repeating: "y", count: 1024))
        let paths = [
            ("url", "instance_url"), ("team", "team.id"), ("n", "team.n"), ("e", "team.e"),
            ("bad", "bad.x"), ("bad2", "bad.y"), ("first", "list.0"), ("second", "list.1.id"),
            ("third", "list.2"), ("ok", "ok"), ("ok2", "ok"), ("deep", "ok.x"), ("ctl", "ctl"),
            ("uni", "uni"), ("half", "half"), ("object", "team"), ("long", "long"),
            ("most", "most"), ("absent", "x.y.z"),
        ]
        #expect(
            try captured(body, paths) == [
                "url=https://na1.salesforce.com", "team=T1", "bad=1", "first=a", "second=2.50",
                "ok=true", "ok2=true", "uni=ü", "most=" + String(repeating: "y", count: 1024),
            ])
    }

    /// What is captured stays in an answer that is reduced, and costs no token there.
    @Test func survivesReducing() throws {
        let paths = [("team", "team.id"), ("url", "url")]
        let rules = try #require(ReplyRules(Self.provider(paths)))
        let long = String(repeating: "j", count: 70_000)
        let body = #"{"x":"\#(long)","team":{"id":"T","y":[]},"url":"u","access_token":"a"}"#
        var arriving = ReplyBody(in: try Secret(capacity: CurlTransfer.replyBytes), rules)
        let intake = body.lend { arriving.take($0) }
        #expect(intake == .taken)
        let left = arriving.take()?.exposed ?? ""
        #expect(left == #"{"team":{"id":"T","y":[]},"url":"u","access_token":"a"}"#)
        #expect(try captured(left, paths) == ["team=T", "url=u"])
    }

    @Test func recordsMergeThemAndKeepRoomForTokens() throws {
        let now = UnixTime(seconds: 1)
        var record = try ConnectionRecord(id: ConnectionID("c"), now: now)
        #expect(record.captured.isEmpty)
        try record.capture([("a", "1"), ("b", "2")])
        try record.capture([])
        try record.capture([("c", "3"), ("a", "4")])
        #expect(pairs(record.captured) == ["a=4", "b=2", "c=3"])
        let most = String(repeating: "x", count: 1024)
        try record.capture((0..<9).map { ("n\($0)", most) } + [("b", most + "x"), ("c", "5")])
        let names = record.captured.map(\.name)
        #expect(names == ["a", "b", "c"] + (0..<7).map { "n\($0)" })
        #expect(record.captured[1].value == "2" && record.captured[2].value == "5")
        // The longest tokens fit beside the most that is captured.
        let token = String(repeating: "t", count: TokenSet.tokenBytesMax)
        try token.lend { (span) throws(VaultError) in
            try record.adopt(
                accessToken: span, refreshToken: span,
                ConnectionRecord.Terms(scope: String(repeating: "s", count: 16_384)),
                requestStart: now)
        }
        #expect(record.captured.count == 10)
        try record.forgetCaptured()
        #expect(record.captured.isEmpty)
    }

    /// A connect, a refresh that omits one of them, and another connect, through the vault.
    @Test func areKeptUntilTheNextGrant() async throws {
        let answers = Monitor([
            #"{"data":{"token":"a1","again":"r1","life":7200000},"team":{"id":"T1"},"host":"h1"}"#,
            #"{"data":{"token":"a2","life":7200000},"host":"h2"}"#,
            #"{"data":{"token":"a3","again":"r3"}}"#,
        ])
        let server = try ScriptedServer { _ in
            .reply(body: answers.withLock { $0.isEmpty ? "{}" : $0.removeFirst() })
        }
        defer { server.stop() }
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        defer { vault.close() }
        try await vault.ready()
        var provider = Self.provider([("team", "team.id"), ("host", "host")])
        provider.name = "p"
        provider.authorizationEndpoint = server.origin + "/authorize"
        provider.tokenEndpoint = server.origin + "/token"
        provider.clientAuthentication = .post
        provider.replyMembers.accessToken = "data.token"
        provider.replyMembers.refreshToken = "data.again"
        provider.replyMembers.expiresIn = "data.life"
        provider.lifetimeUnit = .milliseconds
        let (app, id) = (try ApplicationID("app"), try ConnectionID("c"))
        try await vault.put(
            Application(
                id: app, provider: provider, clientID: "id", clientSecret: Secret("secret"),
                redirectURI: "https://platform.example/callback"))

        try await connect(vault, id, app)
        #expect(try stored(vault, id) == ["a1", "r1", "7200", "team=T1", "host=h1"])
        try await vault.refresh(id)
        #expect(try stored(vault, id) == ["a2", "r1", "7200", "team=T1", "host=h2"])
        try await connect(vault, id, app)
        #expect(try stored(vault, id) == ["a3", "r3", "-"])
    }

    private func connect(_ vault: Vault, _ id: ConnectionID, _ app: ApplicationID) async throws {
        let request = try await vault.connect(id, application: app)
        let parameters = request.url.drop { $0 != "?" }.dropFirst().split(separator: "&")
        let state = try #require(parameters.first { $0.hasPrefix("state=") })
        try await vault.complete(callbackQuery: Secret(text: "code=abc&\(state)"))
    }

    /// The tokens, the lifetime in seconds, and what was captured.
    private func stored(_ vault: Vault, _ id: ConnectionID) throws -> [String] {
        let key = vault.store.key(.connection, id.text)
        guard let opened = try vault.store.open(key) else { return [] }
        let record = ConnectionRecord(fields: opened.takeFields())
        let accessToken = try record.fields.secret(ConnectionTag.accessToken)?.exposed
        let refreshToken = try record.fields.secret(ConnectionTag.refreshToken)?.exposed
        let lifetime = record.accessTokenExpiry.map {
            "\($0.milliseconds(since: record.issued) / 1000)"
        }
        return [accessToken ?? "-", refreshToken ?? "-", lifetime ?? "-"] + pairs(record.captured)
    }
}
