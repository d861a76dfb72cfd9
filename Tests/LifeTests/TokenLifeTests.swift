// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// One connection's life: authorized, exchanged, stored, refreshed, lent, disconnected.
@Suite struct TokenLifeTests {
    let id = try? ConnectionID("customer-7/practice")

    @Test func livesAndDies() async throws {
        let practice = try await Practice { $0.rotation = .rotating(grace: .zero) }
        let vault = try practice.open()
        let id = try #require(id)
        try await practice.register(vault)
        #expect(await code { try await vault.token(id) } == .notFound)
        let request = try await vault.connect(id, application: practice.application)
        #expect(await code { try await vault.token(id) } == .notConnected)
        #expect(try vault.status(id)?.light == .yellow)
        _ = try await vault.complete(callbackQuery: practice.consent(request))
        let first = try await vault.token(id)
        #expect(try await practice.accepts(first))
        #expect(try vault.status(id)?.expirySource == .expiresIn)

        // A hundred refreshes under strict rotation: each presents the newest refresh token.
        for _ in 0..<100 { try await vault.refresh(id) }
        let last = try await vault.token(id)
        #expect(last != first)
        #expect(try await practice.accepts(last))
        #expect(practice.provider.counters.refreshes == 100)
        #expect(practice.provider.counters.reuseDetected == 0)
        #expect(try vault.status(id)?.refreshCount == 100)
        try await vault.reportUse(id)
        #expect(try vault.status(id)?.light == .green)

        let receipt = try await vault.disconnect(id)
        #expect(receipt.refreshToken == .revoked)
        #expect(receipt.accessToken == .revoked)
        #expect(receipt.erasedSlots == 1)
        #expect(receipt.isEveryAnswerIn)
        #expect(try await !practice.accepts(last))
        #expect(try vault.status(id) == nil)
        #expect(await code { try await vault.token(id) } == .notFound)
        #expect(await code { try await vault.disconnect(id) } == .notFound)
        #expect(
            try await vault.log(id).map(\.kind) == [
                .connectStarted, .connected, .disconnectStarted, .disconnected,
            ])
        vault.close()
        await practice.provider.stop()
        #expect(SecretArena.shared.freeBlocksAreZero())
    }

    @Test func aUseDoesNotHideARejection() async throws {
        let practice = try await Practice { $0.rotation = .rotating(grace: .zero) }
        let vault = try practice.open()
        let id = try #require(id)
        try await practice.register(vault)
        try await practice.connect(vault, id)
        let used = try #require(try vault.status(id)).generation
        // The use writes the record, but not the tokens.
        try await vault.reportUse(id)
        #expect(try vault.status(id)?.generation != used)
        try await vault.reportRejected(id, generation: used)
        #expect(practice.provider.counters.refreshes == 1)
        // The token that was rejected has been replaced: nothing to do.
        try await vault.reportRejected(id, generation: used)
        #expect(practice.provider.counters.refreshes == 1)
        #expect(practice.provider.counters.reuseDetected == 0)
        await practice.provider.stop()
    }

    @Test func keepsTheRefreshTokenWhereNoneComes() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let id = try #require(id)
        try await practice.register(vault)
        try await practice.connect(vault, id)
        for _ in 0..<5 { try await vault.refresh(id) }
        #expect(practice.provider.counters.refreshes == 5)
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        await practice.provider.stop()
    }

    @Test func aFlowSurvivesARestart() async throws {
        let practice = try await Practice()
        let id = try #require(id)
        let request: AuthorizationRequest
        do {
            let vault = try practice.open()
            try await practice.register(vault)
            request = try await vault.connect(id, application: practice.application)
            vault.close()
        }
        let vault = try practice.open()
        #expect(try await vault.complete(callbackQuery: practice.consent(request)) == id)
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        await practice.provider.stop()
    }

    @Test func aCallbackWorksOnce() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let id = try #require(id)
        try await practice.register(vault)
        let request = try await vault.connect(id, application: practice.application)
        let text = try practice.consent(request).exposed
        let results = await withTaskGroup(of: VaultError.Code?.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    await code {
                        _ = try await vault.complete(callbackQuery: Secret(text: text))
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(results.count(where: { $0 == nil }) == 1)
        #expect(results.count(where: { $0 == .callbackRejected }) == 7)
        #expect(practice.provider.counters.codeExchanges == 1)
        #expect(practice.provider.counters.codesReused == 0)
        await practice.provider.stop()
    }

    @Test func aCallbackMustBelong() async throws {
        let practice = try await Practice()
        let clock = TestClock()
        let vault = try practice.open(clock)
        let id = try #require(id)
        try await practice.register(vault)
        func rejected(_ query: String, binding: String? = nil) async -> VaultError.Code? {
            await code {
                let shown: Secret? = try binding.map { try Secret(text: $0) }
                _ = try await vault.complete(
                    callbackQuery: Secret(text: query), browserBinding: shown)
            }
        }
        for query in [
            "x", "state=guess", "code=1", "code=1&state=guess", "state=a&state=b&code=1",
            "code=1&code=2&state=a", "error=a&code=1&state=b", "code=%zz&state=a",
            "code=%0a&state=a",
            String(repeating: "a=b&", count: 33) + "code=1&state=x",
            "code=" + String(repeating: "a", count: 9000) + "&state=x",
        ] {
            #expect(await rejected(query) == .callbackRejected)
        }
        // Another browser, or none.
        let cookie = "a cookie of this browser"
        let bound = try await vault.connect(
            id, application: practice.application, browserBinding: Secret(text: cookie))
        let query = try practice.consent(bound).exposed
        #expect(await rejected(query) == .callbackRejected)
        #expect(await rejected(query, binding: "a cookie of another one") == .callbackRejected)
        #expect(practice.provider.counters.tokenRequests == 0)
        // Another issuer.
        let mixed = try await vault.connect(id, application: practice.application)
        let other = try practice.consent(mixed).exposed
            .replacing("iss=", with: "iss=https%3A//evil")
        #expect(await rejected(other) == .issuerMismatch)
        #expect(practice.provider.counters.tokenRequests == 0)
        // Another application's callback URL.
        let third = try await vault.connect(id, application: practice.application)
        let crossed = await code {
            _ = try await vault.complete(
                callbackQuery: practice.consent(third), application: ApplicationID("another"))
        }
        #expect(crossed == .callbackRejected)
        // Too late, and refused.
        let late = try await vault.connect(id, application: practice.application)
        let lateQuery = try practice.consent(late).exposed
        clock.advance(by: .seconds(601))
        #expect(await rejected(lateQuery) == .flowExpired)
        let denied = try await vault.connect(id, application: practice.application)
        let refusal =
            "error=access_denied&state=\(denied.state)&iss=\(practice.provider.baseURL)"
        #expect(await rejected(refusal) == .flowDenied)
        // The first browser still can.
        #expect(practice.provider.counters.tokenRequests == 0)
        await practice.provider.stop()
    }

    @Test func tellsAWrongSecretFromALostGrant() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let id = try #require(id)
        try await practice.register(vault)
        try await practice.connect(vault, id)
        try await practice.register(vault, secret: "wrong")
        #expect(await code { try await vault.refresh(id) } == .applicationMisconfigured)
        let status = try #require(try vault.status(id))
        #expect(status.light == .red)
        #expect(status.nextStep == .correctApplication)
        // The token that is there still works, and so does the grant once the secret is right.
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        try await practice.register(vault)
        try await vault.refresh(id)
        #expect(try vault.status(id)?.nextStep == ConnectionStatus.NextStep.none)
        await practice.provider.stop()
    }

    @Test func aLostGrantIsRedAndIsLeftAlone() async throws {
        let practice = try await Practice { $0.rotation = .rotating(grace: .zero) }
        let vault = try practice.open()
        let id = try #require(id)
        try await practice.register(vault)
        try await practice.connect(vault, id)
        // Somebody else uses the refresh token: the next one of ours is a reuse.
        let stolen = try vault.withStoredTokens(id) { $0 }
        let thief = try ConnectionID("thief")
        try await vault.put(
            thief, TokenSet(accessToken: Secret(text: "x"), refreshToken: Secret(text: stolen)),
            application: practice.application)
        try await vault.refresh(thief)
        #expect(await code { try await vault.refresh(id) } == .grantLost)
        #expect(try vault.status(id)?.light == .red)
        #expect(try vault.status(id)?.nextStep == .reconnect)
        let requests = practice.provider.counters.tokenRequests
        for _ in 0..<10 { #expect(await code { try await vault.token(id) } == .grantLost) }
        #expect(practice.provider.counters.tokenRequests == requests)
        #expect(try await vault.log(id).count(where: { $0.kind == .grantLost }) == 1)
        // Connecting again mends it, under the same id.
        try await practice.connect(vault, id)
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        await practice.provider.stop()
    }
}

extension Vault {
    /// The refresh token in the clear.
    func withStoredTokens(_ id: ConnectionID, _ body: (String) -> String) throws -> String {
        switch try get(id) {
        case .none: return ""
        case .some(let stored):
            switch stored.tokens.refreshToken {
            case .none: return ""
            case .some(let token): return body(token.exposed)
            }
        }
    }
}
