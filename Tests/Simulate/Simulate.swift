// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation

@main
struct Simulate {
    static func main() throws {
        let arguments = CommandLine.arguments
        var scenario: Scenario = arguments.count > 1 && arguments[1] == "day" ? .day : arguments.count > 1 && arguments[1] == "month" ? .month : .morning
        if ProcessInfo.processInfo.environment["STEADY"] != nil { scenario.jumpsClock = false }
        let first = arguments.count > 2 ? UInt64(arguments[2]) ?? 1 : 1
        let count = arguments.count > 3 ? UInt64(arguments[3]) ?? 1 : 1
        for seed in first..<first + count {
            let begin = Date()
            let outcome = try World.run(scenario, seed: seed)
            print(outcome.summary, "hash", outcome.hash, Date().timeIntervalSince(begin), "s", outcome.events, "events")
            for violation in outcome.violations.prefix(3) { print(violation) }
        }
    }
}
