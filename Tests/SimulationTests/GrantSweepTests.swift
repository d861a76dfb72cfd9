// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

@Suite("A short sweep of refusals")
struct GrantSweepTests {
    @Test(
        "Dead grants in each dialect, and secrets that are wrong",
        arguments: 1...8 as ClosedRange<UInt64>)
    func sweep(_ seed: UInt64) throws {
        var scenario = Scenario.morning
        scenario.faults = [.dialects, .wrongSecrets]
        let outcome = try World.run(scenario, seed: seed)
        for violation in outcome.violations.prefix(2) {
            Issue.record(Comment(rawValue: violation.description))
        }
        #expect(outcome.violationCount == 0)
        #expect(outcome.refreshes > 0)
    }
}
