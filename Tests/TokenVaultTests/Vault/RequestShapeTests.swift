// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// What a definition says about requests, seen at the provider: connected, refreshed, disconnected.
@Suite("Requests as the provider wants them", .serialized)
struct RequestShapeTests {
    @Test("JSON, headers, a refresh endpoint, parameters of each request, other names")
    func everything() async throws {
        let site = try await Site { provider, origin in
            provider.clientAuthentication = .post
            provider.requestBody = .json
            provider.refreshEndpoint = origin + "/refresh"
            provider.requestHeaders = [
                .init("accept", "application/vnd.example+json"), .init("X-Version", "2026-11-01"),
            ]
            provider.exchangeParameters = [.init("type", "web_server")]
            provider.refreshParameters = [.init("type", "refresh")]
            provider.authorizationParameterNames = ["client_id": "app", "state": "custom"]
            provider.tokenParameterNames = ["client_id": "app"]
            provider.callbackParameterNames = ["code": "auth_code", "state": "custom"]
            provider.sendsRedirectURIOnRefresh = true
            provider.usesPKCE = false
        }
        let id = try ConnectionID("c1")
        let url = try await site.vault.connect(id, application: site.app).url
        let state = try #require(url.split(separator: "&").first { $0.hasPrefix("custom=") })
        #expect(url.contains("&app=client&") && !url.contains("client_id="))
        // Here `code` and `state` are the provider's own.
        let query = "code=no&auth_code=c1&state=no&\(state)"
        _ = try await site.vault.complete(callbackQuery: Secret(text: query), application: site.app)
        let exchange = try #require(site.sent.last)
        let redirect = "https://platform.example/callback"
        #expect(exchange.head.hasPrefix("POST /token HTTP/1.1\r\n"))
        #expect(
            exchange.body
                == #"{"grant_type":"authorization_code","code":"c1","redirect_uri":"\#(redirect)","#
                + #""app":"client","client_secret":"secret","type":"web_server"}"#)
        try await site.vault.refresh(id)
        let refresh = try #require(site.sent.last)
        #expect(refresh.head.hasPrefix("POST /refresh HTTP/1.1\r\n"))
        #expect(
            refresh.body
                == #"{"grant_type":"refresh_token","refresh_token":"r1","redirect_uri":""#
                + redirect + #"","app":"client","client_secret":"secret","type":"refresh"}"#)
        _ = try await site.vault.disconnect(id)
        let revocation = try #require(site.sent.last)
        #expect(revocation.head.hasPrefix("POST /revoke HTTP/1.1\r\n"))
        #expect(revocation.body.hasSuffix("&app=client&client_secret=secret"))
        for request in [exchange, refresh, revocation] {
            let isForm = request.head == revocation.head
            #expect(
                request.values("content-type")
                    == [isForm ? "application/x-www-form-urlencoded" : "application/json"])
            #expect(request.values("accept") == ["application/vnd.example+json"])
            #expect(request.values("x-version") == ["2026-11-01"])
            #expect(request.values("user-agent") == ["TokenVault"])
            #expect(request.values("accept-encoding") == ["identity"])
            #expect(request.values("authorization").isEmpty)
        }
    }

    /// The handle that a request had serves the next one, whoever's it is.
    @Test("what one provider wants goes to no other, and not with a header that authenticates")
    func theNextRequestIsPlain() async throws {
        let site = try await Site { provider, _ in
            provider.clientAuthentication = .bearer
            provider.requestHeaders = [.init("User-Agent", "platform/1"), .init("X-Own", "1")]
        }
        let plain = try ApplicationID("plain")
        try await site.put(plain) { provider, _ in provider.clientAuthentication = .basic }
        for round in 0..<3 {
            try await site.connect("a\(round)", site.app)
            let own = try #require(site.sent.last)
            #expect(own.values("authorization") == ["Bearer secret"])
            #expect(own.values("user-agent") == ["platform/1"] && own.values("x-own") == ["1"])
            #expect(own.values("accept") == ["application/json"])
            try await site.connect("b\(round)", plain)
            let other = try #require(site.sent.last)
            #expect(other.values("authorization") == ["Basic Y2xpZW50OnNlY3JldA=="])
            #expect(other.values("user-agent") == ["TokenVault"] && other.values("x-own").isEmpty)
        }
    }

    @Test("the callback's names are found by its application, or by its flow")
    func callbackNames() async throws {
        let site = try await Site { provider, _ in
            provider.callbackParameterNames = ["code": "spapi_oauth_code"]
        }
        for application in [site.app, nil] {
            let id = try ConnectionID("c1")
            let request = try await site.vault.connect(id, application: site.app)
            let query = "state=\(request.state)&spapi_oauth_code=c1&selling_partner_id=x"
            _ = try await site.vault.complete(
                callbackQuery: Secret(text: query), application: application)
            #expect(site.sent.last?.body.contains("&code=c1&") == true)
        }
        // Under its own name it is none.
        let request = try await site.vault.connect(ConnectionID("c2"), application: site.app)
        let query = "state=\(request.state)&code=c1"
        let error = await refusal {
            _ = try await site.vault.complete(callbackQuery: Secret(text: query))
        }
        #expect(error?.code == .callbackRejected)
        #expect(error?.detail.cause == .neitherCodeNorError)
        let right = try Secret(text: "state=\(request.state)&spapi_oauth_code=c")
        let flow = try await site.vault.flow(ofCallback: right, application: site.app)
        #expect(try flow.connection == ConnectionID("c2"))
    }

    @Test("scopes of the user, and those that a refresh token depends on")
    func scopes() async throws {
        let site = try await Site { provider, _ in
            provider.userScopeParameter = "user_scope"
            provider.scopeSeparator = ","
            provider.refreshScopes = ["offline", "read"]
        }
        try await site.put(site.app, scopes: ["read"], userScopes: ["me"]) { provider, _ in
            provider.userScopeParameter = "user_scope"
            provider.scopeSeparator = ","
            provider.refreshScopes = ["offline", "read"]
        }
        #expect(try site.vault.applications().first?.userScopes == ["me"])
        let id = try ConnectionID("c1")
        let usual = try await site.vault.connect(id, application: site.app).url
        #expect(usual.contains("&scope=read%2Coffline&user_scope=me&"))
        let own = try await site.vault.connect(
            id, application: site.app, scopes: [], userScopes: ["x", "y"]
        ).url
        #expect(own.contains("&scope=offline%2Cread&user_scope=x%2Cy&"))
        let none = try await site.vault.connect(id, application: site.app, userScopes: []).url
        #expect(!none.contains("user_scope="))
        // There is no parameter to ask for them in.
        let plain = try ApplicationID("plain")
        let refused = await refusal {
            try await site.put(plain, userScopes: ["me"]) { _, _ in }
        }
        #expect(refused?.code == .invalidArgument)
        try await site.put(plain) { _, _ in }
        let there = await refusal {
            _ = try await site.vault.connect(id, application: plain, userScopes: ["me"])
        }
        #expect(there?.code == .invalidArgument)
    }

    @Test("what would fail after the consent is refused before")
    func refusedAtOnce() async throws {
        let site = try await Site { _, _ in }
        let names = await refusal {
            try await site.put(site.app, redirectURI: "https://a.example/?auth_code=1") {
                provider, _ in provider.callbackParameterNames = ["code": "auth_code"]
            }
        }
        #expect(names?.detail.cause == .setByProvider)
        let colon = await refusal {
            try await site.put(site.app, secret: "a:b") { provider, _ in
                provider.clientAuthentication = .secretAsUser
            }
        }
        #expect(colon?.detail.subject == .clientSecret)
        let endpoint = await refusal {
            try await site.put(site.app) { provider, _ in
                provider.refreshEndpoint = "http://refresh.example/"
            }
        }
        #expect(endpoint?.code == .endpointRefused)
        #expect(endpoint?.detail.subject == .refreshEndpoint)
    }

    /// The limits are those of the endpoint that refreshes meet, and what was found out about an
    /// application is void where its requests look otherwise.
    @Test("what a provider sees of a client is compared")
    func comparedRequests() async throws {
        let changes: [(inout Provider, String) -> Void] = [
            { provider, origin in provider.refreshEndpoint = origin + "/refresh" },
            { provider, _ in provider.requestBody = .json },
            { provider, _ in provider.requestHeaders = [.init("X-A", "1")] },
            { provider, _ in provider.tokenParameterNames = ["client_id": "app"] },
        ]
        for (index, change) in changes.enumerated() {
            let site = try await Site { _, _ in }
            try await site.connect("c1", site.app)
            #expect(site.vault.refresher.unprovenChange(site.app) == nil)
            try await site.put(site.app, change)
            let expected: Suspicion.Change = index == 0 ? .identity : .credentials
            #expect(site.vault.refresher.unprovenChange(site.app) == expected, "\(index)")
            try await site.vault.refresh(ConnectionID("c1"))
            #expect(site.vault.refresher.unprovenChange(site.app) == nil)
            let isMoved = site.sent.last?.head.hasPrefix("POST /refresh ") == true
            #expect(isMoved == (index == 0))
        }
    }

    private func refusal(_ body: () async throws -> Void) async -> VaultError? {
        do {
            try await body()
            return nil
        } catch { return error as? VaultError }
    }
}

