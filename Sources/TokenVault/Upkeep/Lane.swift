// SPDX-License-Identifier: Apache-2.0

import HeapModule

/// The connections of one application that are due, the most urgent first, and whether the provider
/// takes the application at all.
struct Lane {
    /// How long an application that the provider rejects is left alone between two probes, in
    /// milliseconds.
    static let probeMilliseconds: Int64 = 60_000

    let application: ApplicationID
    /// Whose limits hold for it, together with what the others there say.
    var endpoint: Int
    /// What this application's definition says of the endpoint.
    var endpointLimits: Governor.Limits
    /// What the provider says about its refresh tokens' lives.
    var limits: RefreshPolicy.Limits
    /// Whether its application could not be looked at yet.
    var isProvisional = false
    /// When the next probe may leave, while the provider rejects the application.
    private(set) var nextProbe: UnixTime?
    /// The slot of the connection that probes.
    private var probe: UInt32?
    /// The connection at which an answer last looked as if the application were rejected.
    private var suspect: UInt32?
    private var backlog = Heap<Entry>()

    /// A connection that is due, or one that somebody waits for.
    struct Entry: Comparable {
        /// When it is of no use any more: who dies first is refreshed first. The past for one that
        /// somebody waits for.
        let death: UnixTime
        let slot: UInt32
        /// The flight that callers wait for; 0 where nobody asked.
        let flight: UInt64

        static func < (left: Self, right: Self) -> Bool {
            (left.death, left.flight) < (right.death, right.flight)
        }
    }

    init(
        application: ApplicationID, endpoint: Int, _ endpointLimits: Governor.Limits,
        limits: RefreshPolicy.Limits
    ) {
        self.application = application
        self.endpoint = endpoint
        self.endpointLimits = endpointLimits
        self.limits = limits
    }

    /// The most urgent, stale ones among them: what was taken out of upkeep stays here until it
    /// comes to the top.
    var first: Entry? { backlog.min }

    mutating func add(_ entry: Entry) { backlog.insert(entry) }
    mutating func removeFirst() { _ = backlog.popMin() }

    /// Removes all that somebody waits for, and what is stale.
    mutating func removeDemands(_ isLive: (UInt32) -> Bool) -> [Entry] {
        let demands = backlog.unordered.filter { $0.flight != 0 }
        guard !demands.isEmpty else { return [] }
        var seen: Set<UInt32> = []
        backlog = Heap(
            backlog.unordered.filter {
                $0.flight == 0 && isLive($0.slot) && seen.insert($0.slot).inserted
            })
        return demands
    }

    /// Moves all its moments by so many milliseconds.
    mutating func move(milliseconds: Int64) {
        nextProbe = nextProbe?.adding(milliseconds: milliseconds)
        backlog = Heap(
            backlog.unordered.map {
                Entry(
                    death: $0.death.adding(milliseconds: milliseconds), slot: $0.slot,
                    flight: $0.flight)
            })
    }

    /// Whether the provider rejects the application at present.
    var isRejected: Bool { nextProbe != nil }

    /// Whether a request of this application may leave.
    func isOpen(_ now: UnixTime) -> Bool {
        guard let nextProbe else { return true }
        return probe == nil && nextProbe <= now
    }

    /// Whether one that has boarded may leave: the probe alone, where the application is rejected.
    func mayLeave(_ slot: UInt32) -> Bool { nextProbe == nil || probe == slot }

    /// When one may, if time alone decides it.
    var opens: UnixTime? { probe == nil ? nextProbe : nil }

    /// One is about to leave.
    mutating func begin(_ slot: UInt32) { if isRejected { probe = slot } }

    /// One came back, or did not leave after all, and said nothing about the application.
    mutating func end(_ slot: UInt32, _ now: UnixTime) {
        guard probe == slot else { return }
        probe = nil
        nextProbe = now.adding(milliseconds: Self.probeMilliseconds)
    }

    /// An answer that may mean the application or just this connection: some servers say
    /// `unauthorized_client` of a dead refresh token. True where another connection had one before
    /// and none was answered better since.
    mutating func confirmsRejection(_ slot: UInt32) -> Bool {
        defer { suspect = slot }
        return isRejected || suspect.map { $0 != slot } ?? false
    }

    /// The provider rejects the application. True the first time.
    mutating func reject(_ now: UnixTime) -> Bool {
        defer {
            nextProbe = now.adding(milliseconds: Self.probeMilliseconds)
            probe = nil
        }
        return nextProbe == nil
    }

    /// The provider takes it, or somebody corrected it. True where it was rejected before.
    mutating func accept() -> Bool {
        defer {
            nextProbe = nil
            probe = nil
            suspect = nil
        }
        return nextProbe != nil
    }
}
