// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// Connections whose tokens the client asks for by what it signs, at a server that has the public
/// half, takes no assertion twice, and knows who has allowed the client.
@Suite struct JWTBearerTests {
    private let id: ConnectionID

    init() throws { id = try ConnectionID("anna") }

    private func practice(
        _ change: (inout ProviderSimulator.Settings) -> Void = { _ in }
    ) async throws -> Practice {
        let jwk = try SigningKeyLifeTests.key(SigningKeys.p256).publicKey()
        let key = try ProviderSimulator.PublicKey(jwk: jwk)
        return try await Practice {
            $0.clients[0].secret = nil
            $0.clients[0].publicKeys = [key]
            $0.clients[0].ownScopes = ["read", "write"]
            $0.clients[0].subjects = ["anna@a.example"]
            change(&$0)
        }
    }

    private func register(
        _ practice: Practice, _ vault: Vault, key: String = SigningKeys.p256,
        secret: String? = nil, _ change: (inout Provider) -> Void = { _ in }
    ) async throws {
        let base = practice.provider.baseURL
        var provider = Provider(
            name: "practice", tokenEndpoint: "\(base)/token",
            revocationEndpoint: "\(base)/revoke")
        provider.clientAuthentication = secret == nil ? .none : .post
        provider.assertionClaims = [.init("scope", "{scope}")]
        change(&provider)
        try await vault.put(
            Application(
                id: practice.application, provider: provider, clientID: "client-1",
                clientSecret: secret.map { try Secret(text: $0) },
                signingKey: SigningKeyLifeTests.key(key), scopes: ["read"]))
    }

    private func connect(
        _ practice: Practice, _ vault: Vault, subject: String? = "anna@a.example",
        scopes: [String]? = nil
    ) async throws {
        try await vault.connect(
            id, application: practice.application, grant: .jwtBearer(subject: subject),
            scopes: scopes)
    }

    private func status(_ vault: Vault) throws -> ConnectionStatus {
        try #require(try vault.status(id))
    }

    private func holdsRefreshToken(_ vault: Vault) throws -> Bool {
        guard let stored = try vault.get(id) else { return false }
        return stored.tokens.refreshToken != nil
    }

    @Test func eachTokenIsAskedForByAnotherAssertion() async throws {
        let practice = try await practice { $0.addsRefreshTokens = true }
        let clock = TestClock()
        let vault = try practice.open(clock)
        try await register(practice, vault)
        try await connect(practice, vault, scopes: ["write"])
        var status = try status(vault)
        #expect(status.grant == .jwtBearer && status.subject == "anna@a.example")
        #expect(status.requestedScope == "write" && status.grantedScope == "write")
        #expect(status.nextRefresh != nil && status.diesAt == nil)
        let first = try await vault.token(id)
        #expect(try await practice.accepts(first))
        for _ in 0..<3 { try await vault.refresh(id) }
        #expect(try await vault.token(id) != first)
        #expect(try !holdsRefreshToken(vault))
        var counters = practice.provider.counters
        #expect(counters.assertionsAccepted == 4 && counters.assertionsReplayed == 0)
        #expect(counters.clientTokens == 4 && counters.clientTokensRefused == 0)
        vault.close()
        // Another process goes on with it.
        let next = try practice.open(clock)
        try await next.ready()
        status = try self.status(next)
        #expect(status.subject == "anna@a.example" && status.grant == .jwtBearer)
        // The server's clock is the machine's: ours stays with it, or what is signed is too new.
        try await next.refresh(id)
        #expect(try await practice.accepts(next.token(id)))
        let receipt = try await next.disconnect(id)
        #expect(receipt.refreshToken == .notNeeded)
        #expect(try next.status(id) == nil)
        counters = practice.provider.counters
        #expect(counters.assertionsAccepted == 5 && counters.assertionsReplayed == 0)
        next.close()
        await practice.provider.stop()
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    @Test func nobodyNeedsToBeNamed() async throws {
        let practice = try await practice()
        let vault = try practice.open()
        try await register(practice, vault)
        try await connect(practice, vault, subject: nil)
        #expect(try status(vault).subject == nil)
        try await vault.refresh(id)
        #expect(await code { try await connect(practice, vault, subject: "") } == .invalidArgument)
        let long = String(repeating: "a", count: ClientGrant.subjectBytesMax + 1)
        #expect(await code { try await connect(practice, vault, subject: long) } == .limitExceeded)
        vault.close()
        await practice.provider.stop()
    }

    @Test func aUserWhoHasNotAllowedItIsARefusal() async throws {
        let practice = try await practice()
        let vault = try practice.open()
        try await register(practice, vault)
        #expect(
            await code { try await connect(practice, vault, subject: "eve") } == .providerRefused)
        let status = try status(vault)
        #expect(status.reason == .connectFailed && status.nextStep == .connect)
        #expect(status.reasonDetail.oauthError == "invalid_grant")
        #expect(status.reasonDetail.subjectName == "signing key")
        #expect(status.grant == .jwtBearer && status.subject == "eve")
        try await connect(practice, vault)
        #expect(try self.status(vault).subject == "anna@a.example")
        vault.close()
        await practice.provider.stop()
    }

