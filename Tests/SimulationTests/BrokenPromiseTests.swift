// SPDX-License-Identifier: Apache-2.0

import Simulation
import Testing

@Suite("A promise that is broken on purpose is noticed")
struct BrokenPromiseTests {
    /// What a sabotage makes the judge say, in one seed of a few at least.
    static let cases: [(Scenario.Sabotage, Violation.Promise)] = [
        (.acknowledgesEarly, .lentUnfit),
        (.acknowledgesEarly, .unrecorded),
        (.forgetsLosses, .askedAfterLoss),
        (.duplicates, .twoInFlight),
        (.keepsErased, .usedAfterDisconnect),
        (.forgetsPuts, .oldTokenPresented),
        (.idles, .expiredWhileHealthy),
        (.idles, .unfinished),
        (.endsGrants, .livingDeclaredLost),
        (.hurries, .retriedTooSoon),
        (.widensLimits, .limitExceeded),
        (.hidesRevocation, .lateAnswerKept),
    ]

    @Test("The judge objects", arguments: cases)
    func objects(_ sabotage: Scenario.Sabotage, _ promise: Violation.Promise) throws {
        var scenario = Scenario.morning
        scenario.sabotage = sabotage
        var found = false
        for seed in 1...12 as ClosedRange<UInt64> where !found {
            let outcome = try World.run(scenario, seed: seed)
            found = outcome.broken[promise] != nil
        }
        #expect(found)
    }

    @Test("A violation tells how to see it again")
    func story() throws {
        var scenario = Scenario.morning
        scenario.sabotage = .duplicates
        let outcome = try World.run(scenario, seed: 1)
        let violation = try #require(outcome.violations.first)
        #expect(violation.description.contains("seed 1"))
        #expect(violation.description.contains("start"))
    }
}
