// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation
import TestSupport

/// The long run: as many seeds of all scales as fit the time, on two processes, each seed once.
///
/// `simulate` alone is what `make simulate` runs. `simulate worker <number>` is one of its two
/// processes; `simulate <day|month|morning|crowd> <seed>` runs one seed and prints every violation,
/// with `steady` behind it in a world whose wall clock is always right, or with the names of faults
/// that a scenario leaves out.
@main
struct Simulate {
    static func main() throws {
        let arguments = CommandLine.arguments
        let environment = ProcessInfo.processInfo.environment
        guard arguments.count > 1 else { return try Crew(environment).run() }
        // What depends on the order of a dictionary is the same in every process then.
        guard environment["SWIFT_DETERMINISTIC_HASHING"] != nil else {
            exit(try Crew.start(Array(arguments.dropFirst())).wait().status)
        }
        if arguments.count == 3, arguments[1] == "worker", let number = Int(arguments[2]) {
            try Worker(number, environment).run()
        } else if arguments.count >= 3, var scenario = Scenario.named(arguments[1]),
            let seed = UInt64(arguments[2])
        {
            scenario.jumpsClock = !arguments.contains("steady")
            for name in arguments.dropFirst(3) where name != "steady" {
                scenario.faults.formUnion(
                    Scenario.Fault.allCases.filter { name == "all" || "\($0)" == name })
            }
            try single(scenario, seed)
        } else {
            print("usage: simulate [day|month|morning|crowd <seed> [steady]]")
            exit(2)
        }
    }

    /// Runs one seed, twice, so that it is seen to repeat itself.
    private static func single(_ scenario: Scenario, _ seed: UInt64) throws {
        let outcome = try World.run(scenario, seed: seed)
        for violation in outcome.violations { print(violation) }
        for (promise, count) in outcome.broken.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            print("\(count) times: \(promise.rawValue)")
        }
        print("\(scenario.name), \(outcome.summary)")
        let again = try World.run(scenario, seed: seed)
        print("trace \(String(outcome.hash, radix: 16)), \(outcome.events) events")
        guard again.hash == outcome.hash else {
            print("a second run of this seed went another way")
            exit(1)
        }
        if outcome.violationCount > 0 { exit(1) }
    }
}

extension Scenario {
    static func named(_ name: String) -> Scenario? {
        switch name {
        case "day": .day
        case "month": .month
        case "morning": .morning
        case "crowd": .crowd
        default: nil
        }
    }
}
