// SPDX-License-Identifier: Apache-2.0

import BasicContainers
import Synchronization

// The scan at open: builds the schedule, verifies every record and the store MAC, and zeroes the
// slots that no live record names. Only then is anything written or sent.
extension Refresher {
    /// How soon a scan that could not be finished begins anew, in milliseconds, and how often it is
    /// looked whether the vault is closed meanwhile.
    static let scanAgainMilliseconds = 1000
    private static let scanLookMilliseconds = 50
    /// How often the scan says how far it is, at the most, and after how many records at least.
    private static let scanReportsMax = 1000
    private static let scanReportRecordsMin = 1024

    /// Runs on a thread of its own, once.
    func scan(_ inherited: [InheritedAttempt]) {
        defer { MemoryHygiene.scrub() }
        var result = verify()
        while case .failure(let error) = result, error.isPassing, waitToScanAgain() {
            result = verify()
        }
        switch result {
        case .success(let ending):
            resume(inherited)
            rereadAll(shared.withLock { $0.unread.keys[...] })
            finishDisconnects(ending) { [self] in endScan(.complete) }
        case .failure(let error):
            // A store that does not match its MAC is for audit and salvage only.
            if !error.isPassing { committer.refuse(error) }
            endScan(.failed(error))
        }
    }

    private func endScan(_ end: ScanState) {
        let (waiting, watching) = shared.withLock { shared in
            shared.scan = end
            defer {
                shared.scanCallers = []
                shared.scanWatchers = []
            }
            return (shared.scanCallers, shared.scanWatchers)
        }
        if case .complete = end { setVerified() }
        shared.broadcast()
        for watcher in watching { watcher.finish() }
        for caller in waiting { caller.resume(Self.outcome(end)) }
    }

    /// Verifies and plans; returns whose disconnects are still to be finished.
    private func verify() -> Result<[RecordKey], VaultError> {
        var evidence = Evidence()
        do throws(VaultError) {
            let total = try store.recordCount()
            let step = max(Self.scanReportRecordsMin, total / Self.scanReportsMax)
            var done = 0
            /// Records that say that they are being disconnected.
            var ending: [RecordKey] = []
            let verified = try store.verify(atOpen: true) { (opened) throws(VaultError) in
                if try scanned(opened, &evidence) { ending.append(opened.key) }
                done += 1
                if done % step == 0 { try report(done, of: total) }
            }
            let now = time.now()
            shared.withLock { shared in
                shared.upkeep.restore(evidence, now)
                for queue in shared.upkeep.queues.indices
                where evidence.tellsRejection(queue)
                    && !shared.upkeep.queues[queue].isOfOwnClient
                {
                    shared.toldRejected.insert(shared.upkeep.queues[queue].application)
                }
            }
            deviceFlows.restore(verified.devices)
            heldFlows.withLock { $0 = verified.held }
            committer.allow(verified)
            let known = Set(ending)
            return .success(ending + verified.fenced.filter { !known.contains($0) })
        } catch {
            return .failure(error)
        }
    }

    /// Tells whoever watches how far the scan is, and ends it where the vault is closed.
    private func report(_ done: Int, of total: Int) throws(VaultError) {
        let progress = Vault.VerificationProgress(
            recordsDone: done, recordsTotal: max(done, total))
        let (watching, isClosed) = shared.withLock { ($0.scanWatchers, $0.isClosed) }
        for watcher in watching { watcher.yield(progress) }
        if isClosed { throw VaultError(.closed, .vault) }
    }

    /// False where the vault is closed.
    private func waitToScanAgain() -> Bool {
        for _ in 0..<Self.scanAgainMilliseconds / Self.scanLookMilliseconds {
            if shared.withLock({ $0.isClosed }) { return false }
            WorkerThread.sleep(milliseconds: Self.scanLookMilliseconds)
        }
        return true
    }

    private static func outcome(_ state: ScanState) -> Outcome {
        if case .failed(let error) = state { return .failure(error) }
        return .success(())
    }

    /// Plans a connection's next refresh. True where it says that it is being disconnected.
    private func scanned(
        _ opened: borrowing Opened, _ evidence: inout Evidence
    ) throws(VaultError) -> Bool {
        guard opened.kind == .connection else {
            if opened.kind == .webhook { webhooks.insert(opened.key) }
            return false
        }
        let handle = opened.version.handle
        let record = ConnectionRecord(fields: try opened.fields.copy())
        if record.state == .disconnecting { return true }
        guard let application = record.application else { return false }
        guard let (main, mainLimits) = known(application) else {
            // Nothing is planned by what is not known.
            throw VaultError(.tooManySecrets, .upkeep)
        }
        let queue = record.mayHaveOwnQueue ? queue(of: record, application) : main
        let limits = mainLimits.of(record.grant)
        evidence.add(record, opened.version, opened.key, queue, limits, now: time.now())
        let key = opened.key
        if record.holdsUnread { shared.withLock { $0.unread.insert(key) } }
        let generation = record.tokensSince ?? opened.version.generation
        guard let plan = plan(record, queue, limits, asOf: generation) else { return false }
        shared.withLock { $0.upkeep.schedule(handle, plan) }
        return false
    }

    /// The queue of an application and its provider's limits; nil where they cannot be found out at
    /// this moment.
    private func known(
        _ application: ApplicationID
    ) -> (queue: Int, limits: RefreshPolicy.Limits)? {
        func look() -> (Int, RefreshPolicy.Limits)? {
            shared.withLock { shared in
                guard let queue = shared.upkeep.queue(application),
                    !shared.upkeep.queues[queue].isProvisional
                else { return nil }
                return (queue, shared.upkeep.queues[queue].limits)
            }
        }
        if let found = look() { return found }
        reload(application)
        return look()
    }

