// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// One GET after connecting: what it brings is kept, and what it fails at costs nothing.
@Suite("Looking up after connecting", .serialized)
struct LookupTests {
    static let definition: SettingValue = [
        "url": "https://a.example/resources", "values": ["site": "0.id", "missing": "0.none"],
        "account": "0.owner.email", "headers": ["X-Client": "{client_id}"],
    ]
    static let found = #"[ {"id" : 7, "owner":{"email":"ann\u0061@a.example"}}, {"id":8}]"#

    @Test("Jira's kind: the values are kept with the tokens, the account is in the status")
    func jira() async throws {
        let stand = try await Stand { _ in .reply(body: Self.found) }
        try await stand.connect()
        #expect(stand.lookups == ["GET /resources Bearer a1 id"])
        #expect(try stand.captured() == ["site": "7"])
        #expect(try stand.status()?.account == "anna@a.example")
        #expect(try await stand.vault.accessToken(stand.id).exposed == "a1")
        // A new grant may be another account's: what is not found is not there any more.
        stand.set { _ in .reply(status: 404) }
        try await stand.connect()
        #expect(try stand.captured().isEmpty && stand.status()?.account == nil)
    }

    @Test(
        "an answer that is none: the tokens are there all the same",
        arguments: [
            ScriptedServer.Behaviour.reply(status: 500), .reply(status: 401, body: found), .close,
            .reply(body: "<p>"), .reply(body: "[]"), .reply(body: "[{\"id\":{}}]"),
            .reply(body: "[" + String(repeating: " ", count: 300_000) + "]"), .hang,
        ])
    func failed(_ behaviour: ScriptedServer.Behaviour) async throws {
        let stand = try await Stand { _ in behaviour }
        let begin = ContinuousClock.now
        try await stand.connect()
        #expect(ContinuousClock.now - begin < .seconds(5))
        #expect(stand.lookups.count == 1)
        #expect(try stand.captured().isEmpty && stand.status()?.account == nil)
        #expect(try await stand.vault.accessToken(stand.id).exposed == "a1")
    }

    @Test("values too long, or with line ends, are left out")
    func refusedValues() async throws {
        let long = String(repeating: "x", count: Provider.Lookup.valueBytesMax + 1)
        let stand = try await Stand { _ in
            .reply(body: "[{\"id\":\"\(long)\",\"owner\":{\"email\":\"a\\nb\"}}]")
        }
        try await stand.connect()
        #expect(try stand.captured().isEmpty && stand.status()?.account == nil)
    }

    /// Definitions that cannot be meant, and what is said of them.
    static let wrong: [(value: SettingValue, description: String)] = [
        (["account": "a"], "lookup: url: none is not an absolute URL"),
        (["url": "a.example", "account": "a"], "lookup: url: \"a.example\" is not an absolute"),
        (["url": "https://a.example"], "lookup: values: none says that nothing is looked for"),
        (
            ["url": "https://a.example", "account": "a", "authentication": "basic"],
            "lookup: authentication: \"basic\" is not bearer or header NAME"
        ),
        (
            ["url": "https://a.example", "values": ["a": ".."]],
            "lookup: values: \"..\" is not a path such as"
        ),
        (
            ["url": "https://a.example", "values": ["a b": "c"]],
            "lookup: values: \"a b\" is not a name of letters"
        ),
        (
            ["url": "https://a.example", "values": ["client_id": "c"]],
            "lookup: values: \"client_id\" is set by the flow itself"
        ),
        (
            ["url": "https://a.example", "values": ["a": "data.access_token"]],
            "lookup: values: \"data.access_token\" names a secret"
        ),
    ]

    @Test("definitions that cannot be meant are named")
    func wrongDefinitions() {
        for (value, description) in Self.wrong {
            do {
                _ = try ProviderSetting.unknown.with("lookup", value)
                Issue.record("accepted: \(description)")
            } catch {
                #expect("\(error)".hasPrefix(description), "\(error)")
            }
        }
    }
}

private final class Stand: Sendable {
    let home: TestVault
    let vault: Vault
    let server: ScriptedServer
    let id: ConnectionID
    private let state: Monitor<State>

    private struct State {
        var lookups: [String] = []
        var answer: ScriptedServer.Script
    }

    init(_ answer: @escaping ScriptedServer.Script) async throws {
        let state = Monitor(State(answer: answer))
        self.state = state
        id = try ConnectionID("c1")
        server = try ScriptedServer { request in
            guard !request.head.hasPrefix("POST /token") else {
                return .reply(body: #"{"access_token":"a1","expires_in":3600}"#)
            }
            let line = request.head.prefix { $0 != "\r\n" }.split(separator: " ").prefix(2)
            let fields = ["Authorization", "X-Client"].map { request.header($0) ?? "" }
            let answer = state.withLock { state in
                state.lookups.append((line + fields.map { $0[...] }).joined(separator: " "))
                return state.answer
            }
            return answer(request)
        }
        home = try TestVault()
        try home.create()
        vault = try home.open { $0.deadlines.revocation = .seconds(1) }
        try await vault.ready()
        var provider = Provider(
            name: "p", authorizationEndpoint: server.origin + "/authorize",
            tokenEndpoint: server.origin + "/token")
        provider = try provider.with("lookup", LookupTests.definition)
        provider.lookup?.url = server.origin + "/resources"
        try await vault.put(
            Application(
                id: ApplicationID("app"), provider: provider, clientID: "id",
                clientSecret: Secret("secret"), redirectURI: "https://platform.example/callback"))
    }

    deinit {
        vault.close()
        server.stop()
    }

    var lookups: [String] { state.withLock { $0.lookups } }

    func set(_ answer: @escaping ScriptedServer.Script) { state.withLock { $0.answer = answer } }

    func connect() async throws {
        let request = try await vault.connect(id, application: ApplicationID("app"))
        try await vault.complete(
            callbackQuery: Secret(text: "code=abc&state=\(request.state)"))
    }

    func status() throws -> ConnectionStatus? { try vault.status(id) }

    func captured() throws -> [String: String] {
        guard let opened = try vault.store.open(vault.store.key(.connection, id.text)) else {
            return [:]
        }
        return ConnectionRecord(fields: opened.takeFields()).capturedValues
    }
}
