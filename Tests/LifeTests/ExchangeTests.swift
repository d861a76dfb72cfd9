// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// A connection's life at a provider without refresh tokens, over HTTP.
@Suite struct ExchangeTests {
    static let grant = "fb_exchange_token"

    private func practice() async throws -> Practice {
        try await Practice {
            $0.exchange = .init(
                grantType: Self.grant, parameter: Self.grant, lifetime: .seconds(60 * 86_400))
            $0.accessLifetime = .seconds(5400)
        }
    }

    private func register(_ practice: Practice, _ vault: Vault) async throws {
        try await practice.register(vault) {
            $0.clientAuthentication = .post
            $0.refreshGrant = .exchange(grantType: Self.grant, parameter: Self.grant)
            $0.grantLostErrors = ["190"]
        }
    }

    /// Moves the clocks of both sides.
    private func pass(_ seconds: Int64, _ practice: Practice, _ clock: TestClock) {
        clock.advance(by: .seconds(seconds))
        practice.provider.advance(by: .seconds(seconds))
    }

    private func secondsLeft(_ vault: Vault, _ id: ConnectionID, _ clock: TestClock) throws -> Int64
    {
        let diesAt = try #require(try vault.status(id)?.diesAt)
        return diesAt.milliseconds(since: clock.now()) / 1000
    }

    private func hasRefreshToken(_ vault: Vault, _ id: ConnectionID) throws -> Bool? {
        guard let stored = try vault.get(id) else { return nil }
        switch stored.tokens.refreshToken {
        case .none: return false
        case .some: return true
        }
    }

    @Test func livesAndDies() async throws {
        let practice = try await practice()
        let clock = TestClock()
        let vault = try practice.open(clock)
        let id = try ConnectionID("page")
        try await register(practice, vault)
        try await practice.connect(vault, id)
        let first = try await vault.token(id)
        #expect((5300...5400).contains(try secondsLeft(vault, id, clock)))
        #expect(try vault.status(id)?.endCause == .stated)

        // At half of its life it becomes one of sixty days.
        pass(2700, practice, clock)
        let loop = Task { try? await vault.run() }
        while practice.provider.counters.refreshes == 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
        while try vault.status(id)?.refreshCount == 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
        loop.cancel()
        await loop.value
        let second = try await vault.token(id)
        #expect(second != first)
        #expect(try await practice.accepts(second))
        #expect((5_183_900...5_184_000).contains(try secondsLeft(vault, id, clock)))
        #expect(practice.provider.counters.refreshesFailed == 0)

        // Once it has expired nothing is sent any more.
        pass(61 * 86_400, practice, clock)
        let requests = practice.provider.counters.tokenRequests
        #expect(await code { try await vault.token(id) } == .notRefreshable)
        #expect(await code { try await vault.refresh(id) } == .notRefreshable)
        let status = try #require(try vault.status(id))
        #expect(status.light == .red && status.nextStep == .reconnect)
        #expect(status.endCause == .notRenewable)
        #expect(practice.provider.counters.tokenRequests == requests)

        // The user connects again, and disconnects.
        try await practice.connect(vault, id)
        let third = try await vault.token(id)
        #expect(try await practice.accepts(third))
        let receipt = try await vault.disconnect(id)
        #expect(receipt.refreshToken == .notNeeded && receipt.accessToken == .revoked)
        #expect(try await !practice.accepts(third))
        vault.close()
        await practice.provider.stop()
    }

    @Test func isLostInTheProvidersWords() async throws {
        let practice = try await practice()
        let vault = try practice.open()
        let id = try ConnectionID("page")
        try await register(practice, vault)
        try await practice.connect(vault, id)
        // To the provider it has expired already.
        practice.provider.advance(by: .seconds(6000))
        #expect(await code { try await vault.refresh(id) } == .grantLost)
        let status = try #require(try vault.status(id))
        #expect(status.light == .red && status.reason == .grantLost)
        #expect(await code { try await vault.token(id) } == .grantLost)
        vault.close()
        await practice.provider.stop()
    }

    @Test func noStaleRefreshTokenStays() async throws {
        let practice = try await practice()
        let vault = try practice.open()
        let id = try ConnectionID("page")
        try await register(practice, vault)
        let minted = try #require(try practice.provider.mint(1).first)
        #expect(minted.refreshToken.isEmpty)
        let expiry = vault.time.now().adding(milliseconds: 5_000_000)
        try await vault.put(
            id,
            TokenSet(
                accessToken: Secret(text: minted.accessToken),
                refreshToken: Secret(text: "stale"), accessTokenExpiry: expiry,
                refreshTokenExpiry: expiry),
            application: practice.application)
        #expect(try hasRefreshToken(vault, id) == true)
        try await vault.refresh(id)
        #expect(try hasRefreshToken(vault, id) == false)
        #expect(try vault.status(id)?.refreshTokenExpiry == nil)
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        vault.close()
        await practice.provider.stop()
    }
}
