// SPDX-License-Identifier: Apache-2.0

import HeapModule

/// The connections of one application that are due, the most urgent first, and whether the provider
/// takes the application at all.
struct ApplicationQueue {
    /// How long an application that the provider rejects is left alone between two probes, in
    /// milliseconds.
    static let probeMilliseconds: Int64 = 60_000

    let application: ApplicationID
    /// Whose limits hold for it, together with what the others there say.
    var endpoint: Int
    /// What this application's definition says of the endpoint.
    var endpointLimits: Governor.Limits
    /// Where its answers are counted.
    var answersNumber = 0
    /// Whether its connections have a client that is not the application's.
    var isOfOwnClient = false
    /// What its connections have their tokens by.
    var grant = GrantType.authorizationCode
    /// Where its requests go, but for what is a connection's own.
    var template = EndpointTemplate()
    /// What the provider says about how long its refresh tokens live.
    var limits: RefreshPolicy.Limits
    /// Since which generation its application has the credentials that it has, and what was changed
    /// about it then.
    var changed: (generation: UInt64, change: Suspicion.Change) = (0, .identity)
    /// Whether its application could not be looked at yet.
    var isProvisional = false
    /// When the next probe may leave, while the provider rejects the application.
    private(set) var nextProbe: UnixTime?
    /// The connection that probes.
    private var probe: Handle?
    /// What the answers say of the application.
    var suspicion = Suspicion()
    /// Counts the changes of its application: a request that was made before one is not sent.
    private(set) var revision: UInt32 = 0
    /// Changes of its application that are on their way to the disk. Nothing leaves meanwhile: what
    /// it would be sent with, the old or the new, is not decided.
    var pendingChanges = 0
    /// Attempts that left the backlog and are not sent yet.
    private(set) var preparedCount = 0
    /// Requests that are out and not overdue.
    private(set) var outCount = 0
    /// Connections whose refresh is refused; of those in the queue no other one's success says
    /// anything yet.
    var refusedHandles: Set<Handle> = []
    var refused = RefusedQueue()
    private var backlog = Heap<Entry>()
    /// How many of the entries somebody waits for.
    private var demandCount = 0

    /// A connection that is due, or one that somebody waits for.
    struct Entry: Comparable {
        /// When it is of no use any more: what ends first is refreshed first. The past for one that
        /// somebody waits for.
        let death: UnixTime
        let handle: Handle
        /// The attempt that callers wait for; nil where nobody asked.
        let attempt: RefreshAttempt?
        /// Since when it is due; nil where that says nothing.
        var due: UnixTime?

        static func < (left: Self, right: Self) -> Bool {
            left.death == right.death
                ? left.attempt?.number ?? 0 < right.attempt?.number ?? 0
                : left.death < right.death
        }

