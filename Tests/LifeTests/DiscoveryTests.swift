// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing

@testable import TokenVault

/// From an issuer to a token, and what becomes of an application whose issuer says otherwise later.
@Suite("Discovery from an issuer", .serialized)
struct DiscoveryTests {
    @Test(
        "an application from an issuer connects, refreshes and is disconnected",
        arguments: ["", "/", "/realms/acme", "/realms/acme/"])
    func life(path: String) async throws {
        let practice = try await Practice { $0.metadata.path = path }
        let id = try ConnectionID("anna")
        let vault = try practice.open()
        let issuer = practice.provider.baseURL + path
        let discovered = try await practice.discover(vault, issuer)
        #expect(discovered.provider.issuer == issuer)
        #expect(discovered.provider.sendsIssuer)
        try await practice.connect(vault, id)
        try await vault.refresh(id)
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        let receipt = try await vault.disconnect(id)
        #expect(receipt.refreshToken == .revoked)
        vault.close()
        await practice.provider.stop()
    }

    @Test("both documents, one of them, and each in its places")
    func documents() async throws {
        let practice = try await Practice { $0.metadata.path = "/t" }
        let vault = try practice.open()
        let sets: [Set<ProviderSimulator.Document>] = [
            [.oauth, .openID], [.oauth], [.openID], [.openIDInserted], [.oauth, .openIDInserted],
        ]
        for documents in sets {
            try practice.provider.change { $0.metadata.documents = documents }
            let found = try await vault.discover(practice.provider.baseURL + "/t")
            #expect(found.documents.count == documents.count)
        }
        try practice.provider.change { $0.metadata.documents = [] }
        await #expect(throws: DiscoveryError.self) {
            try await vault.discover(practice.provider.baseURL + "/t")
        }
        vault.close()
        await practice.provider.stop()
    }

    @Test("faults of the server, at either document")
    func faults() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let faults: [(ProviderSimulator.Fault, DiscoveryError.Kind?)] = [
            (.status(503, retryAfter: nil), .busy), (.status(404, retryAfter: nil), nil),
            (.htmlPage, nil), (.redirect(to: "https://evil.example/"), nil),
            (.notJSON, .unreadable), (.truncatedJSON, .unreadable),
            (.hugeBody, nil), (.closedWithoutReply, .unreachable),
        ]
        for endpoint in [ProviderSimulator.Endpoint.oauthMetadata, .openIDMetadata] {
            for (fault, kind) in faults {
                practice.provider.set(fault: fault, replies: 1, endpoint: endpoint)
                var found: DiscoveryError.Kind?
                do {
                    _ = try await vault.discover(practice.provider.baseURL)
                } catch let error as DiscoveryError {
                    found = error.kind
                }
                #expect(found == kind, "\(fault) at \(endpoint)")
                practice.provider.set(fault: nil, endpoint: endpoint)
            }
        }
        vault.close()
        await practice.provider.stop()
    }

    @Test("a callback has iss, the right one, where the documents say that it has one")
    func issuerOfCallback() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        _ = try await practice.discover(vault, practice.provider.baseURL)
        let id = try ConnectionID("anna")
        func complete(_ change: (String) -> String) async throws -> VaultError.Code? {
            let request = try await vault.connect(id, application: practice.application)
            let query = change(try practice.consent(request).exposed)
            do {
                _ = try await vault.complete(
                    callbackQuery: Secret(text: query), application: practice.application)
                return nil
            } catch let error as VaultError {
                return error.code
            }
        }
        func without(_ query: String) -> String {
            query.split(separator: "&").filter { !$0.hasPrefix("iss=") }.joined(separator: "&")
        }
        #expect(try await complete { without($0) } == .issuerMismatch)
        #expect(
            try await complete { without($0) + "&iss=https%3A%2F%2Fevil.example" }
                == .issuerMismatch)
        // The concession of a slash is the document's alone.
        let issuer = practice.provider.baseURL.replacing(":", with: "%3A")
        #expect(try await complete { without($0) + "&iss=\(issuer)%2F" } == .issuerMismatch)
        #expect(try await complete { $0 } == nil)
        // Where nobody says that it is sent, it may be missing, and still must be right.
        try practice.provider.change {
            $0.metadata.members = [
                .oauth: ["authorization_response_iss_parameter_supported": ""],
                .openID: ["authorization_response_iss_parameter_supported": ""],
            ]
        }
        _ = try await practice.discover(vault, practice.provider.baseURL)
        #expect(
            try await complete { without($0) + "&iss=https%3A%2F%2Fevil.example" }
                == .issuerMismatch)
        #expect(try await complete { without($0) } == nil)
        vault.close()
        await practice.provider.stop()
    }

    @Test("what is known of a discovery stays with the application")
    func kept() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let record = try await practice.discover(vault, practice.provider.baseURL).record
        vault.close()
        let again = try practice.open()
        let found = try again.applications()
        #expect(found.map(\.discovery) == [record])
        #expect(record.documents.count == 2)
        #expect(record.settings.contains("token_endpoint"))
        again.close()
        await practice.provider.stop()
    }

    @Test("a token endpoint that moves is adopted only where somebody accepts it")
    func moved() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let issuer = practice.provider.baseURL
        _ = try await practice.discover(vault, issuer) { $0.refreshMarginSeconds = 120 }
        let same = try await vault.refreshIssuer(practice.application)
        #expect(same.changes.isEmpty && same.isAdopted)
        let evil = "http://127.0.0.1:9/token"
        try practice.provider.change { settings in
            for document in [ProviderSimulator.Document.oauth, .openID] {
                settings.metadata.members[document] = ["token_endpoint": "\"\(evil)\""]
            }
        }
        let before = try vault.applications()
        let shown = try await vault.refreshIssuer(practice.application)
        #expect(!shown.isAdopted && shown.changes.map(\.setting) == ["token_endpoint"])
        #expect(shown.changes.first?.after == evil)
        #expect(try vault.applications().map(\.provider) == before.map(\.provider))
        #expect(try vault.applications().map(\.discovery) == before.map(\.discovery))
        let taken = try await vault.refreshIssuer(practice.application, acceptsChange: true)
        #expect(taken.isAdopted)
        let after = try vault.applications().map(\.provider)
        #expect(after.map(\.tokenEndpoint) == [evil])
        #expect(after.map(\.refreshMarginSeconds) == [120])
        vault.close()
        await practice.provider.stop()
    }

    @Test("other changes are adopted at once, and a definition's own settings stay")
    func changed() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let issuer = practice.provider.baseURL
        let discovered = try await vault.discover(issuer).provider(named: "practice")
        var provider = discovered.provider
        provider.clientAuthentication = .post
        try await practice.put(
            vault, provider, discovered.record(without: ["client_authentication"]))
        try practice.provider.change { settings in
            for document in [ProviderSimulator.Document.oauth, .openID] {
                settings.metadata.members[document] = [
                    "scopes_supported": "[\"offline_access\"]",
                    "token_endpoint_auth_methods_supported": "[\"client_secret_basic\"]",
                ]
            }
        }
        let refresh = try await vault.refreshIssuer(practice.application)
        #expect(refresh.isAdopted)
        #expect(refresh.changes.map(\.setting) == ["refresh_scopes"])
        #expect(refresh.warnings.contains { $0.contains("lacks client_secret_post") })
        let now = try #require(try vault.applications().first)
        #expect(now.provider.clientAuthentication == .post)
        #expect(now.provider.refreshScopes == ["offline_access"])
        #expect(now.discovery?.settings.contains("client_authentication") == false)
        vault.close()
        await practice.provider.stop()
    }

    @Test("a check that would be given up has to be accepted")
    func weaker() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        _ = try await practice.discover(vault, practice.provider.baseURL)
        try practice.provider.change { settings in
            for document in [ProviderSimulator.Document.oauth, .openID] {
                settings.metadata.members[document] = [
                    "authorization_response_iss_parameter_supported": "false",
                    "code_challenge_methods_supported": "[\"plain\"]",
                    "revocation_endpoint": "",
                    "token_endpoint_auth_methods_supported": "[\"client_secret_post\"]",
                ]
            }
        }
        let shown = try await vault.refreshIssuer(practice.application)
        #expect(!shown.isAdopted)
        #expect(
            Set(shown.changes.filter(\.needsApproval).map(\.setting))
                == [
                    "authorization_response_iss_parameter_supported", "client_authentication",
                    "pkce", "revocation_endpoint",
                ])
        vault.close()
        await practice.provider.stop()
    }

    @Test("an application that was not discovered has no issuer to ask")
    func notDiscovered() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        try await practice.register(vault)
        await #expect(throws: DiscoveryError.self) {
            try await vault.refreshIssuer(practice.application)
        }
        vault.close()
        do {
            _ = try await vault.discover(practice.provider.baseURL)
            Issue.record("discovered by a closed vault")
        } catch let error as VaultError {
            #expect(error.code == .closed)
        }
        await practice.provider.stop()
    }
}

extension Practice {
    /// Registers the application with a provider that is discovered.
    @discardableResult
    func discover(
        _ vault: Vault, _ issuer: String, _ change: (inout Provider) -> Void = { _ in }
    ) async throws -> DiscoveredProvider {
        let discovered = try await vault.discover(issuer).provider(named: "practice")
        var provider = discovered.provider
        change(&provider)
        try await put(vault, provider, discovered.record)
        return discovered
    }

    func put(
        _ vault: Vault, _ provider: Provider, _ record: DiscoveryRecord?, secret: String? = nil
    ) async throws {
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: "client-1",
                clientSecret: Secret(text: secret ?? secretText),
                redirectURI: "https://platform.example/callback/practice", scopes: ["read"],
                discovery: record))
    }
}