    /// What earlier processes have begun to disconnect and what could not be finished before: its
    /// slot is overwritten already, or its fence was lost, which no crash does. The store MAC
    /// covers the records, so they are believed.
    private func finishDisconnects(
        _ keys: [RecordKey], _ completion: @escaping @Sendable () -> Void
    ) {
        guard !keys.isEmpty else { return completion() }
        let left = Mutex(keys.count)
        let ended: Commit.Completion = { _ in
            let isLast = left.withLock { left in
                left -= 1
                return left == 0
            }
            if isLast { completion() }
        }
        for key in keys {
            let commit = Vault.erasure(ofLeftOver: key, time.now(), store)
            commit.completion = ended
            committer.submit(commit)
        }
    }

    /// How many attempts in doubt one commit ends or tells of: its room is counted as that of a
    /// small one.
    private static let doubtsPerCommitMax = 64

    /// Attempts in doubt come first, unless this process has heard of them since.
    private func resume(_ inherited: [InheritedAttempt]) {
        var commit = Commit()
        func submitIfFull(_ limit: Int) {
            guard commit.changes.count >= limit else { return }
            committer.submit(commit)
            commit = Commit()
        }
        for stale in shared.withLock({ $0.doubts.stale }) {
            commit.add(.endAttempt(batch: stale.batch, stale.attempt.key))
            submitIfFull(Self.doubtsPerCommitMax)
        }
        let told = toldInDoubt(inherited)
        for doubt in inherited {
            resume(doubt, isTold: told.contains(doubt.attempt.key), commit)
            submitIfFull(Self.doubtsPerCommitMax)
        }
        submitIfFull(1)
    }

    private func resume(_ doubt: InheritedAttempt, isTold: Bool, _ commit: Commit) {
        let key = doubt.attempt.key
        let opened: Opened?
        do throws(VaultError) {
            opened = try store.open(key)
        } catch {
            // It cannot be told at this moment, so it stays in doubt.
            return
        }
        var plan: Plan?
        var (handle, id) = (Handle.none, ConnectionID?.none)
        switch consume opened {
        case .none: break
        case .some(let opened):
            handle = opened.version.handle
            let generation = opened.version.generation
            let record = ConnectionRecord(fields: opened.takeFields())
            id = record.id
            // Else other tokens came since, or it is red by now.
            if doubt.attempt.generation >= record.tokensSince ?? generation {
                plan = self.plan(record)
            }
            // Nothing was at stake: it is asked for again when it is due.
            if record.grant.asksAnew { plan = nil }
        }
        // Before everything that is merely due, as soon as the provider cannot be working on it.
        let first = UnixTime(milliseconds: 0)
        let now = time.now()
        let isFirst = shared.withLock { shared -> Bool? in
            guard shared.doubts.isLast(doubt) else { return nil }
            guard let plan, store.key(of: handle) == key else {
                _ = shared.doubts.take(key)
                return false
            }
            if let hold = hold(key, queue: plan.queue, death: plan.death, shared, now) {
                shared.upkeep.hold(handle, until: hold.until)
            }
            // It was answered since, if only with a refusal.
            if shared.upkeep.isPaused(key, now) { return nil }
            shared.upkeep.schedule(handle, Plan(queue: plan.queue, due: first, death: first))
            return true
        }
        switch isFirst {
        case .none: break
        case .some(false): commit.add(.endAttempt(batch: doubt.batch, key))
        case .some(true) where isTold: break
        case .some(true):
            commit.add(.event(EventEntry(time: time.now(), key: key, kind: .attemptInDoubt)))
            publish(.attemptInDoubt, id)
        }
    }

    /// Waits for the scan's end; whoever is cancelled waits no longer.
    func scanned() async -> Outcome {
        let caller = Caller()
        return await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation {
                (continuation: UnsafeContinuation<Outcome, Never>) in
                caller.wait { unsafe continuation.resume(returning: $0) }
                let end = shared.withLock { shared -> Outcome? in
                    if let end = Self.end(shared) { return end }
                    if Task.isCancelled { return .failure(VaultError(.cancelled, .vault)) }
                    shared.scanCallers.append(caller)
                    return nil
                }
                if let end { caller.resume(end) }
            }
        } onCancel: {
            shared.withLock { $0.scanCallers.removeAll { $0 === caller } }
            caller.resume(.failure(VaultError(.cancelled, .vault)))
        }
    }

    /// The same on the calling thread.
    func waitUntilVerified() throws(VaultError) {
        guard hasThreads else { throw VaultError(.notVerified, .vault) }
        let end = shared.wait(until: { Self.end($0) != nil }, then: { Self.end($0) })
        try end?.get()
    }

    /// What came of the scan; nil while it runs.
    private static func end(_ shared: borrowing Shared) -> Outcome? {
        switch shared.scan {
        case .running: shared.isClosed ? .failure(VaultError(.closed, .vault)) : nil
        case .complete, .failed: outcome(shared.scan)
        }
    }

    func verification() -> AsyncStream<Vault.VerificationProgress> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: Vault.VerificationProgress.self, bufferingPolicy: .bufferingNewest(1))
        let isOver = shared.withLock { shared in
            let isOver = Self.end(shared) != nil
            if !isOver { shared.scanWatchers.append(continuation) }
            return isOver
        }
        if isOver { continuation.finish() }
        return stream
    }
}
