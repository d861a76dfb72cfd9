// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// What is a connection's own: where its provider is, and as which client it is known there.
@Suite(.serialized) struct OwnSettingsTests {
    @Test func eachConnectionIsAskedForWhereItsProviderIs() async throws {
        let stand = try await Stand()
        for (id, site) in [("a", 0), ("b", 1), ("c", 0)] {
            try await stand.connect(id, ConnectionSettings(values: ["server": stand.origin(site)]))
        }
        #expect(stand.requests(0).map(\.grant) == ["code", "code"])
        #expect(stand.requests(1).map(\.grant) == ["code"])
        try await stand.vault.refresh(ConnectionID("b"))
        #expect(stand.requests(1).map(\.path) == ["/eu/token", "/eu/token"])
        #expect(stand.requests(0).count == 2)
        // And so it is after a restart, and at the end.
        let again = try stand.reopen()
        try await again.refresh(ConnectionID("b"))
        try await again.refresh(ConnectionID("a"))
        #expect(stand.requests(1).map(\.grant) == ["code", "r-b1", "r-b1"])
        #expect(stand.requests(0).map(\.grant) == ["code", "code", "r-a0"])
        let receipt = try await again.disconnect(ConnectionID("b"))
        #expect(receipt.refreshToken == .revoked && receipt.accessToken == .revoked)
        #expect(stand.requests(1).suffix(2).map(\.path) == ["/eu/revoke", "/eu/revoke"])
        #expect(!stand.requests(0).contains { $0.path == "/eu/revoke" })
    }

