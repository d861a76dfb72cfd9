// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

@Suite("A short sweep of the simulation")
struct SweepTests {
    @Test("Every seed keeps every promise", arguments: 1...26 as ClosedRange<UInt64>)
    func sweep(_ seed: UInt64) throws {
        let outcome = try World.run(.morning, seed: seed)
        for violation in outcome.violations.prefix(2) {
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

    @Test("A seed repeats itself in another process, event by event")
    func repeats() throws {
        // The order of dictionaries is the process's own, unless it is told otherwise.
        let traces = try (0..<2).map { _ in
            try Simulator.run(["morning", "3"]).split(separator: "\n").filter {
                $0.hasPrefix("trace ")
            }
        }
        #expect(traces[0].count == 1)
        #expect(traces[0] == traces[1])
        let other = try World.run(.morning, seed: 4)
        #expect(!traces[0][0].contains(String(other.hash, radix: 16)))
    }
}
