// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVault

/// A refusal that the definition takes for a lost grant is believed once another connection of the
/// application was refreshed since; at a provider that answers so, Jira as it is played.
@Suite struct LikelyLostTests {
    @Test func whoeverAsksLearnsThatTheGrantIsLost() async throws {
        let jira = try #require(ProviderSimulator.Provider.named("jira"))
        let practice = try await Practice { $0.providers = [jira] }
        let vault = try practice.open()
        try await practice.register(vault) {
            $0.tokenEndpoint = practice.provider.baseURL + "/oauth/token"
            $0.revocationEndpoint = nil
            $0.issuer = nil
            $0.clientAuthentication = .post
            $0.authorizationParameters = [.init("audience", "api.atlassian.com")]
            $0.refreshScopes = ["offline_access"]
            $0.grantLostAnswers = [.init(status: 403, error: "unauthorized_client")]
        }
        let (anna, bert) = (try ConnectionID("anna"), try ConnectionID("bert"))
        try await practice.connect(vault, anna, user: "anna")
        try await practice.connect(vault, bert, user: "bert")
        practice.provider.revoke(user: "anna")
        #expect(await code { try await vault.refresh(anna) } == .providerRefused)
        try await vault.refresh(bert)
        // Believed while this answer, the second of its kind, is written down: no success of it.
        #expect(await code { try await vault.refresh(anna) } == .grantLost)
        #expect(try vault.status(anna)?.nextStep == .reconnect)
        vault.close()
        await practice.provider.stop()
    }
}