    @Test func aQueueIsOneEndpoints() async throws {
        let stand = try await Stand()
        for (id, site) in [("a", 0), ("b", 1), ("c", 1)] {
            try await stand.connect(id, ConnectionSettings(values: ["server": stand.origin(site)]))
        }
        // One that is down keeps nobody waiting for another.
        stand.set(status: 500, 1)
        for _ in 0..<6 { _ = await code { try await stand.vault.refresh(ConnectionID("b")) } }
        #expect(try stand.vault.status(ConnectionID("c"))?.reason == nil)
        try await stand.vault.refresh(ConnectionID("a"))
        #expect(try stand.vault.status(ConnectionID("a"))?.refreshCount == 1)
        #expect(try stand.vault.status(ConnectionID("b"))?.reason == .refreshDelayed)
        // So does one that rejects the application.
        stand.set(status: 401, body: #"{"error":"invalid_client"}"#, 1)
        try await stand.vault.refresh(ConnectionID("a"))
        #expect(try stand.vault.status(ConnectionID("a"))?.light == .yellow)
    }

    @Test func theApplicationsValuesHoldWhereAConnectionHasNone() async throws {
        let stand = try await Stand()
        try await stand.put(["server": stand.origin(1)])
        try await stand.connect("a", ConnectionSettings())
        #expect(stand.requests(0).isEmpty && stand.requests(1).count == 1)
        let id = try ConnectionID("a")
        let values = try #require(try stand.vault.values(id))
        #expect(values.variables == ["server": stand.origin(1), "region": "eu"])
        // They change with the application, and so does where a refresh goes.
        try await stand.put(["server": stand.origin(0), "region": "us"])
        try await stand.vault.refresh(id)
        #expect(stand.requests(0).map(\.path) == ["/us/token"])
        #expect(try stand.vault.values(id)?.variables["region"] == "us")
    }

    @Test func aValueThatIsNoneIsRefused() async throws {
        let stand = try await Stand()
        let id = try ConnectionID("a")
        let wrong: [([String: String], FailureCause)] = [
            ([:], .valueMissing), (["server": "https://evil.example"], .valueRefused),
            (["server": stand.origin(0) + "/#"], .valueRefused),
            (["server": stand.origin(0), "region": "EU"], .valueRefused),
            (["server": stand.origin(0), "other": "x"], .valueRefused),
        ]
        for (values, cause) in wrong {
            do throws(VaultError) {
                _ = try await stand.vault.connect(
                    id, application: stand.application, settings: .init(values: values))
                Issue.record("taken: \(values)")
            } catch {
                #expect(error.code == .invalidArgument && error.detail.cause == cause)
                #expect(error.detail.subject == .variable)
            }
            #expect(throws: SettingError.self) { try stand.provider.check(values: values) }
        }
        #expect(try stand.vault.status(id) == nil)
        await #expect(throws: VaultError.self) { try await stand.put(["region": "EU"]) }
    }

    @Test func theCallbackMaySayWhereTheProviderIs() async throws {
        let stand = try await Stand()
        let id = try ConnectionID("a")
        let elsewhere = stand.origin(1).replacing(":", with: "%3A").replacing("/", with: "%2F")
        try await stand.connect(
            "a", ConnectionSettings(values: ["server": stand.origin(0)]),
            more: "&accounts-server=\(elsewhere)&realmId=123%20x&unknown=y")
        #expect(stand.requests(0).isEmpty && stand.requests(1).count == 1)
        let values = try #require(try stand.vault.values(id))
        #expect(values.variables["server"] == stand.origin(1))
        #expect(values.captured == ["realm": "123 x"])
        #expect(values.resourceHosts == ["api.example.com", "eu.example.com"])
        // A refresh keeps what was captured, and knows where to go.
        try await stand.vault.refresh(id)
        #expect(stand.requests(1).count == 2)
        #expect(try stand.vault.values(id) == values)
        // One that leads elsewhere is refused, and no code is sent.
        let before = [stand.requests(0).count, stand.requests(1).count]
        for server in ["https%3A%2F%2Fevil.example", "x&accounts-server=y", "%0a"] {
            let error = await code {
                try await stand.connect(
                    "b", ConnectionSettings(values: ["server": stand.origin(0)]),
                    more: "&accounts-server=\(server)")
            }
            #expect(error == .callbackRejected, "\(server)")
        }
        #expect([stand.requests(0).count, stand.requests(1).count] == before)
    }

    @Test func theCallbackAloneMaySayWhereTheProviderIs() async throws {
        let stand = try await Stand {
            $0.authorizationEndpoint = "https://accounts.example.com/authorize"
        }
        let without = await code { try await stand.connect("a", ConnectionSettings()) }
        #expect(without == .callbackRejected)
        #expect(stand.requests(0).isEmpty && stand.requests(1).isEmpty)
        let server = stand.origin(1).replacing(":", with: "%3A").replacing("/", with: "%2F")
        try await stand.connect("a", ConnectionSettings(), more: "&accounts-server=\(server)")
        #expect(stand.requests(1).map(\.grant) == ["code"])
        // The user said no, and then there is no server to name.
        let request = try await stand.vault.connect(
            ConnectionID("b"), application: stand.application)
        let denied = await code {
            try await stand.vault.complete(
                callbackQuery: Secret(text: "error=access_denied&state=\(request.state)"))
        }
        #expect(denied == .flowDenied)
    }

    @Test func theGrantBeforeIsRevokedWhereItWasGiven() async throws {
        let stand = try await Stand { $0.revokesReplacedGrant = true }
        try await stand.connect(
            "a",
            ConnectionSettings(
                values: ["server": stand.origin(0)], client: .own(id: "m", secret: Secret("s"))))
        try await stand.connect(
            "a", ConnectionSettings(values: ["server": stand.origin(1)], client: .application))
        #expect(stand.requests(0).map(\.path) == ["/eu/token", "/eu/revoke", "/eu/revoke"])
        #expect(stand.requests(0).map(\.client) == ["m:s", "m:s", "m:s"])
        #expect(stand.requests(1).map(\.path) == ["/eu/token"])
    }

    @Test func aClientOfItsOwn() async throws {
        let stand = try await Stand()
        let values = ["server": stand.origin(0)]
        try await stand.connect(
            "a",
            ConnectionSettings(values: values, client: .own(id: "mine", secret: Secret("s3"))))
        try await stand.connect("b", ConnectionSettings(values: values))
        #expect(stand.requests(0).map(\.client) == ["mine:s3", "id:secret"])
        let again = try stand.reopen()
        let id = try ConnectionID("a")
        try await again.refresh(id)
        #expect(stand.requests(0).last?.client == "mine:s3")
        // Rejected, it says nothing of the application's.
        stand.set(status: 401, body: #"{"error":"invalid_client"}"#, 0)
        #expect(await code { try await again.refresh(id) } == .applicationMisconfigured)
        #expect(try again.status(id)?.nextStep == .reconnect)
        #expect(try await again.log(application: stand.application).isEmpty)
        stand.set(status: 200, 0)
        try await again.refresh(ConnectionID("b"))
        #expect(stand.requests(0).last?.client == "id:secret")
        // Connecting again leaves it, until the application's is wanted.
        try await stand.connect("a", ConnectionSettings())
        #expect(stand.requests(0).last?.client == "mine:s3")
        try await stand.connect("a", ConnectionSettings(client: .application))
        #expect(stand.requests(0).last?.client == "id:secret")
        _ = try await again.disconnect(id)
        #expect(stand.requests(0).last?.client == "id:secret")
        let wrong = ConnectionSettings(values: values, client: .own(id: "x", secret: nil))
        #expect(await code { try await stand.connect("c", wrong) } == .invalidArgument)
    }

    @Test func tokensThatArePutHaveThemToo() async throws {
        let stand = try await Stand()
        let id = try ConnectionID("a")
        func tokens() throws -> TokenSet {
            try TokenSet(accessToken: Secret(text: "t"), refreshToken: Secret(text: "r-own"))
        }
        try await stand.vault.put(
            id, tokens(), application: stand.application,
            settings: ConnectionSettings(
                values: ["server": stand.origin(1)], client: .own(id: "m", secret: Secret("s"))))
        try await stand.vault.refresh(id)
        #expect(stand.requests(1).map(\.client) == ["m:s"])
        // What is put later leaves them.
        try await stand.vault.put(id, tokens(), application: stand.application)
        try await stand.vault.refresh(id)
        #expect(stand.requests(1).count == 2 && stand.requests(0).isEmpty)
        let wrong = await code {
            try await stand.vault.put(
                id, tokens(), application: stand.application,
                settings: ConnectionSettings(values: ["server": "https://evil.example"]))
        }
        #expect(wrong == .invalidArgument)
        let nobodys = await code {
            try await stand.vault.put(id, tokens(), settings: ConnectionSettings(values: [:]))
        }
        #expect(nobodys == .invalidArgument)
    }

    @Test func namesThatAreHiddenAreSaid() async throws {
        let stand = try await Stand()
        let id = try ConnectionID("a")
        try await stand.connect(
            "a",
            ConnectionSettings(values: ["server": stand.origin(0)], hiddenNames: ["server", "x"]))
        #expect(try stand.vault.values(id)?.hiddenNames == ["server", "x"])
        try await stand.vault.refresh(id)
        try await stand.connect("a", ConnectionSettings())
        #expect(try stand.vault.values(id)?.hiddenNames == ["server", "x"])
        try await stand.connect("a", ConnectionSettings(hiddenNames: []))
        #expect(try stand.vault.values(id)?.hiddenNames == [])
        let many = Set((0...32).map { "n\($0)" })
        let error = await code { try await stand.connect("a", .init(hiddenNames: many)) }
        #expect(error == .limitExceeded)
    }

    @Test func thereIsAMostOfQueues() throws {
        var state = UpkeepState()
        let application = try ApplicationID("app")
        var provider = Provider(
            name: "p", authorizationEndpoint: "https://{h}.example/a",
            tokenEndpoint: "https://{h}.example/t")
        provider.variables = ["h": .init(defaultValue: "main")]
        let template = EndpointTemplate(
            Application(
                id: application, provider: provider, clientID: "c",
                redirectURI: "https://w.example/"))
        let main = state.setQueue(
            application, endpoint: template.url([:]), Governor.Limits(), RefreshPolicy.Limits())
        state.queues[main].template = template
        func queue(_ host: String, _ client: String? = nil) -> Int {
            state.setQueue(application, values: ["h": host], clientID: client, main: main)
        }
        #expect(queue("main") == main && queue("main", "x") != main)
        let first = queue("h0")
        #expect(first != main && queue("h0") == first && queue("h1") != first)
        #expect(state.queues[first].endpoint == state.queues[queue("h0", "x")].endpoint)
        for number in 2..<OwnQueues.countMax { _ = queue("h\(number)") }
        #expect(queue("beyond") == main && queue("h0") == first)
        #expect(state.queues.count == OwnQueues.countMax + 1)
        #expect(state.allQueues(application).count == state.queues.count)
    }
}

/// Two sites of one provider.
private final class Stand: Sendable {
    struct Asked: Sendable {
        let path: String
        /// `code`, or the refresh token.
        let grant: String
        let client: String
    }

    private struct State {
        var asked: [[Asked]] = [[], []]
        var answers: [(status: Int, body: String?)] = [(200, nil), (200, nil)]
    }

    let home: TestVault
    private let opened: Monitor<Vault>
    let application: ApplicationID
    let provider: Provider
    private let servers: [ScriptedServer]
    private let state: Monitor<State>

    var vault: Vault { opened.withLock { $0 } }

    init(_ change: (inout Provider) -> Void = { _ in }) async throws {
        let state = Monitor(State())
        self.state = state
        servers = try (0..<2).map { site in
            try ScriptedServer { request in Self.answer(request, site, state) }
        }
        home = try TestVault()
        try home.create()
        let vault = try home.open()
        opened = Monitor(vault)
        try await vault.ready()
        application = try ApplicationID("app")
        var provider = Provider(
            name: "p", authorizationEndpoint: "{server}/{region}/authorize",
            tokenEndpoint: "{server}/{region}/token",
            revocationEndpoint: "{server}/{region}/revoke")
        provider.variables = [
            "server": .init(
                hostSuffixes: ["127.0.0.1"], callbackParameter: "accounts-server"),
            "region": .init(defaultValue: "eu", pattern: "[a-z]+"),
        ]
        provider.resourceHosts = ["api.example.com", "{region}.example.com", "{unknown}"]
        provider.capturedFromCallback = ["realm": "realmId", "unknown": "none"]
        provider.clientAuthentication = .post
        provider.rotation = .never
        change(&provider)
        self.provider = provider
        try await put([:])
    }

    deinit {
        vault.close()
        for server in servers { server.stop() }
    }

    func put(_ values: [String: String]) async throws {
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: "id",
                clientSecret: Secret("secret"), redirectURI: "https://platform.example/callback",
                values: values))
    }

