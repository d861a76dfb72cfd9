// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The governor in virtual time, under a clock that is set, against a provider that comes and goes.
/// `TOKENVAULT_SEED` repeats a run.
@Suite struct GovernorRateTests {
    /// Real milliseconds, which only pass, and the wall clock beside them, which is set now and
    /// then.
    struct Clock {
        private(set) var elapsed: Int64 = 0
        private(set) var wall = UnixTime(seconds: 1_700_000_000)
        private var stepped: Int64 = -10_000

        mutating func pass(_ milliseconds: Int64) {
            elapsed += milliseconds
            wall = wall.adding(milliseconds: milliseconds)
        }

        /// Sets the wall clock, at most once within a second.
        mutating func set(_ random: inout SeededRandom) {
            guard elapsed - stepped > 1000 else { return }
            stepped = elapsed
            let steps: [Int64] = [500, 3_600_000, 86_400_000, 86_400_000 * 365 * 10]
            let step = steps[random.below(steps.count)] + Int64(random.below(1000))
            wall = wall.adding(milliseconds: random.chance(50) ? step : -step)
        }
    }

    /// Fails where more than `limit` of the moments lie within one second.
    func checkWindows(_ moments: [Int64], limit: Int, _ seed: UInt64) {
        var first = 0
        for (index, moment) in moments.enumerated() {
            while moments[first] + 1000 <= moment { first += 1 }
            guard index - first < limit else {
                Issue.record("seed \(seed): \(index - first + 1) in the second up to \(moment) ms")
                return
            }
        }
    }

    @Test(arguments: [1, 2, 3, 10, 100, 999, 5000], [false, true])
    func neverMoreInASecondThanAllowed(limit: Int, isClockSet: Bool) throws {
        var random = SeededRandom(variable: "TOKENVAULT_SEED")
        var governor = Governor(.init(concurrentMax: 1024, perSecondMax: limit))
        var clock = Clock()
        var moments: [Int64] = []
        var inFlight: [Int64] = []
        while clock.elapsed < 60_000, moments.count < 20_000 {
            // Greedy, but for times when there is nothing to do.
            clock.pass(random.below(1000) == 0 ? Int64(random.below(3000)) : Int64(random.below(4)))
            if isClockSet, random.below(100) == 0 { clock.set(&random) }
            while let first = inFlight.first, first <= clock.elapsed {
                inFlight.removeFirst()
                governor.end(.answered, clock.wall, random: 0)
            }
            while governor.admission(clock.wall) == .now {
                governor.begin(clock.wall)
                moments.append(clock.elapsed)
                inFlight.append(clock.elapsed + 40)
            }
        }
        // A step of the clock lets one through; a limit of one has nothing to spare for it.
        checkWindows(moments, limit: limit == 1 && isClockSet ? 2 : limit, random.seed)
    }

    @Test(arguments: [1, 2, 10, 100, 1000, 20_000])
    func isAsFastAsAllowed(limit: Int) {
        var governor = Governor(.init(concurrentMax: 1024, perSecondMax: limit))
        var clock = Clock()
        var count = 0
        while clock.elapsed < 20_000 {
            while governor.admission(clock.wall) == .now {
                governor.begin(clock.wall)
                governor.end(.answered, clock.wall, random: 0)
                count += 1
            }
            clock.pass(1)
        }
        let refill = governor.limits.refillPerSecond
        #expect(refill >= limit / 2 && (limit < 10 || refill >= limit * 9 / 10 - 1))
        #expect(abs(count - refill * 20) <= governor.limits.burstMax)
    }

    /// What the provider does with a request, by the mood it is in.
    func outcome(_ mood: Int, _ random: inout SeededRandom) -> Governor.Outcome {
        let luck = random.below(100)
        if luck < 3 { return .unsent }
        switch mood {
        case 0: return luck < 8 ? .failed : .answered
        case 1: return luck < 90 ? .failed : .answered
        default:
            let seconds = [nil, 0, 1, 30, 7200][random.below(5)] as Int64?
            return luck < 60 ? .busy(retryAfterSeconds: seconds) : .answered
        }
    }

    @Test func holdsWhateverHappens() throws {
        var random = SeededRandom(variable: "TOKENVAULT_SEED")
        for round in 0..<20 {
            let limits = Governor.Limits(
                concurrentMax: 1 + random.below(20), perSecondMax: 2 + random.below(200))
            var governor = Governor(limits)
            var clock = Clock()
            var moments: [Int64] = []
            var ends: [Int64] = []
            var mood = 0
            for step in 0..<20_000 {
                clock.pass(Int64(random.below(random.chance(1) ? 100_000 : 50)))
                if random.below(500) == 0 { clock.set(&random) }
                if random.below(300) == 0 { mood = random.below(3) }
                for (index, end) in ends.enumerated().reversed() where end <= clock.elapsed {
                    ends.remove(at: index)
                    governor.end(
                        outcome(mood, &random), clock.wall, random: random.next())
                }
                while governor.admission(clock.wall) == .now {
                    let isUp = governor.health == .up
                    guard isUp || governor.inFlight == 0, ends.count < limits.concurrentMax
                    else {
                        Issue.record("seed \(random.seed), round \(round), step \(step)")
                        return
                    }
                    governor.begin(clock.wall)
                    moments.append(clock.elapsed)
                    ends.append(
                        clock.elapsed + Int64(random.below(random.chance(5) ? 30_000 : 300)))
                }
                #expect(governor.inFlight == ends.count)
                if ends.isEmpty {
                    checkProgress(governor, clock.wall, random.seed)
                    checkProgress(
                        governor, UnixTime(milliseconds: Int64(bitPattern: random.next())),
                        random.seed)
                }
            }
            checkWindows(moments, limit: limits.perSecondMax, random.seed)
            #expect(moments.count > 100, "seed \(random.seed), round \(round)")
        }
    }

    /// Fails where a request would wait for longer than the longest pause, or forever.
    private func checkProgress(_ governor: Governor, _ start: UnixTime, _ seed: UInt64) {
        var now = start
        for _ in 0..<3 {
            switch governor.admission(now) {
            case .now:
                let waitMax: Int64 = 3_960_000 + Governor.clockToleranceMilliseconds + 1000
                #expect(now.milliseconds(since: start) <= waitMax, "seed \(seed)")
                return
            case .at(let later): now = later
            case .whenOneEnds: break
            }
        }
        Issue.record("seed \(seed): nothing is in flight, and nothing may leave")
    }
}
