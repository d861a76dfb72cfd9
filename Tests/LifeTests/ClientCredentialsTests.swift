// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// Connections whose tokens the client asks for by itself, at a provider.
@Suite struct ClientCredentialsTests {
    private let id: ConnectionID

    init() throws { id = try ConnectionID("reports") }

    /// A provider that gives the client tokens of an hour by itself.
    private func practice(
        _ change: (inout ProviderSimulator.Settings) -> Void = { _ in }
    ) async throws -> Practice {
        try await Practice {
            $0.clients[0].ownScopes = ["read", "write"]
            change(&$0)
        }
    }

    /// The same, with a connection; its token has expired where that is wanted.
    private func connected(
        isExpired: Bool = true, _ change: (inout ProviderSimulator.Settings) -> Void = { _ in }
    ) async throws -> (Practice, Vault, TestClock) {
        let practice = try await practice(change)
        let clock = TestClock()
        let vault = try practice.open(clock)
        try await practice.register(vault)
        try await vault.connect(id, application: practice.application, grant: .clientCredentials)
        practice.provider.resetCounters()
        if isExpired { clock.advance(by: .seconds(3600)) }
        return (practice, vault, clock)
    }

    private func status(_ vault: Vault) throws -> ConnectionStatus {
        try #require(try vault.status(id))
    }

    private func holdsRefreshToken(_ vault: Vault) throws -> Bool {
        guard let stored = try vault.get(id) else { return true }
        return stored.tokens.refreshToken != nil
    }

    @Test func oneRequestConnectsAndEachNextTokenIsAnother() async throws {
        let practice = try await practice { $0.addsRefreshTokens = true }
        let vault = try practice.open()
        try await practice.register(vault) { $0.revokesReplacedGrant = true }
        try await vault.connect(
            id, application: practice.application, grant: .clientCredentials, scopes: ["write"])
        #expect(practice.provider.counters.clientTokens == 1)
        #expect(practice.provider.counters.tokenRequests == 1)
        var status = try status(vault)
        #expect(status.grant == .clientCredentials && status.light == .yellow)
        #expect(status.requestedScope == "write" && status.grantedScope == "write")
        #expect(status.nextRefresh != nil && status.diesAt == nil && status.endCause == nil)
        let first = try await vault.token(id)
        #expect(try await practice.accepts(first))
        // What the provider should not have sent is not there.
        #expect(try !holdsRefreshToken(vault))
        try await vault.refresh(id)
        status = try self.status(vault)
        #expect(status.refreshCount == 1 && status.grant == .clientCredentials)
        #expect(try !holdsRefreshToken(vault))
        let second = try await vault.token(id)
        #expect(second != first)
        #expect(try await practice.accepts(second))
        // Connecting again leaves no grant behind, and revokes nothing.
        try await vault.connect(id, application: practice.application, grant: .clientCredentials)
        #expect(practice.provider.counters.revocationRequests == 0)
        #expect(try await !vault.log(id).contains { $0.kind == .grantReplaced })
        #expect(try self.status(vault).requestedScope == "read")
        vault.close()
        await practice.provider.stop()
    }

    @Test func aThousandCallersOfAnExpiredTokenCauseOneRequest() async throws {
        let (practice, vault, _) = try await connected()
        practice.provider.set(fault: .delayAfter(.milliseconds(300)), replies: 1)
        let tokens = try await withThrowingTaskGroup(of: String.self) { [id] group in
            for _ in 0..<1000 { group.addTask { try await vault.token(id) } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tokens.count == 1)
        #expect(practice.provider.counters.tokenRequests == 1)
        await practice.provider.stop()
    }

    @Test(arguments: [
        ProviderSimulator.Fault.closedWithoutReply, .status(500, retryAfter: nil), .notJSON,
        .delayBefore(.seconds(3)),
    ])
    func aLostAnswerCostsNothing(_ fault: ProviderSimulator.Fault) async throws {
        let practice = try await practice()
        let clock = TestClock()
        let vault = try practice.open(clock) { $0.deadlines.token = .seconds(1) }
        try await practice.register(vault)
        try await vault.connect(id, application: practice.application, grant: .clientCredentials)
        clock.advance(by: .seconds(3600))
        practice.provider.set(fault: fault, replies: 1)
        let failure = await code { try await vault.refresh(id) }
        #expect(
            [.answerLost, .providerBusy, .providerAnswerUnreadable, .deadlineExceeded]
                .contains(failure))
        // Nothing is in doubt, nobody listens, and whoever asks next is answered.
        let key = vault.store.key(.connection, id.text)
        #expect(vault.refresher.shared.withLock { $0.doubts[key] == nil })
        #expect(vault.refresher.shared.withLock { $0.upkeep.listenerCount } == 0)
        try await vault.refresh(id)
        #expect(try status(vault).refreshCount == 1)
        vault.close()
        await practice.provider.stop()
    }

