// SPDX-License-Identifier: Apache-2.0

import Simulation

/// Sums over many seeds; also one line of the state file.
struct Tally {
    var seeds = 0
    var virtualHours = 0.0
    var requests = 0
    var refreshes = 0
    var crashes = 0
    var restarts = 0
    var lostAnswers = 0
    var lostWithAnswer = 0
    var disconnects = 0
    var violations = 0
    var seconds = 0.0

    init() {}

    init(_ outcome: Outcome, seconds: Double) {
        seeds = 1
        virtualHours = outcome.virtualHours
        requests = outcome.requests
        refreshes = outcome.refreshes
        crashes = outcome.crashes
        restarts = outcome.restarts
        lostAnswers = outcome.lostAnswers
        lostWithAnswer = outcome.lostWithAnswer
        disconnects = outcome.disconnects
        violations = outcome.violationCount
        self.seconds = seconds
    }

    /// From a line as `line` makes it, after its first two words.
    init?(_ words: [Substring]) {
        let numbers = words.compactMap { Double($0) }
        guard numbers.count == 10 else { return nil }
        seeds = 1
        virtualHours = numbers[0]
        requests = Int(numbers[1])
        refreshes = Int(numbers[2])
        crashes = Int(numbers[3])
        restarts = Int(numbers[4])
        lostAnswers = Int(numbers[5])
        lostWithAnswer = Int(numbers[6])
        disconnects = Int(numbers[7])
        violations = Int(numbers[8])
        seconds = numbers[9]
    }

    var line: String {
        "\(virtualHours) \(requests) \(refreshes) \(crashes) \(restarts) \(lostAnswers) "
            + "\(lostWithAnswer) \(disconnects) \(violations) \(seconds)"
    }

    static func += (left: inout Tally, right: Tally) {
        left.seeds += right.seeds
        left.virtualHours += right.virtualHours
        left.requests += right.requests
        left.refreshes += right.refreshes
        left.crashes += right.crashes
        left.restarts += right.restarts
        left.lostAnswers += right.lostAnswers
        left.lostWithAnswer += right.lostWithAnswer
        left.disconnects += right.disconnects
        left.violations += right.violations
        left.seconds += right.seconds
    }

    /// A sentence for people; the rates are those of one core.
    var summary: String {
        let time = max(seconds, 0.001)
        return """
            \(seeds) seeds, \(Int(virtualHours)) virtual hours, \(requests) requests, \
            \(refreshes) refreshes, \(restarts) restarts, \(crashes) crashes, \(disconnects) \
            disconnects, \(lostAnswers) answers lost and \(lostWithAnswer) grants with them; \
            \(Int(virtualHours / time)) virtual hours and \(Int(Double(requests) / time)) requests \
            a second on each core; \(violations) violations
            """
    }
}
