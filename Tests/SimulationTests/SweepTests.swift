// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

@Suite("A short sweep of the simulation")
struct SweepTests {
    @Test("Every seed keeps every promise", arguments: 1...20 as ClosedRange<UInt64>)
    func sweep(_ seed: UInt64) throws {
        let outcome = try World.run(.morning, seed: seed)
        for violation in outcome.violations {
            Issue.record(Comment(rawValue: violation.description))
        }
        #expect(outcome.violationCount == 0)
        #expect(outcome.refreshes > 0)
        #expect(outcome.crashes > 0)
        #expect(outcome.disconnects > 0)
        #expect(outcome.lent > 0)
    }

    @Test("What goes wrong in a sweep does go wrong")
    func coverage() throws {
        var (lost, cutOff, late, jumps, worn) = (0, 0, 0, 0, 0)
        for seed in 21...26 as ClosedRange<UInt64> {
            let outcome = try World.run(.morning, seed: seed)
            lost += outcome.lostAnswers
            cutOff += outcome.crashedInFlight
            late += outcome.lateAnswers
            jumps += outcome.clockJumps
            worn += outcome.lostWithAnswer
        }
        #expect(lost > 0)
        #expect(cutOff > 0)
        #expect(late > 0)
        #expect(jumps > 0)
        #expect(worn > 0)
    }

    @Test("A seed repeats itself", arguments: [3, 14] as [UInt64])
    func repeats(_ seed: UInt64) throws {
        let first = try World.run(.morning, seed: seed)
        let second = try World.run(.morning, seed: seed)
        let other = try World.run(.morning, seed: seed + 1)
        #expect(first.hash == second.hash)
        #expect(first.events == second.events)
        #expect(first.hash != other.hash)
    }
}
