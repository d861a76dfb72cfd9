// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation
import TestSupport

/// Starts the processes, waits for them, and adds up what they did.
struct Crew {
    private let hasSeed: Bool

    init(_ environment: [String: String]) { hasSeed = environment["SIMULATE_SEED"] != nil }

    /// This program with other arguments, and with hashes that do not differ from run to run.
    static func start(_ arguments: [String]) throws -> ChildProcess {
        try ChildProcess(
            "/proc/self/exe", arguments,
            environment: ProcessInfo.processInfo.environment.merging(
                ["SWIFT_DETERMINISTIC_HASHING": "1"]) { _, new in new })
    }

    func run() throws {
        try FileManager.default.createDirectory(
            atPath: Worker.directory, withIntermediateDirectories: true)
        let numbers = hasSeed ? 0..<1 : 0..<Worker.count
        let members = try numbers.map { try Self.start(["worker", "\($0)"]) }
        let failed = members.map { $0.wait() }.contains { $0 != .exit(0) }
        if hasSeed { exit(failed ? 1 : 0) }
        var total = Tally()
        for name in Worker.scenarios {
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
