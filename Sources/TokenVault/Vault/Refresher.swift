// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Drives `UpkeepState`: one thread that sleeps until the next deadline, and makes requests.
/// Decisions are in `Upkeep`; sending, sealing and storing in the folders before.
///
/// An attempt takes three threads: this one makes its request and submits its attempt record; the
/// writer makes that durable and hands the request to the transport; the transport's thread reads
/// the answer, submits what follows from it, and hands over the next request.
final class Refresher: Sendable {
    /// How many attempts one commit records at most.
    static let batchMax = StoreLimits.batchAttemptsMax

    let store: any Reading
    let committer: any Committing
    let network: Network
    let time: any TimeSource
    let randomness: any Randomness
    let feed: EventFeed
    let shared: Monitor<Shared>
    /// Whether the scan at open has ended well: asked by every verb.
    private let verified = Atomic(false)
    /// Whether the threads are ours; a simulator has none that could wait for another.
    let hasThreads: Bool
    let alarm: Alarm
    let stepsBack = StepsBack()
    let deviceFlows = DeviceFlows()
    /// Flows of earlier processes whose callback waits for the platform's confirmation.
    let heldFlows = Monitor<[RecordKey]>([])
    let webhooks = Webhooks()
    private let threads = Monitor<[WorkerThread]>([])
    /// Attempts that earlier processes left in doubt.
    private let inherited: [InheritedAttempt]

    typealias Outcome = Caller.Outcome
    struct Shared: ~Copyable {
        var upkeep = UpkeepState()
        var timers: [Timer] = []
        /// What a call of this process is erasing, so that no second one does. That nothing else
        /// may change it is said by its fence in the store.
        var erasing: Set<RecordKey> = []
        var doubts: Doubts
        /// Applications whose log says that they are rejected, and not yet that this is over.
        var toldRejected: Set<ApplicationID> = []
        var storage = StorageTrouble()
        var unread = UnreadKeys()
        var unmetMinimums = UnmetMinimums()
        var scan = ScanState.running
        var scanCallers: [Caller] = []
        /// Who wants to know how far the scan is.
        var scanWatchers: [AsyncStream<Vault.VerificationProgress>.Continuation] = []
        /// How many calls of `run` there are.
        var runners = 0
        var isRunning: Bool { runners > 0 && !isClosed }
        var isClosed = false
        /// Nothing new is sent, and what is out is listened to for a while.
        var isDraining = false
        var sendsNothing: Bool { isClosed || isDraining }
        /// Whoever drains, until nothing is out.
        var drainers: [Caller] = []
    }

    enum ScanState {
        case running, complete
        case failed(VaultError)
    }

    init(
        store: any Reading, committer: any Committing, network: Network, time: any TimeSource,
        randomness: any Randomness, feed: EventFeed,
        inherited: [InheritedAttempt], startsThread: Bool
    ) throws(VaultError) {
        self.store = store
        self.committer = committer
        self.network = network
        self.time = time
        self.randomness = randomness
        self.feed = feed
        hasThreads = startsThread
        let doubts = Doubts(inherited, opened: time.now())
        self.inherited = inherited.filter(doubts.isLast)
        shared = Monitor(Shared(doubts: doubts))
        alarm = try Alarm()
        guard startsThread else { return }
        // The scan has a thread of its own: who waits for a token does not wait for it.
        let scanner = try WorkerThread("vault-scan") { [self] in begin() }
        threads.withLock { $0.append(scanner) }
        do throws(VaultError) {
            let worker = try WorkerThread("vault-upkeep") { [self] in work() }
            threads.withLock { $0.append(worker) }
        } catch {
            // The scan would go on, and hold all that is here.
            close()
            throw error
        }
    }

    /// The thread: one turn after the other, asleep in between.
    private func work() {
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

    /// Scans the store; once.
    func begin() { scan(inherited) }

    /// Starts what is due and sends what may be sent, without waiting for anything.
    func turn() -> Turn {
        followClock()
        expireTimers()
        let now = time.now()
        var isMoreDue = false
        let (turns, admitted, outdated) = shared.withLock {
            shared -> ([UpkeepState.Turn], [RefreshAttempt], [RefreshAttempt]) in
            guard !shared.sendsNothing else { return ([], [], []) }
            let outdated = shared.upkeep.takeOutdated(now)
            isMoreDue = shared.isRunning && shared.upkeep.enqueueDue(now)
            let turns = shared.upkeep.takeTurns(
                now, limit: Self.batchMax, onlyDemands: !shared.isRunning)
            return (turns, shared.upkeep.admit(now), outdated)
        }
        send(admitted)
        if !outdated.isEmpty { recordAgain(outdated) }
        if !turns.isEmpty { prepare(turns) }
        return shared.withLock { shared -> Turn in
            if shared.isClosed { return .end }
            if shared.isDraining {
                let timer = shared.timers.map(\.moment).min()
                return .sleep(
                    milliseconds: timer.map { max(0, $0.milliseconds(since: time.now())) })
            }
            if isMoreDue || turns.count == Self.batchMax { return .again }
            guard let next = Self.nextMoment(shared, now) else { return .sleep(milliseconds: nil) }
            return .sleep(milliseconds: max(0, next.milliseconds(since: time.now())))
        }
    }

    private static func nextMoment(_ shared: borrowing Shared, _ now: UnixTime) -> UnixTime? {
        let next = shared.upkeep.nextMoment(now, onlyDemands: !shared.isRunning)
        let timer = shared.timers.map(\.moment).min()
        guard let next, let timer else { return next ?? timer }
        return min(next, timer)
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

    /// Ends the threads and tells everybody who waits.
    func close() {
        let timers = shared.withLock { shared in
            shared.isClosed = true
            defer { shared.timers = [] }
            return shared.timers
        }
        shared.broadcast()
        alarm.ring()
        let workers = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for worker in workers { worker.join() }
        for timer in timers { timer.action() }
        let (left, unsent) = shared.withLock { shared in
            defer {
                shared.scanCallers = []
                shared.scanWatchers = []
                shared.drainers = []
            }
            let attempts = shared.upkeep.attempts.all
            let waiting =
                attempts.flatMap { $0.takeCallers() + $0.takeDisconnects() }
                + shared.scanCallers + shared.drainers
            for watcher in shared.scanWatchers { watcher.finish() }
            return (waiting, attempts.compactMap(\.outgoing))
        }
        for caller in left { caller.resume(.failure(VaultError(.closed, .upkeep))) }
        // Their attempts end with the commits that are made durable now, and so do those whose own
        // record is made durable only then.
        for request in unsent { _ = request.cancelIfUnsent() }
    }

    /// Whether the vault is closed, or is being.
    var isClosed: Bool { shared.withLock { $0.isClosed } }
    var isVerified: Bool { verified.load(ordering: .acquiring) }
    func setVerified() { verified.store(true, ordering: .releasing) }

    /// Tells the stream of events.
    func publish(_ kind: VaultEvent.Kind, _ id: ConnectionID?, number: Int64 = 0) {
        feed.publish(VaultEvent(time: time.now(), kind: kind, number: number, connection: id))
    }
}