    func reopen() throws -> Vault {
        vault.close()
        let again = try home.open()
        opened.withLock { $0 = again }
        return again
    }

    private static func answer(
        _ request: ScriptedServer.Request, _ site: Int, _ state: Monitor<State>
    ) -> ScriptedServer.Behaviour {
        func field(_ name: String) -> String {
            let field = request.body.split(separator: "&").first { $0.hasPrefix(name + "=") }
            return field.map { String($0.dropFirst(name.utf8.count + 1)) } ?? ""
        }
        let path = request.head.split(separator: " ").dropFirst().first.map(String.init) ?? ""
        let isCode = !field("code").isEmpty
        let client = field("client_id") + ":" + field("client_secret")
        return state.withLock { state in
            let grant = isCode ? "code" : field("refresh_token")
            state.asked[site].append(Asked(path: path, grant: grant, client: client))
            let answer = state.answers[site]
            if let body = answer.body { return .reply(status: answer.status, body: body) }
            guard answer.status == 200 else { return .reply(status: answer.status) }
            let id = field("code")
            let refresh = isCode ? #","refresh_token":"r-\#(id)\#(site)""# : ""
            return .reply(body: #"{"access_token":"t","expires_in":3600\#(refresh)}"#)
        }
    }

    func origin(_ site: Int) -> String { servers[site].origin }

    func requests(_ site: Int) -> [Asked] { state.withLock { $0.asked[site] } }

    func set(status: Int, body: String? = nil, _ site: Int) {
        state.withLock { $0.answers[site] = (status, body) }
    }

    func connect(
        _ id: String, _ settings: borrowing ConnectionSettings, more: String = ""
    ) async throws {
        let request = try await vault.connect(
            ConnectionID(id), application: application, settings: settings)
        let query = "code=\(id)&state=\(request.state)" + more
        try await vault.complete(callbackQuery: Secret(text: query))
    }
}
