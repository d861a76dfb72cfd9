// SPDX-License-Identifier: Apache-2.0

import BasicContainers
import Glibc
import Synchronization

/// The one writer: a thread that puts everything that waits into one LMDB transaction and one disk
/// sync, 20 to 35 times the rate of a commit each.
///
/// Until the store is verified it takes nothing but disconnects that were cut short.
///
/// Durable order, always: new slots are synced before the transaction that names them; erased slots
/// are overwritten and synced before the transaction that forgets them.
final class Committer: Committing {
    /// The most commits in one transaction.
    static let groupMax = 256

    private let store: Store
    private let queue = Monitor(Queue())
    private let thread = Monitor<WorkerThread?>(nil)
    private let meter = CommitMeter()
    /// The writer's thread, as it calls itself; 0 before it runs.
    private let writing = Atomic<pthread_t>(0)
    private let eventObserver = Mutex<(@Sendable () -> Void)?>(nil)

    /// How long commits that nobody waits for are kept until there is a whole group of them, in
    /// milliseconds. A transaction of many costs little more than one of few.
    static let patienceMilliseconds = 8

    private struct Queue {
        var waiting: [Commit] = []
        /// How many of them somebody waits for.
        var urgentCount = 0
        var mustStart: Bool { urgentCount > 0 || isClosed || waiting.count >= groupMax }
        var isClosed = false
        /// Until then the store is not verified.
        var isAllowed = false
        /// What was found by the scan, until the writer takes it over.
        var verified: Verified?
        /// Set when the fate of a write is unknown, or the store does not match its MAC.
        var refusal: VaultError?
    }

    /// - Parameter writer: what the last process left: ROOT, fences, batches.
    init(_ store: Store, writer: Writer) throws(VaultError) {
        self.store = store
        let worker = try WorkerThread("vault-writer") { [self] in run(writer) }
        thread.withLock { $0 = worker }
    }

    /// Once it is closed it takes what follows from a commit, submitted by its completion, and
    /// nothing else: what was recorded and can leave no more would stay in doubt.
    func submit(_ commit: Commit) {
        let follows = writing.load(ordering: .relaxed) == pthread_self()
        let (refusal, signals) = queue.withLock { queue -> (VaultError?, Bool) in
            if queue.isClosed, !follows { return (VaultError(.closed, .store), false) }
            guard queue.isAllowed || commit.isRecovery else {
                return (queue.refusal ?? VaultError(.notVerified, .store), false)
            }
            let mustStart = queue.mustStart
            queue.waiting.append(commit)
            if !commit.isPatient { queue.urgentCount += 1 }
            return (nil, queue.waiting.count == 1 || queue.mustStart && !mustStart)
        }
        if let refusal { commit.end(.failure(refusal)) }
        if signals { queue.signal() }
    }

    func refuse(_ error: VaultError) { queue.withLock { $0.refusal = $0.refusal ?? error } }

    var counters: CommitCounters { meter.counters }

    func allow(_ verified: Verified) {
        meter.note(flows: verified.flows.count)
        queue.withLock { queue in
            queue.isAllowed = true
            queue.verified = verified
        }
    }

    func observeEvents(_ observer: @escaping @Sendable () -> Void) {
        eventObserver.withLock { $0 = observer }
    }

    /// Why commits are refused, if they are.
    var refusal: VaultError? { queue.withLock { $0.refusal } }

    /// Makes what waits durable, and what follows from it; then ends the thread.
    func close() {
        queue.withLock { $0.isClosed = true }
        queue.signal()
        let worker = thread.withLock { thread in
            defer { thread = nil }
            return thread
        }
        worker?.join()
    }

    private func run(_ first: Writer) {
        WorkerThread.neverWaitsForSecrets()
        writing.store(pthread_self(), ordering: .relaxed)
        var writer = first
        while true {
            queue.wait(until: { !$0.waiting.isEmpty || $0.isClosed }, then: { _ in })
            var group = queue.wait(
                milliseconds: Self.patienceMilliseconds, until: { $0.mustStart },
                then: { queue -> [Commit] in
                    if let verified = queue.verified.take() { writer.flows = verified.flows }
                    let count = min(queue.waiting.count, Self.groupMax)
                    let group = Array(queue.waiting.prefix(count))
                    queue.waiting.removeFirst(count)
                    queue.urgentCount -= group.count { !$0.isPatient }
                    return group
                })
            if group.isEmpty { return }
            process(&group, &writer)
            MemoryHygiene.scrub()
        }
    }

