// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing

@testable import TokenVault

/// An application whose issuer is asked anew, and what else happens to it meanwhile.
@Suite("Asking an issuer anew", .serialized)
struct IssuerRefreshTests {
    /// Runs `body` while a slow server is asked that publishes a new scope now.
    private func whileAsking(
        _ practice: Practice, _ vault: Vault, _ body: () async throws -> Void
    ) async throws -> Result<Vault.IssuerRefresh, any Error> {
        let provider = practice.provider
        try provider.change { settings in
            for document in [ProviderSimulator.Document.oauth, .openID] {
                settings.metadata.members[document] = [
                    "scopes_supported": "[\"offline_access\"]"
                ]
            }
        }
        let served = provider.counters.faultsServed
        provider.set(fault: .delayBefore(.seconds(3)), replies: 1, endpoint: .oauthMetadata)
        let asking = Task { try await vault.refreshIssuer(practice.application) }
        for _ in 0..<500 where provider.counters.faultsServed == served {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(provider.counters.faultsServed == served + 1)
        try await body()
        return await asking.result
    }

    private func secret(_ practice: Practice, _ vault: Vault) throws -> String? {
        let application = try vault.store.application(practice.application)
        switch application.clientSecret {
        case .none: return nil
        case .some(let secret): return secret.exposed
        }
    }

    @Test("a secret that is replaced meanwhile stays, and the settings are adopted beside it")
    func replaced() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let found = try await practice.discover(vault, practice.provider.baseURL)
        let result = try await whileAsking(practice, vault) {
            try await practice.put(vault, found.provider, found.record, secret: "rotated-secret")
        }
        let refresh = try result.get()
        #expect(refresh.isAdopted && refresh.changes.map(\.setting) == ["refresh_scopes"])
        #expect(try secret(practice, vault) == "rotated-secret")
        #expect(try vault.applications().map(\.provider.refreshScopes) == [["offline_access"]])
        vault.close()
        await practice.provider.stop()
    }

    @Test("an application that is removed meanwhile stays removed")
    func removed() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        _ = try await practice.discover(vault, practice.provider.baseURL)
        let result = try await whileAsking(practice, vault) {
            try await vault.removeApplication(practice.application)
        }
        let error = #expect(throws: VaultError.self) { try result.get() }
        #expect(error?.code == .applicationNotFound)
        #expect(try vault.applications().isEmpty)
        vault.close()
        await practice.provider.stop()
    }

    @Test("one that is of another issuer meanwhile, or of none, stays as it is")
    func elsewhere() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let found = try await practice.discover(vault, practice.provider.baseURL)
        var other = found.provider
        other.issuer = practice.provider.baseURL + "/other"
        let changes: [(Provider, DiscoveryRecord?)] = [
            (other, found.record), (found.provider, nil),
        ]
        for (provider, record) in changes {
            try await practice.put(vault, found.provider, found.record)
            let result = try await whileAsking(practice, vault) {
                try await practice.put(vault, provider, record, secret: "other-secret")
            }
            let error = #expect(throws: VaultError.self) { try result.get() }
            #expect(error?.code == .generationChanged)
            let now = try #require(try vault.applications().first)
            #expect(now.provider == provider && now.discovery == record)
            #expect(try secret(practice, vault) == "other-secret")
        }
        vault.close()
        await practice.provider.stop()
    }

    @Test("an application that authenticates with a key goes on doing so")
    func signs() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let found = try await vault.discover(practice.provider.baseURL)
            .provider(named: "practice", authentication: .privateKeyJWT)
        let key = try SigningKey(privateKey: Secret(text: SigningKeys.p256))
        try await vault.put(
            Application(
                id: practice.application, provider: found.provider, clientID: "client-1",
                clientSecret: nil, signingKey: key,
                redirectURI: "https://platform.example/callback/practice", scopes: ["read"],
                discovery: found.record))
        for methods in ["[\"client_secret_basic\",\"private_key_jwt\"]", "[\"private_key_jwt\"]"] {
            try practice.provider.change { settings in
                for document in [ProviderSimulator.Document.oauth, .openID] {
                    settings.metadata.members[document] = [
                        "token_endpoint_auth_methods_supported": methods
                    ]
                }
            }
            let refresh = try await vault.refreshIssuer(practice.application)
            #expect(refresh.isAdopted && refresh.changes.isEmpty)
            #expect(refresh.warnings.isEmpty)
        }
        let now = try #require(try vault.applications().first)
        #expect(now.provider.clientAuthentication == .privateKeyJWT && now.signingKey != nil)
        vault.close()
        await practice.provider.stop()
    }
}