    @Test func whileTheProviderIsDownTheTokenIsLent() async throws {
        let (practice, vault, clock) = try await connected(isExpired: false)
        practice.provider.set(fault: .status(503, retryAfter: nil))
        let loop = Task { try? await vault.run() }
        let before = try await vault.token(id)
        // It is due five minutes and a jitter before its end.
        clock.advance(by: .seconds(3400))
        while practice.provider.counters.tokenRequests < 2 {
            clock.advance(by: .seconds(1))
            #expect(try await vault.token(id) == before)
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try status(vault).reason == .refreshDelayed)
        practice.provider.set(fault: nil)
        while try status(vault).refreshCount == 0 {
            clock.advance(by: .seconds(5))
            try await Task.sleep(for: .milliseconds(50))
        }
        let after = try await vault.token(id)
        #expect(after != before)
        #expect(try await practice.accepts(after))
        loop.cancel()
        await loop.value
        vault.close()
        await practice.provider.stop()
    }

    @Test func aWrongSecretIsTheApplicationsFault() async throws {
        let (practice, vault, _) = try await connected()
        try await practice.register(vault, secret: "wrong")
        #expect(await code { try await vault.refresh(id) } == .applicationMisconfigured)
        var status = try status(vault)
        #expect(status.light == .red && status.reason == .applicationRejected)
        #expect(status.nextStep == .correctApplication)
        #expect(
            try await vault.log(application: practice.application).map(\.kind)
                .contains(.applicationRejected))
        try await practice.register(vault)
        try await vault.refresh(id)
        status = try self.status(vault)
        #expect(status.light == .yellow && status.nextStep == .none)
        vault.close()
        await practice.provider.stop()
    }

    @Test func aRefusalSaysWhatIsWrong() async throws {
        for (scopes, wanted, error) in [
            (["read"], VaultError.Code.providerRefused, "invalid_scope"),
            (nil, .applicationMisconfigured, "unauthorized_client"),
        ] as [(Set<String>?, VaultError.Code, String)] {
            let practice = try await practice { $0.clients[0].ownScopes = scopes }
            let vault = try practice.open()
            try await practice.register(vault)
            #expect(
                await code {
                    try await vault.connect(
                        id, application: practice.application, grant: .clientCredentials,
                        scopes: ["all"])
                } == wanted)
            let status = try status(vault)
            #expect(status.reason == .connectFailed)
            #expect(status.reasonDetail.oauthError == error)
            #expect(status.reasonDetail.subjectName == "client credentials")
            #expect(status.nextStep == .connect && status.grant == .clientCredentials)
            vault.close()
            await practice.provider.stop()
        }
    }

    @Test func aDisconnectRevokesTheAccessToken() async throws {
        let (practice, vault, _) = try await connected(isExpired: false)
        let token = try await vault.token(id)
        let receipt = try await vault.disconnect(id)
        #expect(receipt.accessToken == .revoked && receipt.refreshToken == .notNeeded)
        #expect(practice.provider.counters.revocationRequests == 1)
        #expect(try await !practice.accepts(token))
        #expect(try vault.status(id) == nil)
        vault.close()
        await practice.provider.stop()
    }

    @Test func whatComesAfterADisconnectIsRevoked() async throws {
        let (practice, vault, _) = try await connected()
        practice.provider.set(fault: .delayAfter(.milliseconds(700)), replies: 1)
        let caller = Task { [id] in await code { try await vault.refresh(id) } }
        while practice.provider.counters.tokenRequests == 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        let receipt = try await vault.disconnect(id)
        #expect(receipt.isEveryAnswerIn)
        #expect(await caller.value == .disconnecting)
        #expect(practice.provider.counters.tokenRequests == 1)
        #expect(practice.provider.counters.revocationRequests == 2)
        #expect(try vault.status(id) == nil)
        vault.close()
        await practice.provider.stop()
    }

    @Test func aRestartGoesOnWithIt() async throws {
        let (practice, vault, clock) = try await connected(isExpired: false)
        let before = try await vault.token(id)
        vault.close()
        let next = try practice.open(clock)
        try await next.ready()
        let status = try status(next)
        #expect(status.nextRefresh.map { $0 > clock.now() } ?? false)
        #expect(status.grant == .clientCredentials)
        #expect(try await next.token(id) == before)
        clock.advance(by: .seconds(3600))
        #expect(try await next.token(id) != before)
        #expect(practice.provider.counters.clientTokens == 1)
        next.close()
        await practice.provider.stop()
    }

    @Test func connectingAgainChangesTheGrant() async throws {
        let (practice, vault, _) = try await connected(isExpired: false)
        try await practice.connect(vault, id)
        #expect(try status(vault).grant == .authorizationCode)
        try await vault.refresh(id)
        #expect(practice.provider.counters.refreshes == 1)
        try await vault.connect(id, application: practice.application, grant: .clientCredentials)
        #expect(try status(vault).grant == .clientCredentials)
        #expect(try !holdsRefreshToken(vault))
        // The user's consent was left behind, and nobody's the other way round.
        #expect(try await vault.log(id).count { $0.kind == .grantReplaced } == 1)
        try await vault.refresh(id)
        #expect(practice.provider.counters.clientTokens == 2)
        // What the platform puts it has from elsewhere.
        let expiry = SystemTime().now().adding(milliseconds: 3_600_000)
        try await vault.put(
            id, TokenSet(accessToken: Secret(text: "a"), accessTokenExpiry: expiry))
        #expect(try status(vault).grant == .authorizationCode)
        #expect(await code { try await vault.refresh(id) } == .notRefreshable)
        vault.close()
        await practice.provider.stop()
    }

    @Test func aTokenThatWasRejectedOrLivesTooShortIsAskedForAnew() async throws {
        let (practice, vault, clock) = try await connected(isExpired: false)
        try await vault.reportRejected(id)
        #expect(practice.provider.counters.clientTokens == 1)
        clock.advance(by: .seconds(1800))
        let long = try await vault.accessToken(id, minimumLifetime: .seconds(3000))
        #expect(long.expiry.map { $0.milliseconds(since: clock.now()) > 3_000_000 } ?? false)
        #expect(practice.provider.counters.clientTokens == 2)
        #expect(
            await code {
                _ = try await vault.accessToken(id, minimumLifetime: .seconds(7200))
            } == .notRefreshable)
        vault.close()
        await practice.provider.stop()
    }

    @Test func aProviderWithoutAFlowSendsNobodyAnywhere() async throws {
        let practice = try await practice()
        let vault = try practice.open()
        try await practice.register(vault) {
            $0.authorizationEndpoint = ""
            $0.clientCredentialsGrantType = "client_credentials"
        }
        #expect(
            await code { _ = try await vault.connect(id, application: practice.application) }
                == .invalidArgument)
        try await vault.connect(id, application: practice.application, grant: .clientCredentials)
        vault.close()
        let next = try practice.open()
        #expect(try next.applications().first?.provider.authorizationEndpoint == "")
        try await next.refresh(id)
        next.close()
        await practice.provider.stop()
    }
}
