// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation

/// Starts the processes, waits for them, and adds up what they did.
struct Crew {
    private let hasSeed: Bool

    init(_ environment: [String: String]) { hasSeed = environment["SIMULATE_SEED"] != nil }

    /// This program with other arguments, and with hashes that do not differ from run to run.
    static func start(_ arguments: [String]) throws -> Crew.Member {
        let process = Process()
        process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(
            ["SWIFT_DETERMINISTIC_HASHING": "1"]) { _, new in new }
        try process.run()
        return Member(process: process)
    }

    /// A process that was started.
    struct Member {
        fileprivate let process: Process

        /// Waits for its end.
        func status() -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    func run() throws {
        try FileManager.default.createDirectory(
            atPath: Worker.directory, withIntermediateDirectories: true)
        let numbers = hasSeed ? 0..<1 : 0..<Worker.count
        let members = try numbers.map { try Self.start(["worker", "\($0)"]) }
        let failed = members.map { $0.status() }.contains { $0 != 0 }
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