        static func == (left: Self, right: Self) -> Bool {
            left.death == right.death && left.handle == right.handle
                && left.attempt === right.attempt
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

    mutating func add(_ entry: Entry) {
        backlog.insert(entry)
        if entry.attempt != nil { demandCount += 1 }
    }

    mutating func removeFirst() {
        if let first = backlog.popMin(), first.attempt != nil { demandCount -= 1 }
    }

    /// Removes all that somebody waits for, and what is stale. While the provider is down each of
    /// its answers asks for that, and most find nothing.
    mutating func removeDemands(_ isLive: (Handle) -> Bool) -> [Entry] {
        guard demandCount > 0 else { return [] }
        demandCount = 0
        let demands = backlog.unordered.filter { $0.attempt != nil }
        var seen: Set<Handle> = []
        backlog = Heap(
            backlog.unordered.filter {
                $0.attempt == nil && isLive($0.handle) && seen.insert($0.handle).inserted
            })
        return demands
    }

    /// The entries in no order.
    var unordered: [Entry] { backlog.unordered }

    /// Moves all its moments by so many milliseconds.
    mutating func move(milliseconds: Int64) {
        nextProbe = nextProbe?.adding(milliseconds: milliseconds)
        suspicion.move(milliseconds: milliseconds)
        backlog = Heap(
            backlog.unordered.map {
                Entry(
                    death: $0.death.adding(milliseconds: milliseconds), handle: $0.handle,
                    attempt: $0.attempt, due: $0.due?.adding(milliseconds: milliseconds))
            })
    }

    /// Whether the provider rejects the application at present.
    var isRejected: Bool { nextProbe != nil }

    /// Whether a request of this application may leave.
    func isOpen(_ now: UnixTime) -> Bool {
        guard let nextProbe else { return true }
        return probe == nil && nextProbe <= now
    }

    /// Whether it matters which connection is next, and there is one at a time.
    var isCareful: Bool { isRejected || suspicion.isCareful }

    /// Whether one may be prepared: one at a time, where the application is not sure to be taken.
    func mayPrepare(_ now: UnixTime) -> Bool {
        isOpen(now) && pendingChanges == 0
            && (!isCareful || outCount == 0 && (preparedCount == 0 || isFullOfRisks))
    }

    /// Whether none but those that are at risk may be asked until one of them is answered: whatever
    /// else is prepared waits, and is not in their way.
    var isFullOfRisks: Bool {
        suspicion.unansweredCount > 0
            && suspicion.riskCount + suspicion.unansweredCount >= Suspicion.riskedMax
    }

    /// Whether a connection may be asked at all: not one more than is at risk already.
    func mayRisk(_ handle: Handle, _ now: UnixTime) -> Bool {
        if !isCareful || suspicion.isRisked(handle) || suspicion.isUnanswered(handle) {
            return true
        }
        if isFullOfRisks { return false }
        if isTried { return suspicion.risksSecond.map { $0 <= now } ?? true }
        return suspicion.mayRiskMore(now)
    }

    /// Whether an application that was rejected in so many words is tried with those that were out
    /// then: first with these, but not for ever, because their grants may be over.
    private var isTried: Bool {
        isRejected && !suspicion.isExhausted && !suspicion.risked.isEmpty
    }

    /// When one more may be risked, if time alone decides it.
    var risksAgain: UnixTime? {
        if isTried { return suspicion.risksSecond }
        return isCareful && suspicion.isExhausted ? suspicion.risksAgain : nil
    }

    /// Whether one that is prepared may become ready: the probe alone, where the application is
    /// rejected; none whose request was made before the application was changed.
    func takes(_ attempt: RefreshAttempt) -> Bool {
        attempt.revision == revision && (nextProbe == nil || probe == attempt.handle)
    }

    /// Whether one that is ready may leave now.
    func mayLeave(_ attempt: RefreshAttempt, _ now: UnixTime) -> Bool {
        takes(attempt) && pendingChanges == 0
            && (!isCareful || outCount == 0 && mayRisk(attempt.handle, now))
    }

    /// When one may, if time alone decides it.
    var opens: UnixTime? { probe == nil ? nextProbe : nil }

    /// One is about to leave the backlog.
    mutating func begin(_ handle: Handle) {
        preparedCount += 1
        if isRejected { probe = handle }
    }

    /// One leaves for the provider; returns its place in the order.
    mutating func send() -> UInt64 {
        preparedCount -= 1
        outCount += 1
        return suspicion.send()
    }

    /// One that was prepared ended without being sent.
    mutating func giveUp() { preparedCount -= 1 }

    /// One that was sent is out no longer, or nobody waits for it.
    mutating func arrive() { outCount -= 1 }

    /// The answer to one is late, or does not come.
    mutating func noteUnanswered(_ attempt: RefreshAttempt) {
        guard attempt.isProbe, attempt.revision == revision else { return }
        suspicion.noteUnanswered(attempt.handle, order: attempt.order)
    }

    /// One came back, or did not leave after all, and said nothing about the application.
    mutating func end(_ handle: Handle, _ now: UnixTime) {
        guard probe == handle else { return }
        probe = nil
        nextProbe = now.adding(milliseconds: Self.probeMilliseconds)
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
        }
        return nextProbe != nil
    }

    /// Whether enough connections were refused, and none is out that may yet say otherwise.
    var isSuspicionConfirmed: Bool { suspicion.isExhausted && outCount == 0 && !isRejected }

    /// Its application was changed: what was found out is void, and what was made of it is old.
    mutating func change(_ change: Suspicion.Change) {
        suspicion.change(change)
        revision &+= 1
        _ = accept()
    }

    /// Something else about it was changed: it is worth a try now.
    mutating func probeSoon(_ now: UnixTime) {
        if let next = nextProbe, probe == nil { nextProbe = min(next, now) }
    }

    /// What an earlier process found out.
    ///
    /// - Parameter rejected: when the provider rejected the application last, where nothing else is
    ///   known; by a clock that was ahead nobody knows when.
    mutating func restore(
        _ risks: [Suspicion.Risk], change: Suspicion.Change?, rejected: UnixTime?, _ now: UnixTime
    ) {
        suspicion.restore(risks, change: change)
        guard nextProbe == nil else { return }
        if let rejected {
            nextProbe =
                rejected > now ? now : rejected.adding(milliseconds: Self.probeMilliseconds)
        } else if suspicion.isExhausted {
            nextProbe = UnixTime(milliseconds: 0)
        }
    }

    /// An operator says that nothing is wrong with the application.
    mutating func clearRefusals() {
        suspicion.clearRefusals()
        _ = accept()
    }
}
