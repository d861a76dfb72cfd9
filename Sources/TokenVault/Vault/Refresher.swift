// SPDX-License-Identifier: Apache-2.0

/// Drives `UpkeepState`: one thread that sleeps until the next deadline, prepares requests, and
/// keeps who waits for what. Decisions are in `Upkeep`; sending, sealing and storing in the folders
/// before.
final class Refresher: Sendable {
    /// How many refreshes share one attempt record.
    static let waveMax = Writer.waveAttemptsMax

    let store: any Reading
    let committer: any Committing
    let network: Network
    let time: any TimeSource
    let randomness: any Randomness
    let feed: EventFeed
    let shared: Monitor<Shared>
    let alarm: Alarm
    private let thread = Monitor<WorkerThread?>(nil)
    /// Attempts of an earlier process whose answer was never heard.
    private let doubts: [Attempt]

    typealias Outcome = Result<Void, VaultError>

    /// A caller, or a disconnect, that waits for a flight.
    struct Waiter {
        let resume: @Sendable (Outcome) -> Void
    }

    /// New tokens that wait for room to be stored.
    struct Stranded {
        let retry: @Sendable () -> Void
    }

    /// Something to do at a moment, unless the vault is closed before.
    struct Timer {
        let moment: UnixTime
        let action: @Sendable () -> Void
    }

    /// A caller whose connection's flight has to wait for its turn.
    struct Queued {
        let key: RecordKey
        let slot: UInt32
        let generation: UInt64
        let waiter: UpkeepState.WaiterID
    }

    /// Between attempts to store what is stranded, in milliseconds.
    static let strandedMilliseconds: Int64 = 1000

    struct Shared: ~Copyable {
        var upkeep = UpkeepState()
        var waiters: [UpkeepState.WaiterID: Waiter] = [:]
        var nextWaiter: UpkeepState.WaiterID = 1
        /// Flights that callers started: the thread records them, all that wait in one wave.
        var boarding: [UpkeepState.Flight] = []
        /// Flights whose wave is durable: to be sent by the thread.
        var departing: [UpkeepState.Flight] = []
        /// What can still be taken back, by flight.
        var requests: [UInt64: TransportRequest] = [:]
        /// Disconnects that wait for an orphan's end, by flight.
        var mourners: [UInt64: [Waiter]] = [:]
        /// Tokens that could not be stored yet.
        var stranded: [Stranded] = []
        var nextRetry = UnixTime(milliseconds: 0)
        var timers: [Timer] = []
        /// Callers for whom no flight was free.
        var queued: [Queued] = []
        /// Connections that a disconnect of this process is at.
        var disconnecting: Set<RecordKey> = []
        /// Old waves of attempts whose answer was never heard.
        var doubts: [RecordKey: UInt64] = [:]
        /// Applications that the provider rejects: one alarm each.
        var rejected: Set<ApplicationID> = []
        /// Slots that changed while the scan at open still looks at an older snapshot.
        var changedSlots: Set<UInt32> = []
        var scan = ScanState.running
        var scanWaiters: [Waiter] = []
        /// How many calls of `run` there are.
        var runners = 0
        var isRunning: Bool { runners > 0 && !isClosed }
        var isClosed = false
    }

    enum ScanState {
        case running, complete
        case failed(VaultError)
    }

    init(
        store: any Reading, committer: any Committing, network: Network, time: any TimeSource,
        randomness: any Randomness, feed: EventFeed,
        doubts: [(wave: UInt64, attempt: Attempt)], startsThread: Bool
    ) throws(VaultError) {
        self.store = store
        self.committer = committer
        self.network = network
        self.time = time
        self.randomness = randomness
        self.feed = feed
        var first = Shared()
        for doubt in doubts { first.doubts[doubt.attempt.key] = doubt.wave }
        shared = Monitor(first)
        alarm = try Alarm()
        self.doubts = doubts.map(\.attempt)
        guard startsThread else { return }
        let worker = try WorkerThread("vault-upkeep") { [self] in work() }
        thread.withLock { $0 = worker }
    }

    /// The thread: the scan, then one turn after the other, asleep in between.
    private func work() {
        begin()
        while true {
            switch turn() {
            case .again: continue
            case .sleep(let milliseconds): alarm.wait(milliseconds: milliseconds)
            case .end: return
            }
        }
    }

    /// What follows a turn.
    enum Turn: Equatable {
        /// Another one, at once.
        case again
        /// Nothing, for so many milliseconds or until the alarm rings; for ever where nil.
        case sleep(milliseconds: Int64?)
        /// Nothing ever: the vault is closed.
        case end
    }

    /// Scans the store, before the first turn.
    func begin() { scan(doubts) }

