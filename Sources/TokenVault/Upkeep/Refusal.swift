// SPDX-License-Identifier: Apache-2.0

/// That a connection's refresh was refused, and what has happened since.
struct Refusal {
    /// What it may mean.
    enum Kind: UInt8 {
        /// Nothing that anybody knows.
        case unknown = 0
        /// That the provider rejects the application, or that the grant is gone.
        case application = 1
        /// The same, and the provider's definition says that it is the grant.
        case grant = 2
    }

    /// What was answered since, which a rejected application is not.
    enum Proof: Int {
        case none
        /// A request of another application at the same endpoint has succeeded.
        case endpoint
        /// One of another connection of the same application.
        case application
    }

    let slot: UInt32
    let lane: Int
    var kind: Kind
    /// The HTTP status.
    var status: Int
    /// How many requests of the application had left when it was heard.
    var order: UInt64
    var proof = Proof.none
    /// Since when, and until when, it is not asked again; nil where the usual back-off decides.
    var pause: (from: UnixTime, until: UnixTime)?

    /// Whether it must not be asked yet. A clock that was set back voids the pause.
    func isPaused(_ now: UnixTime) -> Bool {
        guard let pause else { return false }
        return now < pause.until
            && pause.from.milliseconds(since: now) <= RefreshPolicy.clockToleranceMilliseconds
    }
}

extension Refusal.Proof: Comparable {
    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
