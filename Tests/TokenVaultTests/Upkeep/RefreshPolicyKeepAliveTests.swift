// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The refresh token's own deadline, and when a connection comes to its end; with the figures that
/// providers publish.
@Suite struct RefreshPolicyKeepAliveTests {
    static let day: Int64 = 86_400
    let issued = UnixTime(seconds: 1_700_000_000)

    func later(_ seconds: Int64) -> UnixTime { issued.adding(milliseconds: seconds * 1000) }

    func lifetime(
        access: Int64? = 3600, refresh: Int64? = nil, connectedBefore: Int64? = 0,
        hasRefreshToken: Bool = true
    ) -> RefreshPolicy.Lifetime {
        RefreshPolicy.Lifetime(
            issued: issued, accessTokenExpiry: access.map(later),
            refreshTokenExpiry: refresh.map(later),
            connected: connectedBefore.map { later(-$0) }, hasRefreshToken: hasRefreshToken)
    }

    /// Seconds from the issue to the earliest and the latest moment that is due.
    func due(
        _ lifetime: RefreshPolicy.Lifetime, _ limits: RefreshPolicy.Limits
    ) -> ClosedRange<Int64> {
        let moments = [UInt64.min, .max].map {
            RefreshPolicy.due(lifetime, limits, random: $0)?.milliseconds(since: issued) ?? .max
        }
        return min(moments[0], moments[1]) / 1000...max(moments[0], moments[1]) / 1000
    }

    @Test func theAccessTokenComesFirstWhereItLivesShorter() {
        // Jira: an hour; 90 days unused; 365 days in all.
        let jira = RefreshPolicy.Limits(
            refreshTokenIdleSeconds: 90 * Self.day, refreshTokenLifetimeSeconds: 365 * Self.day)
        #expect(due(lifetime(), jira) == 3000...3300)
        #expect(due(lifetime(), .init()) == 3000...3300)
    }

    @Test func aRefreshTokenThatDiesUnusedIsUsedAtHalfOfItsTime() {
        // Facebook's kind: an access token of 60 days; here the refresh token would die before.
        let idle = RefreshPolicy.Limits(refreshTokenIdleSeconds: 30 * Self.day)
        #expect(due(lifetime(access: 60 * Self.day), idle) == 12 * Self.day...15 * Self.day)
        // Xero states no end, but drops it after 60 days; its access token is unused for a year.
        let xero = RefreshPolicy.Limits(refreshTokenIdleSeconds: 60 * Self.day)
        #expect(due(lifetime(access: 365 * Self.day), xero) == 24 * Self.day...30 * Self.day)
        // QuickBooks states 101 days with each answer.
        let quickBooks = lifetime(access: 365 * Self.day, refresh: 8_726_400)
        #expect(due(quickBooks, .init()) == 3_490_560...4_363_200)
        // The shorter of the two counts.
        #expect(due(quickBooks, idle) == 12 * Self.day...15 * Self.day)
        // Without a refresh token nothing is kept alive.
        let bare = lifetime(access: 60 * Self.day, hasRefreshToken: false)
        #expect(due(bare, idle) == 60 * Self.day - 600...60 * Self.day - 300)
    }

    @Test func anEndThatIsNearDoesNotHideTheIdleLimit() {
        // Stated once, and moved by each use without saying so.
        let idle = RefreshPolicy.Limits(refreshTokenIdleSeconds: 3600)
        let stated = lifetime(access: Self.day, refresh: 599)
        #expect(due(stated, idle) == 1440...1800)
        // Alone it ends its own series.
        #expect(due(stated, .init()) == due(lifetime(access: Self.day), .init()))
    }

