// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// Applications that prove themselves by what they sign, at a server that has the public half and
/// takes no assertion twice.
@Suite struct SigningKeyLifeTests {
    typealias Algorithm = SigningKey.Algorithm

    static func key(
        _ text: String, _ algorithm: Algorithm? = nil
    ) throws(VaultError) -> SigningKey {
        try SigningKey(privateKey: Secret(testing: text), algorithm: algorithm)
    }

    private func practice(_ text: String, _ algorithm: Algorithm? = nil) async throws -> Practice {
        let jwk = try Self.key(text, algorithm).publicKey()
        let key = try ProviderSimulator.PublicKey(jwk: jwk)
        return try await Practice { settings in
            settings.clients = [
                .init(
                    id: "client-1", secret: nil,
                    redirectURIs: ["https://platform.example/callback/practice"],
                    publicKeys: [key])
            ]
            settings.rotation = .rotating(grace: .zero)
        }
    }

    private func register(
        _ practice: Practice, _ vault: Vault, _ key: consuming SigningKey?,
        _ change: (inout Provider) -> Void = { _ in }
    ) async throws {
        let base = practice.provider.baseURL
        var provider = Provider(
            name: "practice", authorizationEndpoint: "\(base)/authorize",
            tokenEndpoint: "\(base)/token", revocationEndpoint: "\(base)/revoke")
        provider.issuer = base
        provider.clientAuthentication = .privateKeyJWT
        change(&provider)
        try await vault.put(
            Application(
                id: practice.application, provider: provider, clientID: "client-1",
                signingKey: key, redirectURI: "https://platform.example/callback/practice",
                scopes: ["read"]))
    }

    @Test(arguments: [
        (SigningKeys.rsa, Algorithm.rs256), (SigningKeys.rsa, .ps256), (SigningKeys.p256, .es256),
        (SigningKeys.ed25519, .edDSA),
    ])
    func livesAndDies(_ text: String, _ algorithm: Algorithm) async throws {
        let practice = try await practice(text, algorithm)
        let vault = try practice.open()
        let id = try ConnectionID("customer-7")
        try await register(practice, vault, Self.key(text, algorithm))
        try await practice.connect(vault, id)
        for _ in 0..<3 { try await vault.refresh(id) }
        #expect(try await practice.accepts(vault.token(id)))
        let receipt = try await vault.disconnect(id)
        #expect(receipt.refreshToken == .revoked)
        #expect(receipt.accessToken == .revoked)
        let counters = practice.provider.counters
        #expect(counters.refreshes == 3)
        // A code, three refreshes and two revocations, each with an assertion of its own.
        #expect(counters.assertionsAccepted == 6)
        #expect(counters.assertionsReplayed == 0)
        #expect(counters.clientsRefused == 0)
        vault.close()
        await practice.provider.stop()
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    /// Sixty-four that leave in one batch share their credentials, and not what they sign.
    @Test func eachRequestOfABatchIsSignedByItself() async throws {
        let practice = try await practice(SigningKeys.p256)
        let vault = try practice.open()
        try await register(practice, vault, Self.key(SigningKeys.p256)) {
            $0.concurrentRefreshesMax = 64
            $0.refreshesPerSecondMax = 1000
        }
        let ids = try await practice.seed(vault, 64, lifetime: 3600)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in ids { group.addTask { try await vault.refresh(id) } }
            try await group.waitForAll()
        }
        #expect(practice.provider.counters.assertionsAccepted == 64)
        #expect(practice.provider.counters.refreshes == 64)
        vault.close()
        await practice.provider.stop()
    }

    @Test func anotherKeyIsTheApplicationsTrouble() async throws {
        let practice = try await practice(SigningKeys.p256)
        let vault = try practice.open()
        let id = try ConnectionID("a")
        try await register(practice, vault, Self.key(SigningKeys.p256))
        try await practice.connect(vault, id)
        // The old key is taken out at the provider before the new one is registered there.
        try await register(practice, vault, Self.key(SigningKeys.ed25519))
        #expect(await code { try await vault.refresh(id) } == .applicationMisconfigured)
        #expect(practice.provider.counters.clientsRefused == 1)
        #expect(try vault.status(id)?.nextStep == .correctApplication)
        // The grant is not lost, and the right key mends it.
        try await register(practice, vault, Self.key(SigningKeys.p256))
        try await vault.refresh(id)
        #expect(try vault.status(id)?.nextStep == ConnectionStatus.NextStep.none)
        vault.close()
        await practice.provider.stop()
    }

    @Test func aVaultThatIsOpenedAgainHasTheKey() async throws {
        let practice = try await practice(SigningKeys.rsa, .ps256)
        let id = try ConnectionID("a")
        do {
            let vault = try practice.open()
            try await register(practice, vault, Self.key(SigningKeys.rsa, .ps256))
            try await practice.connect(vault, id)
            vault.close()
        }
        let vault = try practice.open()
        try await vault.ready()
        try await vault.refresh(id)
        let summary = try #require(try vault.applications().first)
        #expect(summary.signingKey?.algorithm == .ps256)
        #expect(!summary.hasClientSecret)
        let jwk = try #require(try vault.publicKey(of: practice.application))
        #expect(try jwk == Self.key(SigningKeys.rsa, .ps256).publicKey())
        vault.close()
        await practice.provider.stop()
    }

    @Test func keyAndMethodGoTogether() async throws {
        let practice = try await practice(SigningKeys.p256)
        let vault = try practice.open()
        func cause(_ body: () async throws -> Void) async -> FailureCause? {
            do {
                try await body()
                return nil
            } catch {
                let detail = (error as? VaultError)?.detail
                return detail?.subject == .signingKey ? detail?.cause : nil
            }
        }
        #expect(await cause { try await register(practice, vault, nil) } == .empty)
        #expect(
            await cause {
                try await register(practice, vault, Self.key(SigningKeys.p256)) {
                    $0.clientAuthentication = .none
                }
            } == .keyUnused)
        #expect(try vault.applications().isEmpty)
        // To put the same again changes nothing; another key is another credential.
        try await register(practice, vault, Self.key(SigningKeys.p256))
        let before = try vault.store.lastGeneration()
        try await register(practice, vault, Self.key(SigningKeys.p256))
        #expect(try vault.store.lastGeneration() == before)
        try await register(practice, vault, Self.key(SigningKeys.ed25519))
        #expect(try vault.store.lastGeneration() > before)
        vault.close()
        await practice.provider.stop()
    }
}
