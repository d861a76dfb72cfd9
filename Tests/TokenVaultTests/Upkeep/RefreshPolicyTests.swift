// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// When a refresh is due, and when the next attempt.
@Suite struct RefreshPolicyTests {
    let issued = UnixTime(seconds: 1_700_000_000)

    func due(_ lifetime: Int64?, _ random: UInt64) -> Int64 {
        RefreshPolicy.due(
            issued: issued, expiry: lifetime.map { issued.adding(milliseconds: $0) },
            random: random
        ).milliseconds(since: issued)
    }

    @Test(arguments: [
        // Lifetime, margin, widest jitter: seconds.
        (60, 15, 6), (600, 150, 60), (1200, 300, 120), (3600, 300, 300), (7_776_000, 300, 300),
    ])
    func staysWithinMarginAndJitter(lifetime: Int64, margin: Int64, jitter: Int64) {
        let latest = (lifetime - margin) * 1000
        #expect(due(lifetime * 1000, 0) == latest)
        #expect(due(lifetime * 1000, .max) > latest - jitter * 1000 - 1)
        var random = SeededRandom(seed: 7)
        var sum = 0.0
        for _ in 0..<2000 {
            let moment = due(lifetime * 1000, random.next())
            #expect(moment <= latest && moment >= latest - jitter * 1000)
            sum += Double(latest - moment)
        }
        // Spread evenly, so that what was made together does not come due together.
        #expect(abs(sum / 2000 - Double(jitter * 500)) < Double(jitter * 50))
    }

    @Test func unknownAndImpossibleLifetimes() {
        #expect(due(nil, 0) == due(3_600_000, 0))
        #expect(due(0, .max) == 0)
        // It expired before it came: due at once, and no arithmetic trap.
        #expect(due(-5000, .max) == -5000)
        #expect(due(.max, 0) > 0)
        #expect(due(.min, .max) < 0)
    }

    @Test func lendsNothingThatIsAboutToExpire() {
        func isFresh(_ lifetime: Int64?, after: Int64, minimum: Int64 = 0) -> Bool {
            RefreshPolicy.isFresh(
                issued: issued, expiry: lifetime.map { issued.adding(milliseconds: $0 * 1000) },
                now: issued.adding(milliseconds: after * 1000),
                minimumMilliseconds: minimum * 1000)
        }
        #expect(isFresh(nil, after: 1_000_000))
        #expect(isFresh(3600, after: 3589))
        #expect(!isFresh(3600, after: 3590))
        #expect(!isFresh(3600, after: 1_000_000))
        // A tenth of a short life.
        #expect(isFresh(20, after: 17))
        #expect(!isFresh(20, after: 18))
        #expect(isFresh(3600, after: 3000, minimum: 599))
        #expect(!isFresh(3600, after: 3000, minimum: 600))
        #expect(!isFresh(0, after: 0))
    }

    @Test func backsOffAndStopsGrowing() {
        var random = SeededRandom(seed: 8)
        for failures in 0..<40 {
            let ceiling = min(300_000, 1000 << Int64(min(max(failures - 1, 0), 20)))
            var waits: Set<Int64> = []
            for _ in 0..<200 {
                let wait = RefreshPolicy.retry(
                    now: issued, failures: failures, retryAfterSeconds: nil,
                    random: random.next()
                ).milliseconds(since: issued)
                #expect(wait >= ceiling / 2 && wait <= ceiling, "\(failures) failures")
                waits.insert(wait)
            }
            #expect(waits.count > 100)
        }
        _ = RefreshPolicy.retry(
            now: issued, failures: .max, retryAfterSeconds: nil, random: .max)
    }

    /// A refresh token that the provider may have replaced is presented again while it is still
    /// taken, and no longer in such a hurry after that.
    @Test(arguments: [(1, 1000), (30, 3750), (600, 75_000), (1800, 225_000), (86_400, 300_000)])
    func hurriesWhileAReplacedTokenIsTaken(grace: Int64, longest: Int64) {
        func wait(_ failures: Int, _ grace: Int64) -> Int64 {
            RefreshPolicy.retry(
                now: issued, failures: failures, retryAfterSeconds: nil,
                reuseGraceSeconds: grace, random: .max
            ).milliseconds(since: issued)
        }
        var waited: Int64 = 0
        for failures in 1...RefreshPolicy.urgentAttemptsMax {
            #expect(wait(failures, grace) <= longest)
            #expect(wait(failures, grace) <= wait(failures, 0))
            // Half of it at the least.
            waited += wait(failures, grace) / 2
        }
        // The hurry may end: the time is over, or the longest wait is reached anyway.
        #expect(2 * waited >= min(grace * 1000, 300_000))
        #expect(wait(RefreshPolicy.urgentAttemptsMax + 1, grace) == wait(20, 0))
        #expect(wait(20, .max) == 300_000 - 1 || wait(20, .max) == 300_000)
    }

    @Test(arguments: [(0, 1), (-5, 1), (1, 1), (120, 120), (3600, 3600), (86_400, 3600)])
    func honoursRetryAfter(asked: Int64, seconds: Int64) {
        for random in [0, UInt64.max / 2, .max] {
            let wait = RefreshPolicy.retry(
                now: issued, failures: 1, retryAfterSeconds: asked, random: random
            ).milliseconds(since: issued)
            #expect(wait >= seconds * 1000 && wait <= max(seconds * 1100, 1000))
        }
        // The longer of the two counts.
        let wait = RefreshPolicy.retry(
            now: issued, failures: 30, retryAfterSeconds: 1, random: 0
        ).milliseconds(since: issued)
        #expect(wait == 150_000)
        let never = RefreshPolicy.retry(
            now: issued, failures: 1, retryAfterSeconds: .max, random: 0)
        #expect(never.milliseconds(since: issued) == 3_600_000)
    }
}