/// A vault, and a provider that writes down what it is sent.
private final class Site: Sendable {
    let home: TestVault
    let vault: Vault
    let app: ApplicationID
    private let server: ScriptedServer
    private let requests: Monitor<[ScriptedServer.Request]>

    init(_ change: (inout Provider, String) -> Void) async throws {
        let requests = Monitor<[ScriptedServer.Request]>([])
        self.requests = requests
        server = try ScriptedServer { request in
            requests.withLock { $0.append(request) }
            let tokens = #"{"access_token":"a1","refresh_token":"r1","expires_in":3600}"#
            return .reply(body: request.head.hasPrefix("POST /revoke") ? "{}" : tokens)
        }
        home = try TestVault()
        try home.create()
        vault = try home.open()
        app = try ApplicationID("app")
        try await vault.ready()
        try await put(app, change)
    }

    deinit {
        vault.close()
        server.stop()
    }

    var sent: [ScriptedServer.Request] { requests.withLock { $0 } }

    func put(
        _ id: ApplicationID, scopes: [String] = [], userScopes: [String] = [],
        secret: String = "secret", redirectURI: String = "https://platform.example/callback",
        _ change: (inout Provider, String) -> Void
    ) async throws {
        let application = try application(id, scopes, userScopes, secret, redirectURI, change)
        try await vault.put(application)
    }

    private func application(
        _ id: ApplicationID, _ scopes: [String], _ userScopes: [String], _ secret: String,
        _ redirectURI: String, _ change: (inout Provider, String) -> Void
    ) throws -> Application {
        let origin = server.origin
        var provider = Provider(
            name: "p", authorizationEndpoint: origin + "/authorize",
            tokenEndpoint: origin + "/token", revocationEndpoint: origin + "/revoke")
        change(&provider, origin)
        return Application(
            id: id, provider: provider, clientID: "client",
            clientSecret: try Secret(text: secret), redirectURI: redirectURI, scopes: scopes,
            userScopes: userScopes)
    }

    func connect(_ id: String, _ application: ApplicationID) async throws {
        let request = try await vault.connect(ConnectionID(id), application: application)
        _ = try await vault.complete(
            callbackQuery: Secret(text: "code=c&state=\(request.state)"), application: application)
    }
}

extension ScriptedServer.Request {
    /// The values of every field of a name.
    fileprivate func values(_ name: String) -> [String] {
        head.split(separator: "\r\n").dropFirst().compactMap { line in
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name else {
                return nil
            }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
    }
}
