// SPDX-License-Identifier: Apache-2.0

/// What a run came to: counts, the violations, and a hash to compare it with another run.
package struct Outcome: Sendable {
    package var seed: UInt64
    package var connections = 0
    package var virtualHours = 0.0
    package var events = 0
    package var requests = 0
    package var refreshes = 0
    package var commits = 0
    package var groups = 0
    package var restarts = 0
    package var crashes = 0
    package var clockJumps = 0
    package var outages = 0
    package var lostAnswers = 0
    package var crashedInFlight = 0
    package var lateAnswers = 0
    package var standstills = 0
    /// Answers that were used although their deadline had passed.
    package var heardLate = 0
    /// How often as many were listened for as there may be: at one endpoint, and in all.
    package var fullEndpoints = 0
    package var fullHouses = 0
    /// Refresh tokens that were used up over a wrong client secret.
    package var burnt = 0
    /// Successes that could not be used.
    package var unread = 0
    /// Lost grants that were asked for again.
    package var deadAsked = 0
    package var disconnects = 0
    package var reconnects = 0
    package var lent = 0
    /// Grants that strict reuse detection ended because the answer with the new token was lost.
    package var lostWithAnswer = 0
    /// Grants that the user, their age or their idleness ended.
    package var endedByProvider = 0
    package var violationCount = 0
    /// How often each promise was broken that was.
    package var broken: [Violation.Promise: Int] = [:]
    /// The first of each, with their stories.
    package var violations: [Violation] = []
    package var hash: UInt64 = 0

    /// How many violations of one promise keep their story.
    static let violationsMax = 3

    /// One line.
    package var summary: String {
        """
        seed \(seed): \(connections) connections, \(virtualHours) h, \(requests) requests, \
        \(refreshes) refreshed, \(commits) commits in \(groups) groups, \(restarts) restarts, \
        \(crashes) crashes, \(clockJumps) clock jumps, \(outages) faults, \(lostAnswers) answers \
        lost, \(crashedInFlight) cut off, \(lostWithAnswer) grants lost with them, \
        \(endedByProvider) ended by the provider, \(disconnects) disconnects, \(lateAnswers) late \
        answers, \(reconnects) reconnects, \(standstills) standstills, \(heardLate) heard late, \
        \(fullEndpoints) endpoints full of listeners and \(fullHouses) vaults, \(burnt) burnt, \
        \(unread) unread, \(deadAsked) dead asked again, \(lent) lent, \
        \(violationCount) violations
        """
    }
}