    @Test func aProvidersMarginIsNotExceeded() {
        // Exact Online: 600 s, and a refresh before 570 s is refused.
        let exact = RefreshPolicy.Limits(marginSeconds: 30)
        #expect(due(lifetime(access: 600), exact) == 570...584)
        // Slack: 43,200 s, and its own library refreshes 7,200 s before.
        let slack = RefreshPolicy.Limits(marginSeconds: 7200)
        #expect(due(lifetime(access: 43_200), slack) == 36_000...36_299)
        // Never before half of a lifetime.
        #expect(due(lifetime(access: 60), slack) == 30...35)
    }

    @Test func forecastsTheEnd() {
        func end(_ lifetime: RefreshPolicy.Lifetime, _ limits: RefreshPolicy.Limits)
            -> (Int64, EndCause)?
        {
            RefreshPolicy.end(lifetime, limits).map {
                ($0.time.milliseconds(since: issued) / 1000, $0.cause)
            }
        }
        func same(_ left: (Int64, EndCause)?, _ right: (Int64, EndCause)?) -> Bool {
            left?.0 == right?.0 && left?.1 == right?.1
        }
        let jira = RefreshPolicy.Limits(
            refreshTokenIdleSeconds: 90 * Self.day, refreshTokenLifetimeSeconds: 365 * Self.day)
        #expect(same(end(lifetime(), jira), (90 * Self.day, .idle)))
        let old = lifetime(connectedBefore: 300 * Self.day)
        #expect(same(end(old, jira), (65 * Self.day, .limit)))
        #expect(same(end(lifetime(refresh: 15_811_200), .init()), (15_811_200, .stated)))
        // LinkedIn states what is left of the year: that is the limit, and nothing puts it off.
        let linkedIn = RefreshPolicy.Limits(refreshTokenLifetimeSeconds: 31_536_000)
        let left = 31_536_000 - 40 * Self.day
        let aged = lifetime(
            access: 60 * Self.day, refresh: left - 2, connectedBefore: 40 * Self.day)
        #expect(same(end(aged, linkedIn), (left - 2, .limit)))
        #expect(end(lifetime(), .init()) == nil)
        let bare = lifetime(hasRefreshToken: false)
        #expect(same(end(bare, jira), (3600, .notRenewable)))
        #expect(end(lifetime(access: nil, hasRefreshToken: false), jira) == nil)
        // Tokens that were put know no moment of consent.
        #expect(end(lifetime(connectedBefore: nil), linkedIn) == nil)
    }

