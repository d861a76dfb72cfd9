// SPDX-License-Identifier: Apache-2.0

import Foundation
import Simulation

/// One of the processes: every second seed, all scenarios by turns, until the time is over.
/// Each seed that is done is a line of its state file, so a run that was cut short goes on.
struct Worker {
    static let count = 2
    /// What is run of each seed, in this order.
    static let scenarios = ["day", "month", "morning", "crowd"]
    /// What one build has done says nothing of the next.
    static let directory = ".build/simulate/\(build)"

    /// When this program was built, in seconds since 1970.
    private static var build: Int {
        let path = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().path
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.modificationDate] as? Date).map { Int($0.timeIntervalSince1970) } ?? 0
    }

    let number: Int
    let minutes: Double
    /// The only seed to run, where the caller wants one.
    let seed: UInt64?

    init(_ number: Int, _ environment: [String: String]) {
        self.number = number
        minutes = environment["SIMULATE_MINUTES"].flatMap(Double.init) ?? 60
        seed = environment["SIMULATE_SEED"].flatMap(UInt64.init)
    }

    static func stateFile(_ number: Int) -> String { "\(directory)/worker-\(number)" }

    /// The lines of a state file: scenario, seed, and what came of it.
    static func done(_ number: Int) -> [(scenario: String, seed: UInt64, tally: Tally)] {
        let text = (try? String(contentsOfFile: stateFile(number), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count > 2, let seed = UInt64(words[1]),
                let tally = Tally(Array(words[2...]))
            else { return nil }
            return (String(words[0]), seed, tally)
        }
    }

    func run() throws {
        if let seed {
            for name in Self.scenarios { try run(name, seed) }
            return
        }
        let finished = Set(Self.done(number).map { "\($0.scenario) \($0.seed)" })
        let spent = Self.done(number).reduce(0) { $0 + $1.tally.seconds }
        let end = Date().addingTimeInterval(minutes * 60 - spent)
        var next = UInt64(number)
        while Date() < end {
            for name in Self.scenarios
            where Date() < end && !finished.contains("\(name) \(next)") {
                try run(name, next)
            }
            next += UInt64(Self.count)
        }
    }

    private func run(_ name: String, _ seed: UInt64) throws {
        guard let scenario = Scenario.named(name) else { return }
        let begin = Date()
        let outcome = try World.run(scenario, seed: seed)
        let tally = Tally(outcome, seconds: Date().timeIntervalSince(begin))
        for violation in outcome.violations { print(violation) }
        let mark = outcome.violationCount == 0 ? "ok " : "BAD"
        print("\(mark) \(scenario.name), \(outcome.summary)")
        guard self.seed == nil else {
            if outcome.violationCount > 0 { exit(1) }
            return
        }
        try append("\(name) \(seed) \(tally.line)\n")
    }

    private func append(_ line: String) throws {
        let path = Self.stateFile(number)
        if !FileManager.default.fileExists(atPath: path) {
            try Data().write(to: URL(filePath: path))
        }
        let file = try FileHandle(forWritingTo: URL(filePath: path))
        try file.seekToEnd()
        try file.write(contentsOf: Data(line.utf8))
        try file.close()
    }
}
