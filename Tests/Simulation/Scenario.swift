// SPDX-License-Identifier: Apache-2.0

/// How large and how hostile a run is. What happens in it is the seed's.
package struct Scenario: Sendable {
    package var name: String
    package var hours: Int
    package var connections: Int
    package var providers: ClosedRange<Int>
    /// About how many refreshes a run may have: short lifetimes get few connections.
    package var refreshesMax: Int
    /// Between faults of one provider, on average, in hours.
    package var faultHours: Double
    /// Between restarts, on average, in hours; one in four is a crash.
    package var restartHours: Double
    /// In a thousand requests: a single one that fails, is lost, is slow.
    package var singleFaultsPerThousand: Int
    /// In a hundred providers: those that let in hundreds at a time.
    package var widePercent = 25
    /// Whether everybody asks for a token at once from time to time, just when the uplink swallows
    /// what is sent.
    package var hasRushes = false
    /// How often in an hour the platform does something with a connection, on average.
    package var platformPerHour: Double
    /// Whether processes begin with a wrong wall clock from time to time.
    package var jumpsClock = true
    /// What may go wrong beside what always does.
    package var faults = Set(Fault.allCases)
    /// What is broken on purpose, to see that the checks object.
    package var sabotage: Sabotage = .none

    /// What goes wrong only where a scenario wants it.
    package enum Fault: Sendable, CaseIterable {
        /// Answers that come after every deadline, or never; listeners at their limits.
        case lateAnswers
        /// Processes that stand still for a while, and machines.
        case freezes
        /// Providers that say no in words of their own, and burn a refresh token over a wrong
        /// client secret.
        case dialects
        /// Wrong client secrets that the platform stores.
        case wrongSecrets
        /// Successes that cannot be used.
        case unreadSuccesses
    }

    package func has(_ fault: Fault) -> Bool { faults.contains(fault) }

    /// A part of the simulation's own that does not keep its promise, so that the vault, which
    /// trusts it, breaks one of its own.
    package enum Sabotage: Sendable, CaseIterable {
        case none
        /// The committer says that a commit is durable before it is.
        case acknowledgesEarly
        /// The transport sends every request twice.
        case duplicates
        /// The committer says that it erased, and did not.
        case keepsErased
        /// The committer says that it stored new tokens, and did not.
        case forgetsPuts
        /// Nobody runs the upkeep.
        case idles
        /// The disk reads a connection whose grant is lost as one that works.
        case forgetsLosses
        /// The network turns some answers into `invalid_grant`.
        case endsGrants
        /// The network halves every `Retry-After`.
        case hurries
        /// The vault is not told where to revoke.
        case hidesRevocation
        /// The vault is told of wider limits than the provider has.
        case widensLimits
        /// The network hangs up at the deadline, whatever it was told.
        case hangsUp
        /// The network keeps it for itself that a deadline has passed.
        case tellsNobody
        /// The network sends what it is handed after its close.
        case sendsClosed
        /// The network turns refusals into errors of the server's.
        case hidesRefusals
        /// The disk forgets which attempts are in doubt.
        case forgetsDoubts
        /// The disk reads a connection as if no success lay there unread.
        case forgetsUnread
        /// The committer never says that it erased.
        case swallowsErasures
    }

    /// A day of ten thousand connections.
    package static let day = Scenario(
        name: "24 h x 10,000", hours: 24, connections: 10_000, providers: 4...6,
        refreshesMax: 600_000, faultHours: 6, restartHours: 1, singleFaultsPerThousand: 4,
        platformPerHour: 0.2)
    /// A month of one thousand.
    package static let month = Scenario(
        name: "30 d x 1,000", hours: 720, connections: 1000, providers: 4...6,
        refreshesMax: 1_000_000, faultHours: 24, restartHours: 1, singleFaultsPerThousand: 4,
        platformPerHour: 0.1)
    /// A morning of a few, for the tests: small, and everything goes wrong.
    package static let morning = Scenario(
        name: "6 h x 200", hours: 6, connections: 200, providers: 3...4,
        refreshesMax: 12_000, faultHours: 1, restartHours: 0.5, singleFaultsPerThousand: 15,
        platformPerHour: 1)
    /// Two hours of many, at providers that let in hundreds at a time: so many answers can be
    /// outstanding that it is too many.
    package static let crowd = Scenario(
        name: "2 h x 2,000", hours: 2, connections: 2000, providers: 3...4,
        refreshesMax: 40_000, faultHours: 0.5, restartHours: 0.5, singleFaultsPerThousand: 4,
        widePercent: 100, hasRushes: true, platformPerHour: 0.2)
}