    /// Commits a group; where that fails, each of its commits alone, so that one that does not fit
    /// takes no other with it.
    private func process(_ group: inout [Commit], _ writer: inout Writer) {
        if let refusal {
            for commit in group { commit.end(.failure(refusal)) }
            return
        }
        do throws(VaultError) {
            let start = CommitMeter.now()
            let results = try commit(group, &writer)
            meter.note(commits: group.count, since: start)
            meter.note(flows: writer.flows.count)
            for (commit, result) in zip(group, results) { commit.end(result) }
        } catch {
            if group.count > 1, error.code != .storageFailed {
                // Each lets go of its secrets as it ends: perhaps they are what was short.
                group.reverse()
                while let next = group.popLast() {
                    var alone = [next]
                    process(&alone, &writer)
                }
            } else {
                if error.code == .storageFailed { refuse(error) }
                for commit in group { commit.end(.failure(error)) }
            }
        }
    }

    /// One transaction. Throws where it had to be given up as a whole.
    private func commit(
        _ group: [Commit], _ writer: inout Writer
    ) throws(VaultError) -> [Result<Committed, VaultError>] {
        var draft = writer
        draft.takenSlots = []
        draft.freedSlots = []
        let erases = group.contains(where: \.erases)
        do throws(VaultError) {
            // While slots change in place, whoever fails to open one waits and reads again.
            let results =
                erases
                ? try store.changingSlots { () throws(VaultError) in
                    try transact(group, &draft)
                }
                : try transact(group, &draft)
            for slot in draft.freedSlots { store.slots.give(slot) }
            let hasEvents = draft.root.nextEvent != writer.root.nextEvent
            writer = draft
            if hasEvents { eventObserver.withLock({ $0 })?() }
            return results
        } catch {
            // Slots that were overwritten stay so, and their records are still there.
            writer.erasures = draft.erasures
            // Where nobody knows whether the commit is durable, its slots may be named: the next
            // open will see.
            if error.code != .storageFailed { giveUp(draft.takenSlots) }
            throw error
        }
    }

    private func transact(
        _ group: [Commit], _ draft: inout Writer
    ) throws(VaultError) -> [Result<Committed, VaultError>] {
        let transaction = try store.lmdb.beginWrite()
        draft.nonces.discard()
        let fits = try draft.fits(group, transaction)
        try eraseSlots(zip(group, fits).compactMap { $1 ? $0 : nil }, &draft, transaction)
        var results: [Result<Committed, VaultError>] = []
        var applied = 0
        for (commit, fits) in zip(group, fits) {
            do throws(VaultError) {
                guard fits else { throw VaultError(.storeFull, .store) }
                try draft.check(commit, transaction)
            } catch {
                results.append(.failure(error))
                continue
            }
            results.append(try draft.apply(commit, transaction))
            applied += 1
        }
        guard applied > 0 else { return results }
        try draft.writeRoot(transaction)
        if !draft.takenSlots.isEmpty { try store.slots.sync() }
        try transaction.commit()
        return results
    }

    /// Overwrites the slots of all records that this group erases: two disk syncs for all of them.
    private func eraseSlots(
        _ group: [Commit], _ draft: inout Writer, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        var slots: Set<UInt32> = []
        for commit in group {
            for index in commit.changes.indices {
                guard case .erase(let key) = commit.changes[index].kind else { continue }
                try draft.prepareErasure(of: key, isRecovery: commit.isRecovery, transaction)
                if let erasure = draft.erasures[key], erasure.overwrites {
                    slots.insert(erasure.slot)
                }
            }
        }
        if !slots.isEmpty { try store.slots.erase(Array(slots)) }
    }

    /// Slots that were filled for records that did not come about, as the database says now. One
    /// whose record is there after all is the record's; what fails here is done by the scan at the
    /// next open.
    private func giveUp(_ taken: [(slot: UInt32, key: RecordKey)]) {
        guard !taken.isEmpty else { return }
        do throws(VaultError) {
            var slots: [UInt32] = []
            for (slot, key) in taken where try store.version(key) == nil { slots.append(slot) }
            guard !slots.isEmpty else { return }
            try store.slots.erase(slots)
            for slot in slots { store.slots.give(slot) }
        } catch {
            if error.code == .storageFailed { refuse(error) }
        }
    }
}

extension Commit {
    fileprivate var erases: Bool {
        for index in changes.indices {
            if case .erase = changes[index].kind { return true }
        }
        return false
    }
}
