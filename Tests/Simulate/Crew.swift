// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation

/// Starts the processes, waits for them, and adds up what they did.
struct Crew {
    private let hasSeed: Bool

    init(_ environment: [String: String]) { hasSeed = environment["SIMULATE_SEED"] != nil }

    func run(_ executable: String) throws {
        try FileManager.default.createDirectory(
            atPath: Worker.directory, withIntermediateDirectories: true)
        let numbers = hasSeed ? 0..<1 : 0..<Worker.count
        let processes = try numbers.map { number in
            let process = Process()
            process.executableURL = URL(filePath: executable)
            process.arguments = ["worker", "\(number)"]
            // What depends on the order of a dictionary is the same in every process then.
            process.environment = ProcessInfo.processInfo.environment.merging(
                ["SWIFT_DETERMINISTIC_HASHING": "1"]) { _, new in new }
            try process.run()
            return process
        }
        var failed = false
        for process in processes {
            process.waitUntilExit()
            if process.terminationStatus != 0 { failed = true }
        }
        if hasSeed { exit(failed ? 1 : 0) }
        var total = Tally()
        for name in ["day", "month"] {
            var tally = Tally()
            for number in numbers {
                for line in Worker.done(number) where line.scenario == name { tally += line.tally }
            }
            print("\(name): \(tally.summary)")
            total += tally
        }
        print("simulate: \(total.summary)")
        if failed || total.violations > 0 || total.seeds == 0 { exit(1) }
    }
}
