// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Connections of another grant have a queue of their own, and limits without a refresh token.
@Suite struct GrantQueueTests {
    private func provider() -> Provider {
        var provider = Provider(
            name: "p", authorizationEndpoint: "https://p.example/a",
            tokenEndpoint: "https://p.example/token")
        provider.refreshEndpoint = "https://p.example/refresh"
        provider.refreshTokenIdleSeconds = 86_400
        provider.refreshTokenLifetimeSeconds = 864_000
        provider.refreshMarginSeconds = 60
        return provider
    }

    @Test func aGrantHasAQueueAtTheTokenEndpoint() throws {
        var state = UpkeepState()
        let application = try ApplicationID("app")
        let limits = RefreshPolicy.Limits(provider())
        let template = EndpointTemplate(
            Application(
                id: application, provider: provider(), clientID: "c", clientSecret: nil))
        let main = state.setQueue(
            application, endpoint: template.url([:]), .widest, limits)
        state.queues[main].template = template
        func queue(_ client: String? = nil) -> Int {
            state.setQueue(
                application, values: [:], clientID: client, grant: .clientCredentials, main: main)
        }
        let own = queue()
        #expect(own != main && queue() == own && queue("other") != own)
        #expect(state.queues[own].endpoint != state.queues[main].endpoint)
        #expect(state.queues[own].limits.asksAnew && !state.queues[main].limits.asksAnew)
        #expect(state.allQueues(application).contains(own))
        // What the definition says later holds there too, but for refresh tokens.
        var changed = limits
        changed.marginSeconds = 30
        state.setOwnQueues(application, .widest, changed)
        #expect(state.queues[own].limits.marginSeconds == 30)
        #expect(state.queues[own].limits.asksAnew)
        #expect(!state.isListenedTo(own) && state.isListenedTo(main))
    }

    @Test func itIsDueByItsExpiryAloneAndEndsNever() {
        let limits = RefreshPolicy.Limits(provider()).of(.clientCredentials)
        let issued = UnixTime(milliseconds: 0)
        let lifetime = RefreshPolicy.Lifetime(
            issued: issued, accessTokenExpiry: UnixTime(milliseconds: 3_600_000),
            refreshTokenExpiry: nil, connected: issued, hasRefreshToken: true)
        let due = RefreshPolicy.due(lifetime, limits, random: 0)
        #expect(due == UnixTime(milliseconds: 3_540_000))
        #expect(RefreshPolicy.end(lifetime, limits) == nil)
        let end = RefreshPolicy.doubtEnd(
            recorded: issued, opened: issued, death: issued, limits)
        #expect(end.milliseconds == .min)
        #expect(RefreshPolicy.Limits(provider()).of(.authorizationCode) == .init(provider()))
    }
}
