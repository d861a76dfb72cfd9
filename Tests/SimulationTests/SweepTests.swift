// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

@Suite("A short sweep")
struct SweepTests {
    @Test("Every seed keeps every promise", arguments: 1...8 as ClosedRange<UInt64>)
    func sweep(_ seed: UInt64) throws {
        let outcome = try World.run(.morning, seed: seed)
        #expect(outcome.violationCount == 0)
        #expect(outcome.refreshes > 0)
    }
}
