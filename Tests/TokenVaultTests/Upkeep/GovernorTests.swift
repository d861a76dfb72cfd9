// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What leaves for a provider that is busy, down, or comes back.
@Suite struct GovernorTests {
    let start = UnixTime(seconds: 1_700_000_000)

    func governor(_ concurrentMax: Int = 8, _ perSecondMax: Int = 1000) -> Governor {
        Governor(.init(concurrentMax: concurrentMax, perSecondMax: perSecondMax))
    }

    /// When a request may leave, asked again as often as told; nil where it never may.
    func nextMoment(_ governor: Governor, _ now: UnixTime) -> UnixTime? {
        var now = now
        for _ in 0..<4 {
            switch governor.admission(now) {
            case .now: return now
            case .at(let later):
                guard later > now else { return nil }
                now = later
            case .whenOneEnds: return nil
            }
        }
        return nil
    }

    /// Lets one request leave as soon as it may and answers it at once.
    func send(
        _ governor: inout Governor, _ outcome: Governor.Outcome, _ now: inout UnixTime,
        random: UInt64 = 0
    ) throws {
        now = try unwrap(nextMoment(governor, now))
        governor.begin(now)
        governor.end(outcome, now, random: random)
    }

    /// Lets `count` requests leave, which are in flight then.
    func fill(_ governor: inout Governor, _ count: Int, _ now: inout UnixTime) throws {
        for _ in 0..<count {
            now = try unwrap(nextMoment(governor, now))
            governor.begin(now)
        }
    }

    @Test func keepsLimitsInRange() {
        #expect(Governor.Limits(concurrentMax: 0, perSecondMax: -1).concurrentMax == 1)
        #expect(Governor.Limits(concurrentMax: 0, perSecondMax: -1).perSecondMax == 1)
        let most = Governor.Limits(concurrentMax: .max, perSecondMax: .max)
        #expect(most.concurrentMax == 1024 && most.perSecondMax == 100_000)
    }

    @Test func keepsToTheLimitOfThoseInFlight() throws {
        var governor = governor(3)
        var now = start
        try fill(&governor, 3, &now)
        now = now.adding(milliseconds: 3_600_000)
        #expect(governor.admission(now) == .whenOneEnds)
        governor.end(.unsent, now, random: 0)
        #expect(governor.admission(now) == .now)
        // A limit that is lowered meanwhile counts from then on.
        governor.limits = .init(concurrentMax: 1, perSecondMax: 1000)
        governor.end(.answered, now, random: 0)
        #expect(governor.inFlight == 1 && governor.admission(now) == .whenOneEnds)
        governor.end(.answered, now, random: 0)
        #expect(governor.admission(now) == .now)
    }

    @Test(arguments: [(0, 1), (-5, 1), (1, 1), (120, 120), (86_400, 3600)] as [(Int64, Int64)])
    func honoursRetryAfter(asked: Int64, seconds: Int64) throws {
        for random in [0, UInt64.max / 2, .max] {
            var governor = governor()
            var now = start
            try send(&governor, .busy(retryAfterSeconds: asked), &now, random: random)
            let next = try unwrap(nextMoment(governor, now))
            let wait = next.milliseconds(since: now)
            #expect(wait >= seconds * 1000 && wait <= seconds * 1100)
            #expect(governor.health == .busy(until: next))
            #expect(governor.admission(next.adding(milliseconds: -1)) == .at(next))
        }
    }

    @Test func pausesLongerEachTimeItIsTurnedAway() throws {
        var governor = governor()
        var now = start
        for turn in 0..<12 {
            try send(&governor, .busy(retryAfterSeconds: nil), &now, random: .max / 2)
            let wait = try unwrap(nextMoment(governor, now)).milliseconds(since: now)
            let ceiling = min(300_000, Int64(1000) << Int64(min(turn, 9)))
            #expect(wait >= ceiling / 2 && wait <= ceiling, "turn \(turn)")
        }
        // It must show that it can be used fully before the pauses are short again.
        for _ in 0..<5 { try send(&governor, .answered, &now) }
        try send(&governor, .busy(retryAfterSeconds: nil), &now)
        #expect(try unwrap(nextMoment(governor, now)).milliseconds(since: now) <= 1000)
    }

