// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What a connection's status says of its scopes, from connect to refresh.
@Suite("Scopes in the status", .serialized) struct GrantedScopeTests {
    @Test("What was not granted is named, and what came besides; a refresh may change both")
    func status() async throws {
        let scope = Monitor<String?>("b;x")
        let server = try ScriptedServer { _ in
            let granted = scope.withLock { $0.map { #","scope":"\#($0)""# } ?? "" }
            return .reply(
                body: #"{"access_token":"a","refresh_token":"r","expires_in":3600\#(granted)}"#)
        }
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.ready()
        let (id, application) = (try ConnectionID("c"), try ApplicationID("app"))
        var provider = Provider(
            name: "p", authorizationEndpoint: server.origin + "/authorize",
            tokenEndpoint: server.origin + "/token")
        provider.scopeSeparator = ";"
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: "id",
                clientSecret: Secret("secret"), redirectURI: "https://platform.example/callback",
                scopes: ["a", "b"]))
        let request = try await vault.connect(id, application: application)
        try await vault.complete(callbackQuery: Secret(text: "code=c&state=\(request.state)"))
        var status = try #require(try vault.status(id))
        #expect(status.requestedScope == "a;b" && status.grantedScope == "b;x")
        #expect(status.missingScopes == ["a"] && status.extraScopes == ["x"])
        scope.withLock { $0 = "b a" }
        try await vault.refresh(id)
        status = try #require(try vault.status(id))
        #expect(status.missingScopes.isEmpty && status.extraScopes.isEmpty)
        scope.withLock { $0 = nil }
        try await vault.refresh(id)
        #expect(try vault.status(id)?.missingScopes == [])
        // Without its application what is usual is taken.
        scope.withLock { $0 = "a" }
        try await vault.refresh(id)
        try await vault.removeApplication(application)
        #expect(try vault.status(id)?.missingScopes == ["a;b"])
        vault.close()
        server.stop()
    }

    @Test("What a customer is shown has no hidden value, nor its name")
    func shown() {
        let values = ConnectionValues(
            variables: ["shop": "acme", "site": "s1"], captured: ["realm": "4711", "team": "t"],
            hiddenNames: ["site", "realm"], resourceHosts: ["s1.example.com"])
        #expect(values.shown.variables == ["shop": "acme"])
        #expect(values.shown.captured == ["team": "t"])
        #expect(values.shown.hiddenNames.isEmpty && values.shown.resourceHosts.isEmpty)
    }
}