    /// Sends what may be sent and starts what is due, without waiting for anything.
    func turn() -> Turn {
        retryStranded()
        expireTimers()
        let now = time.now()
        let (departing, boarding, due, isClosed) = shared.withLock { shared in
            let departing = shared.departing
            shared.departing = []
            let boarding = shared.boarding
            shared.boarding = []
            let due =
                shared.isRunning ? shared.upkeep.takeDue(now, limit: Self.waveMax) : []
            return (departing, boarding, due, shared.isClosed)
        }
        for first in stride(from: 0, to: boarding.count, by: Self.waveMax) {
            record(Array(boarding[first..<min(first + Self.waveMax, boarding.count)]))
        }
        send(departing)
        start(due)
        if isClosed { return .end }
        if !departing.isEmpty || due.count == Self.waveMax { return .again }
        return shared.withLock { shared -> Turn in
            guard shared.departing.isEmpty, shared.boarding.isEmpty, !shared.isClosed else {
                return .again
            }
            guard let next = Self.nextMoment(shared) else { return .sleep(milliseconds: nil) }
            return .sleep(milliseconds: max(0, next.milliseconds(since: time.now())))
        }
    }

    private static func nextMoment(_ shared: borrowing Shared) -> UnixTime? {
        var next = shared.timers.map(\.moment).min()
        func sooner(_ moment: UnixTime) { next = next.map { min($0, moment) } ?? moment }
        if !shared.stranded.isEmpty { sooner(shared.nextRetry) }
        if shared.isRunning, !shared.upkeep.isFull, let deadline = shared.upkeep.nextDeadline {
            sooner(deadline)
        }
        return next
    }

    /// Runs `action` on the upkeep thread after so many milliseconds.
    func after(milliseconds: Int64, _ action: @escaping @Sendable () -> Void) {
        let moment = time.now().adding(milliseconds: milliseconds)
        shared.withLock { $0.timers.append(Timer(moment: moment, action: action)) }
        alarm.ring()
    }

    private func expireTimers() {
        let now = time.now()
        let expired = shared.withLock { shared -> [Timer] in
            guard shared.timers.contains(where: { $0.moment <= now }) else { return [] }
            let expired = shared.timers.filter { $0.moment <= now }
            shared.timers.removeAll { $0.moment <= now }
            return expired
        }
        for timer in expired { timer.action() }
    }

    private func retryStranded() {
        let now = time.now()
        let ready = shared.withLock { shared -> [Stranded] in
            guard !shared.stranded.isEmpty, now >= shared.nextRetry else { return [] }
            shared.nextRetry = now.adding(milliseconds: Self.strandedMilliseconds)
            defer { shared.stranded = [] }
            return shared.stranded
        }
        for stranded in ready { stranded.retry() }
    }

    /// Begins or ends refreshing what is due, once for each `run`. Callers that need a token are
    /// served either way. False where the vault is closed.
    @discardableResult
    func run(_ begins: Bool) -> Bool {
        let isOpen = shared.withLock { shared in
            shared.runners += begins ? 1 : -1
            return !shared.isClosed
        }
        alarm.ring()
        return isOpen
    }

    /// Ends the thread and tells everybody who waits.
    func close() {
        shared.withLock { shared in
            shared.isClosed = true
        }
        alarm.ring()
        // Actions that wait for their moment end what somebody waits for.
        let timers = shared.withLock { shared in
            defer { shared.timers = [] }
            return shared.timers
        }
        for timer in timers { timer.action() }
        let worker = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        worker?.join()
        let left = shared.withLock { shared in
            defer {
                shared.waiters = [:]
                shared.mourners = [:]
                shared.scanWaiters = []
                shared.stranded = []
                shared.queued = []
            }
            return Array(shared.waiters.values) + shared.mourners.values.flatMap { $0 }
                + shared.scanWaiters
        }
        for waiter in left { waiter.resume(.failure(VaultError(.closed, .upkeep))) }
    }

    /// When a record is due; nil where nothing can renew it or nothing may.
    func deadline(_ record: borrowing ConnectionRecord) -> UnixTime? {
        guard record.state == .active, record.hasRefreshToken, record.application != nil else {
            return nil
        }
        return RefreshPolicy.due(
            issued: record.issued, expiry: record.accessTokenExpiry, random: randomness.next())
    }

    /// Puts a connection into the schedule, or takes it out.
    func schedule(_ slot: UInt32, _ deadline: UnixTime?) {
        let isEarliest = shared.withLock { shared -> Bool in
            if case .running = shared.scan { shared.changedSlots.insert(slot) }
            let before = shared.upkeep.nextDeadline
            shared.upkeep.schedule(slot, deadline)
            return shared.isRunning && shared.upkeep.nextDeadline != before
        }
        if isEarliest { alarm.ring() }
    }

    /// When a slot is due next.
    func deadline(slot: UInt32) -> UnixTime? {
        shared.withLock { $0.upkeep.deadline(slot) }
    }

    /// Records that a flight or a scan has ended for those who wait for it.
    func publish(_ kind: VaultEvent.Kind, _ id: ConnectionID?, number: Int64 = 0) {
        feed.publish(VaultEvent(time: time.now(), kind: kind, number: number, connection: id))
    }
}