    /// It is asked again, and ends nothing: with the right key it goes on.
    @Test func anotherKeyIsRefusedAndEndsNothing() async throws {
        let practice = try await practice()
        let clock = TestClock()
        let vault = try practice.open(clock)
        try await register(practice, vault)
        try await connect(practice, vault)
        try await register(practice, vault, key: SigningKeys.ed25519)
        #expect(await code { try await vault.refresh(id) } == .providerRefused)
        var status = try status(vault)
        #expect(status.light == .yellow && status.reason == .refreshRefused)
        #expect(status.nextRefresh != nil)
        try await register(practice, vault)
        try await vault.refresh(id)
        status = try self.status(vault)
        #expect(status.light == .yellow && status.reason == nil)

        try await register(practice, vault, key: SigningKeys.ed25519)
        #expect(await code { try await vault.refresh(id) } == .providerRefused)
        // Its token expires meanwhile.
        clock.advance(by: .seconds(3600))
        status = try self.status(vault)
        #expect(status.light == .red && status.nextStep == .correctApplication)
        #expect(try await !vault.log(id).contains { $0.kind == .grantLost })
        vault.close()
        await practice.provider.stop()
    }

    /// As Box has it: a secret, and an assertion.
    @Test func aClientWithASecretAuthenticatesBeside() async throws {
        let practice = try await practice { $0.clients[0].secret = "s3cret" }
        let vault = try practice.open()
        try await register(practice, vault, secret: "s3cret")
        try await connect(practice, vault)
        try await vault.refresh(id)
        #expect(practice.provider.counters.assertionsAccepted == 2)
        let receipt = try await vault.disconnect(id)
        #expect(receipt.accessToken == .revoked)
        vault.close()
        await practice.provider.stop()
    }

    @Test func theSubjectGoesWithTheGrant() async throws {
        let practice = try await practice { $0.clients[0].secret = "s3cret" }
        let vault = try practice.open()
        try await register(practice, vault, secret: "s3cret")
        try await connect(practice, vault)
        try await vault.connect(id, application: practice.application, grant: .clientCredentials)
        var status = try status(vault)
        #expect(status.grant == .clientCredentials && status.subject == nil)
        try await connect(practice, vault)
        #expect(try self.status(vault).subject == "anna@a.example")
        try await vault.put(
            id, TokenSet(accessToken: Secret(text: "a"), accessTokenExpiry: SystemTime().now()))
        status = try self.status(vault)
        #expect(status.grant == .authorizationCode && status.subject == nil)
        vault.close()
        await practice.provider.stop()
    }

    @Test func keyAndClaimsGoTogether() async throws {
        let practice = try await practice()
        let vault = try practice.open()
        // Nothing else can be asked by: without a key it is of no use.
        let base = practice.provider.baseURL
        var provider = Provider(name: "practice", tokenEndpoint: "\(base)/token")
        provider.clientAuthentication = .none
        provider.assertionClaims = []
        let keyless = provider
        #expect(
            await code {
                try await vault.put(
                    Application(
                        id: practice.application, provider: keyless, clientID: "client-1"))
            } == .invalidArgument)
        // One that sends people to a browser, too, may do without.
        provider.authorizationEndpoint = "\(base)/authorize"
        let both = provider
        try await vault.put(
            Application(
                id: practice.application, provider: both, clientID: "client-1",
                redirectURI: "https://platform.example/callback/practice"))
        #expect(await code { try await connect(practice, vault) } == .invalidArgument)
        #expect(practice.provider.counters.tokenRequests == 0)
        vault.close()
        await practice.provider.stop()
    }

    @Test func anImportLeavesNothingOfTheGrant() async throws {
        let practice = try await practice()
        let vault = try practice.open()
        try await register(practice, vault)
        try await connect(practice, vault)
        let lines = try Secret(
            text: #"{"id":"anna","application":"practice","access_token":"a","#
                + #""refresh_token":"r"}"#)
        _ = try await vault.importLines(lines, replacing: true, skipping: [])
        let status = try status(vault)
        #expect(status.grant == .authorizationCode && status.subject == nil)
        // What the client asks for by itself has none.
        #expect(try holdsRefreshToken(vault))
        vault.close()
        await practice.provider.stop()
    }
}
