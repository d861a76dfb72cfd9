// SPDX-License-Identifier: Apache-2.0

import BasicContainers

// The scan at open: builds the schedule, verifies every record and the store MAC, and only then
// zeroes the slots that no live record names.
extension Refresher {
    /// How soon a scan that could not be finished begins anew, in milliseconds, and how often it is
    /// looked whether the vault is closed meanwhile.
    static let scanAgainMilliseconds = 1000
    private static let scanLookMilliseconds = 50

    /// Runs on a thread of its own, once.
    func scan(_ doubts: [Doubt]) {
        defer { MemoryHygiene.scrub() }
        var end = verify()
        while case .failed(let error) = end, error.isPassing, waitToScanAgain() {
            end = verify()
        }
        switch end {
        case .complete: resumeDoubts(doubts)
        // A store that does not match its MAC is for audit and salvage only.
        case .failed(let error) where !error.isPassing: committer.refuse(error)
        case .failed, .running: break
        }
        let waiting = shared.withLock { shared -> [Waiter] in
            shared.scan = end
            shared.changedSlots = []
            defer { shared.scanWaiters = [] }
            return shared.scanWaiters
        }
        for waiter in waiting { waiter.resume(Self.outcome(end)) }
    }

    private func verify() -> ScanState {
        do throws(VaultError) {
            _ = try store.verify(zeroesOrphans: true) { (opened) throws(VaultError) in
                try self.scanned(opened)
            }
            return .complete
        } catch {
            return .failed(error)
        }
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

    private func scanned(_ opened: borrowing Store.Opened) throws(VaultError) {
        guard opened.header.kind == .connection else { return }
        let slot = opened.header.slot
        let record = ConnectionRecord(fields: try opened.fields.copy())
        if record.state == .disconnecting { return finishDisconnect(opened.key, slot: slot) }
        guard let application = record.application else { return }
        let lane = lane(application)
        // Nothing is planned by what is not known.
        if shared.withLock({ $0.upkeep.lanes[lane].isProvisional }) {
            throw VaultError(.tooManySecrets, .upkeep)
        }
        let generation = record.tokensSince ?? opened.header.generation
        guard let plan = plan(record, lane, asOf: generation) else { return }
        let key = opened.key
        shared.withLock { shared in
            // The end of a flight says when its connection is due again.
            guard !shared.changedSlots.contains(slot), shared.upkeep.flight(key) == nil else {
                return
            }
            shared.upkeep.schedule(slot, plan)
        }
    }

    /// A record that says that it is being disconnected, while nobody is at it: its fence was lost,
    /// which no crash does. The store MAC covers the record, so the record is believed; not where
    /// somebody was at it since, and the key may be a new life's.
    private func finishDisconnect(_ key: RecordKey, slot: UInt32) {
        let isOthers = shared.withLock {
            $0.disconnecting.contains(key) || $0.changedSlots.contains(slot)
        }
        if !isOthers { committer.submit(Vault.erasure(of: key, time.now())) }
    }

    /// How many attempts in doubt one commit ends or tells of: its room is counted as that of a
    /// small one.
    private static let doubtsPerCommitMax = 64

    /// Attempts in doubt come first, unless this process has heard of them since.
    private func resumeDoubts(_ doubts: [Doubt]) {
        var commit = Commit()
        func submitIfFull(_ limit: Int) {
            guard commit.changes.count >= limit else { return }
            committer.submit(commit)
            commit = Commit()
        }
        for stale in staleDoubts {
            commit.add(.endAttempt(wave: stale.wave, stale.key))
            submitIfFull(Self.doubtsPerCommitMax)
        }
        for doubt in doubts {
            resume(doubt, commit)
            submitIfFull(Self.doubtsPerCommitMax)
        }
        submitIfFull(1)
    }

    private func resume(_ doubt: Doubt, _ commit: Commit) {
        let key = doubt.attempt.key
        let opened: Store.Opened?
        do throws(VaultError) {
            opened = try store.open(key)
        } catch {
            // It cannot be told at this moment, so it stays in doubt.
            return
        }
        var plan: Plan?
        var (slot, id) = (KeySlots.none, ConnectionID?.none)
        switch consume opened {
        case .none: break
        case .some(let opened):
            slot = opened.header.slot
            let generation = opened.header.generation
            let record = ConnectionRecord(fields: opened.takeFields())
            id = record.id
            // Else other tokens came since, or it is red by now.
            if doubt.attempt.generation >= record.tokensSince ?? generation {
                plan = self.plan(record)
            }
        }
        // Before everything that is merely due.
        let first = UnixTime(milliseconds: 0)
        let isFirst = shared.withLock { shared -> Bool? in
            guard shared.doubts[key] == doubt.wave else { return nil }
            guard let plan, store.owner(slot)?.key == key else {
                shared.doubts[key] = nil
                return false
            }
            // This process has asked since, and plans by what it heard.
            guard !shared.changedSlots.contains(slot), shared.upkeep.flight(key) == nil else {
                return nil
            }
            shared.upkeep.schedule(slot, Plan(lane: plan.lane, due: first, death: first))
            return true
        }
        switch isFirst {
        case .none: break
        case .some(false): commit.add(.endAttempt(wave: doubt.wave, key))
        case .some(true):
            commit.add(.event(EventEntry(time: time.now(), key: key, kind: .attemptInDoubt)))
            publish(.attemptInDoubt, id)
        }
    }

    /// Waits for the scan's end.
    func scanned() async -> Outcome {
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Outcome, Never>) in
            let state = shared.withLock { shared -> ScanState? in
                if case .running = shared.scan, !shared.isClosed {
                    shared.scanWaiters.append(
                        Waiter { unsafe continuation.resume(returning: $0) })
                    return nil
                }
                if case .running = shared.scan { return .failed(VaultError(.closed, .vault)) }
                return shared.scan
            }
            if let state { unsafe continuation.resume(returning: Self.outcome(state)) }
        }
    }
}

extension Vault {
    /// Waits until every record and the store MAC are verified and the schedule is complete.
    ///
    /// - Throws: `integrityFailed`, `authenticationFailed`, `recordDamaged`: from then on the vault
    ///   refuses to write.
    public func ready() async throws(VaultError) {
        try checkProcess()
        try await refresher.scanned().get()
    }
}
