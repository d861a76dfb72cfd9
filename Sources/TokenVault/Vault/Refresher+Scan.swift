// SPDX-License-Identifier: Apache-2.0

import BasicContainers

// The scan at open: builds the schedule, verifies every record and the store MAC, and only then
// zeroes the slots that no live record names.
extension Refresher {
    /// Runs on a thread of its own, once.
    func scan(_ doubts: [Attempt]) {
        defer { MemoryHygiene.scrub() }
        let end: ScanState
        do throws(VaultError) {
            _ = try store.verify(zeroesOrphans: true) { (opened) throws(VaultError) in
                try self.scanned(opened)
            }
            end = .complete
        } catch {
            // A store that does not match its MAC is for audit and salvage only.
            committer.refuse(error)
            end = .failed(error)
        }
        if case .complete = end { resumeDoubts(doubts) }
        let waiting = shared.withLock { shared -> [Waiter] in
            shared.scan = end
            shared.changedSlots = []
            defer { shared.scanWaiters = [] }
            return shared.scanWaiters
        }
        for waiter in waiting { waiter.resume(Self.outcome(end)) }
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
        guard let plan = plan(record) else { return }
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

    /// Attempts whose answer was never heard come first.
    private func resumeDoubts(_ doubts: [Attempt]) {
        let now = time.now()
        let commit = Commit { _ in }
        for stale in staleDoubts { commit.add(.endAttempt(wave: stale.wave, stale.key)) }
        for doubt in doubts {
            guard let opened = try? store.open(doubt.key) else {
                endDoubt(doubt.key, commit)
                continue
            }
            let (slot, generation) = (opened.header.slot, opened.header.generation)
            let record = ConnectionRecord(fields: opened.takeFields())
            // Other tokens came since, or it is red by now.
            guard doubt.generation >= record.tokensSince ?? generation, let plan = plan(record)
            else {
                endDoubt(doubt.key, commit)
                continue
            }
            commit.add(.event(EventEntry(time: now, key: doubt.key, kind: .attemptInDoubt)))
            publish(.attemptInDoubt, record.id)
            // Before everything that is merely due.
            let first = UnixTime(milliseconds: 0)
            shared.withLock { shared in
                guard shared.upkeep.flight(doubt.key) == nil else { return }
                shared.upkeep.schedule(slot, Plan(lane: plan.lane, due: first, death: first))
            }
        }
        if commit.changes.count > 0 { committer.submit(commit) }
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
        try await refresher.scanned().get()
    }
}
