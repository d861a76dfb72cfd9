// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What a provider's definition says about refreshing: kept, checked, and shown as a forecast.
@Suite struct RefreshSettingsTests {
    static let day: Int64 = 86_400

    func application(
        _ change: (inout Provider) -> Void = { _ in }
    ) throws -> Application {
        var provider = Provider(
            name: "jira", authorizationEndpoint: "https://auth.example.com/authorize",
            tokenEndpoint: "https://auth.example.com/oauth/token")
        change(&provider)
        return Application(
            id: try ApplicationID("jira"), provider: provider, clientID: "c",
            clientSecret: try Secret(text: "s"), redirectURI: "https://example.com/callback")
    }

    /// Jira's published figures.
    static func jira(_ provider: inout Provider) {
        provider.refreshTokenIdleSeconds = 90 * day
        provider.refreshTokenLifetimeSeconds = 365 * day
        provider.refreshMarginSeconds = 120
        provider.concurrentRefreshesMax = 4
        provider.refreshesPerSecondMax = 20
        provider.grantLostErrors = ["token_revoked", "190"]
        provider.accessTokensExpire = false
        provider.refreshGrant = .exchange(grantType: "ex", parameter: "assertion")
    }

    @Test func areKept() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.put(try application(Self.jira))
        vault.close()
        let again = try home.open()
        let provider = try #require(try again.applications().first?.provider)
        var expected = provider
        Self.jira(&expected)
        #expect(provider == expected && provider.refreshTokenIdleSeconds == 7_776_000)
        #expect(provider.grantLostErrors == ["token_revoked", "190"])
        #expect(!provider.accessTokensExpire)
        #expect(provider.refreshGrant == .exchange(grantType: "ex", parameter: "assertion"))
        let limits = Governor.Limits(provider)
        #expect(limits.concurrentMax == 4 && limits.perSecondMax == 20)
        let policy = RefreshPolicy.Limits(provider)
        #expect(policy.marginSeconds == 120)
        #expect(!policy.accessTokensExpire && policy.exchangesAccessToken)
    }

    @Test func haveDefaultsWhereARecordLacksThem() throws {
        let fresh = try application()
        let plaintext = try ApplicationRecord.encode(fresh)
        var fields = try Fields(plaintext)
        for tag: UInt16 in 22...31 { try fields.set(tag, nil) }
        let read = try ApplicationRecord.decode(fields)
        let provider = read.provider
        #expect(provider.concurrentRefreshesMax == 8 && provider.refreshesPerSecondMax == 100)
        #expect(Governor.Limits(provider) == Governor.Limits())
        #expect(provider.refreshTokenIdleSeconds == nil)
        #expect(provider.refreshTokenLifetimeSeconds == nil)
        #expect(provider.refreshMarginSeconds == nil)
        #expect(provider.grantLostErrors.isEmpty)
        #expect(provider.accessTokensExpire && provider.refreshGrant == .refreshToken)
    }

    @Test func areCheckedAgainstTheirLimits() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let wrong: [@Sendable (inout Provider) -> Void] = [
            { $0.refreshTokenIdleSeconds = 599 }, { $0.refreshTokenIdleSeconds = .max },
            { $0.refreshTokenLifetimeSeconds = 0 }, { $0.refreshTokenLifetimeSeconds = .max },
            { $0.refreshMarginSeconds = 0 }, { $0.refreshMarginSeconds = .max },
            { $0.concurrentRefreshesMax = 0 }, { $0.concurrentRefreshesMax = 1025 },
            { $0.refreshesPerSecondMax = 0 }, { $0.refreshesPerSecondMax = 100_001 },
            { $0.grantLostErrors = ["invalid_client"] }, { $0.grantLostErrors = [""] },
            { $0.grantLostErrors = (0...16).map { "code_\($0)" } },
            { $0.refreshGrant = .exchange(grantType: "", parameter: "p") },
            { $0.refreshGrant = .exchange(grantType: "refresh_token", parameter: "p") },
            { $0.refreshGrant = .exchange(grantType: "client_credentials", parameter: "p") },
            { $0.refreshGrant = .exchange(grantType: "g", parameter: "client_id") },
            { $0.refreshGrant = .exchange(grantType: "g", parameter: "refresh_token") },
            {
                $0.refreshGrant = .exchange(
                    grantType: String(repeating: "g", count: 65), parameter: "p")
            },
            { $0.refreshGrant = .exchange(grantType: "g", parameter: "p\n") },
            {
                $0.refreshGrant = .exchange(grantType: "g", parameter: "p")
                $0.tokenParameters = [.init("p", "v")]
            },
        ]
        for (index, change) in wrong.enumerated() {
            let code = await code { try await vault.put(try application(change)) }
            #expect(code == .invalidArgument, "\(index)")
        }
        try await vault.put(try application(Self.jira))
    }

    @Test func areShownAsAForecast() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.put(
            try application {
                Self.jira(&$0)
                $0.refreshGrant = .refreshToken
            })
        let id = try ConnectionID("anna")
        let before = SystemTime().now()
        let refresh = try Secret(text: "rt")
        let access = try Secret(text: "at")
        try await vault.put(
            id, TokenSet(accessToken: access, refreshToken: refresh),
            application: try ApplicationID("jira"))
        let status = try #require(try vault.status(id))
        let diesAt = try #require(status.diesAt)
        let seconds = diesAt.milliseconds(since: before) / 1000
        #expect(status.endCause == .idle)
        // The vault's clock and this one were set apart by less than a second.
        #expect((90 * Self.day - 1...90 * Self.day + 60).contains(seconds))
        // Its limits go with the application; the status is there all the same.
        try await vault.removeApplication(try ApplicationID("jira"))
        let bare = try #require(try vault.status(id))
        #expect(bare.diesAt == nil && bare.endCause == nil)
    }

    @Test func aTokenThatNothingRenewsHasAnEnd() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        let id = try ConnectionID("anna")
        let expiry = SystemTime().now().adding(milliseconds: 3_600_000)
        let access = try Secret(text: "at")
        try await vault.put(id, TokenSet(accessToken: access, accessTokenExpiry: expiry))
        let status = try #require(try vault.status(id))
        #expect(status.diesAt == expiry && status.endCause == .notRenewable)
    }
}