    @Test func theLongestPauseThatIsAskedForCounts() throws {
        var governor = governor()
        var now = start
        try fill(&governor, 3, &now)
        governor.end(.busy(retryAfterSeconds: 5), now, random: 0)
        governor.end(.busy(retryAfterSeconds: 60), now, random: 0)
        governor.end(.busy(retryAfterSeconds: 2), now, random: 0)
        #expect(governor.admission(now) == .at(now.adding(milliseconds: 60_000)))
    }

    @Test func opensAfterFailuresInARow() throws {
        var governor = governor()
        var now = start
        for _ in 0..<20 {
            for _ in 1..<Governor.failuresInARowMax { try send(&governor, .failed, &now) }
            #expect(governor.health == .up)
            try send(&governor, .answered, &now)
        }
        for _ in 0..<Governor.failuresInARowMax { try send(&governor, .failed, &now) }
        let next = try unwrap(nextMoment(governor, now))
        #expect(governor.health == .down(until: next))
        let wait = next.milliseconds(since: now)
        #expect(wait >= 2000 && wait <= 4000)
    }

    @Test func letsOneProbeOutAndIsNotConfusedByLateEnds() throws {
        var governor = governor()
        var now = start
        try fill(&governor, 8, &now)
        for _ in 0..<5 { governor.end(.failed, now, random: 0) }
        let opened = governor.health
        // Those begun before neither close it nor open it further, and no probe leaves meanwhile.
        governor.end(.answered, now, random: 0)
        governor.end(.failed, now, random: .max)
        #expect(governor.health == opened)
        now = now.adding(milliseconds: 10_000)
        #expect(governor.admission(now) == .whenOneEnds)
        governor.end(.answered, now, random: 0)
        #expect(governor.health == opened && governor.admission(now) == .now)
        governor.begin(now)
        now = now.adding(milliseconds: 10_000)
        #expect(governor.admission(now) == .whenOneEnds)
        // A probe that never left leaves room for another.
        governor.end(.unsent, now, random: 0)
        #expect(governor.admission(now) == .now)
    }

    @Test func opensForLongerEachTimeAProbeFails() throws {
        var governor = governor()
        var now = start
        for _ in 0..<5 { try send(&governor, .failed, &now) }
        for turn in 1..<12 {
            now = try unwrap(nextMoment(governor, now))
            governor.begin(now)
            governor.end(.failed, now, random: .max / 2)
            let wait = try unwrap(nextMoment(governor, now)).milliseconds(since: now)
            let ceiling = min(300_000, Int64(4000) << Int64(min(turn, 7)))
            #expect(wait >= ceiling / 2 && wait <= ceiling, "turn \(turn)")
        }
    }

    @Test func startsSlowlyAfterAnOutage() throws {
        var governor = governor(12)
        var now = start
        for _ in 0..<5 { try send(&governor, .failed, &now) }
        try send(&governor, .answered, &now)
        #expect(governor.health == .up)
        for expected in [1, 2, 4, 8, 12, 12] {
            while governor.admission(now) != .whenOneEnds {
                now = try unwrap(nextMoment(governor, now))
                governor.begin(now)
            }
            #expect(governor.inFlight == expected && governor.allowance == expected)
            governor.end(.answered, now, random: 0)
            while governor.inFlight > 0 { governor.end(.unsent, now, random: 0) }
        }
    }

    @Test(arguments: [3_600_000, 86_400_000 * 3650, .max / 2] as [Int64])
    func aClockThatIsSetNeitherFreezesNorFloods(step: Int64) throws {
        for direction in [-1, 1] as [Int64] {
            var governor = governor()
            var now = start
            try send(&governor, .busy(retryAfterSeconds: 3600), &now)
            now = now.adding(milliseconds: step * direction)
            // The pause is void, but one request goes first, whatever its end.
            #expect(governor.admission(now) == .now)
            governor.begin(now)
            #expect(governor.admission(now) == .whenOneEnds)
            governor.end(.answered, now, random: 0)
            try fill(&governor, 1, &now)
            #expect(governor.admission(now.adding(milliseconds: 500)) == .whenOneEnds)
        }
        // A correction of seconds does not end it.
        var governor = governor()
        var now = start
        try send(&governor, .busy(retryAfterSeconds: 3600), &now)
        let until = now.adding(milliseconds: 3_600_000)
        #expect(governor.admission(now.adding(milliseconds: -5000)) == .at(until))
    }
}