    @Test func whatDoesNotExpireIsDueForTheRefreshTokenAlone() {
        let endless = RefreshPolicy.Limits(accessTokensExpire: false)
        #expect(due(lifetime(access: nil), .init()) == 3000...3300)
        #expect(RefreshPolicy.due(lifetime(access: nil), endless, random: 0) == nil)
        #expect(RefreshPolicy.death(lifetime(access: nil), endless).milliseconds == .max)
        // A stated expiry counts all the same.
        #expect(due(lifetime(), endless) == 3000...3300)
        let idle = RefreshPolicy.Limits(
            refreshTokenIdleSeconds: 30 * Self.day, accessTokensExpire: false)
        #expect(due(lifetime(access: nil), idle) == 12 * Self.day...15 * Self.day)
        #expect(
            due(lifetime(access: nil, refresh: 60 * Self.day), endless)
                == 24 * Self.day...30 * Self.day)
    }

    @Test func aBacklogDrainsByDeath() {
        func death(_ lifetime: RefreshPolicy.Lifetime, _ limits: RefreshPolicy.Limits) -> Int64 {
            RefreshPolicy.death(lifetime, limits).milliseconds(since: issued) / 1000
        }
        let idle = RefreshPolicy.Limits(refreshTokenIdleSeconds: 1800)
        #expect(death(lifetime(), .init()) == 3600)
        #expect(death(lifetime(), idle) == 1800)
        #expect(death(lifetime(refresh: 900), idle) == 900)
        #expect(death(lifetime(access: nil), .init()) == 3600)
        #expect(death(lifetime(hasRefreshToken: false), idle) == 3600)
        let limit = RefreshPolicy.Limits(refreshTokenLifetimeSeconds: 365 * Self.day)
        #expect(death(lifetime(connectedBefore: 365 * Self.day - 60), limit) == 60)
    }

    /// A provider as it answers refreshes: lifetimes in seconds.
    struct Habits: Sendable {
        let access: Int64?
        /// Of the refresh token, where it is stated; counted anew each time, or from the connect.
        let refresh: Int64?
        let slides: Bool
        let limits: RefreshPolicy.Limits
        /// The most refreshes in 400 days.
        let most: Int
    }

    static let providers = [
        // GitHub, QuickBooks, Xero, Jira, LinkedIn, Zendesk, a token that never expires.
        Habits(access: 28_800, refresh: 15_811_200, slides: true, limits: .init(), most: 1300),
        Habits(access: 3600, refresh: 8_726_400, slides: true, limits: .init(), most: 12_000),
        Habits(
            access: 1800, refresh: nil, slides: true,
            limits: .init(refreshTokenIdleSeconds: 60 * day), most: 26_000),
        Habits(
            access: 3600, refresh: nil, slides: true,
            limits: .init(
                refreshTokenIdleSeconds: 90 * day, refreshTokenLifetimeSeconds: 365 * day),
            most: 12_000),
        Habits(
            access: 60 * day, refresh: 365 * day, slides: false,
            limits: .init(refreshTokenLifetimeSeconds: 365 * day), most: 10),
        // The same where the definition does not know the limit: after half of what is left.
        Habits(access: 60 * day, refresh: 365 * day, slides: false, limits: .init(), most: 40),
        Habits(access: 1800, refresh: 30 * day, slides: true, limits: .init(), most: 26_000),
        Habits(
            access: 1000 * day, refresh: nil, slides: true,
            limits: .init(refreshTokenIdleSeconds: 90 * day), most: 12),
    ]

    @Test(arguments: providers)
    func neverStorms(habits: Habits) {
        var random = SeededRandom(seed: 11)
        var now = issued
        var count = 0
        let end = later(400 * Self.day)
        while now < end, count <= habits.most {
            let stated = habits.refresh.map { seconds in
                (habits.slides ? now : issued).adding(milliseconds: seconds * 1000)
            }
            let lifetime = RefreshPolicy.Lifetime(
                issued: now,
                accessTokenExpiry: habits.access.map { now.adding(milliseconds: $0 * 1000) },
                refreshTokenExpiry: stated, connected: issued, hasRefreshToken: true)
            now = RefreshPolicy.due(lifetime, habits.limits, random: random.next()) ?? end
            count += 1
        }
        #expect(count <= habits.most)
    }

    @Test func takesWhateverComes() {
        var random = SeededRandom(seed: 12)
        let edges: [Int64?] = [nil, .min, -1, 0, 1, 600, 86_400, .max]
        func time() -> UnixTime? {
            random.chance(30)
                ? edges[random.below(8)].map(UnixTime.init(milliseconds:))
                : issued.adding(milliseconds: Int64(random.below(1 << 40)))
        }
        for _ in 0..<20_000 {
            let lifetime = RefreshPolicy.Lifetime(
                issued: time() ?? issued, accessTokenExpiry: time(), refreshTokenExpiry: time(),
                connected: time(), hasRefreshToken: random.chance(90))
            let limits = RefreshPolicy.Limits(
                refreshTokenIdleSeconds: edges[random.below(8)],
                refreshTokenLifetimeSeconds: edges[random.below(8)],
                marginSeconds: edges[random.below(8)])
            let due = RefreshPolicy.due(lifetime, limits, random: random.next())
            let earliest = lifetime.issued.adding(
                milliseconds: RefreshPolicy.intervalMillisecondsMin)
            #expect(due.map { $0 >= earliest } ?? false)
            _ = RefreshPolicy.death(lifetime, limits)
            _ = RefreshPolicy.end(lifetime, limits)
        }
    }
}
