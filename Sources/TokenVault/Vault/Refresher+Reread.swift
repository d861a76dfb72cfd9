// SPDX-License-Identifier: Apache-2.0

// Replies that lie unread, looked at again.
extension Refresher {
    /// One of them, looked at on the writer's thread.
    final class Reread: Sendable {
        enum Outcome: Sendable {
            /// As it was.
            case left
            /// Its tokens are in the record.
            case adopted
            /// The old refresh token may be presented.
            case released
        }

        let key: RecordKey
        let id: ConnectionID?
        let found = Monitor<(outcome: Outcome, plan: Plan?, handle: Handle)>(
            (.left, nil, Handle.none))

        init(key: RecordKey, id: ConnectionID?) {
            (self.key, self.id) = (key, id)
        }

        var outcome: Outcome { found.withLock { $0.outcome } }
    }

    /// The change that takes the tokens of an unread reply over where they can be used.
    ///
    /// - Parameter releases: whether the old refresh token may be presented where they cannot.
    func change(
        _ reread: Reread, _ reader: UnreadReader, releases: Bool
    ) -> Commit {
        let now = time.now()
        let revision = Revision(
            addedBytesMax: 16 * (Fields.headBytes + 8) + Provider.capturedBytesMax
        ) {
            [self] (record, version) throws(VaultError) in
            var outcome = Reread.Outcome.left
            if try reader.adopt(in: &record, now) {
                outcome = .adopted
            } else if releases, record.state == .active, record.holdsUnread,
                !record.retriesUnread
            {
                try record.keepTokens(of: version.generation)
                try record.retryUnread()
                outcome = .released
            }
            let plan = plan(record)
            reread.found.withLock { $0 = (outcome, plan, version.handle) }
            return outcome == .left ? .leave : .replan(plan)
        }
        let commit = Commit()
        commit.mayUseReserve = true
        commit.add(.revise(reread.key, revision))
        return commit
    }

    /// What follows on the writer's thread, once that is durable.
    func concludeReread(_ reread: Reread, _ committed: Committed) {
        guard committed.fate == .changed else { return }
        schedule(committed.handle, committed.plan)
        guard reread.outcome == .adopted else { return }
        supersede(reread.key, committed.handle)
        let commit = Commit { [self] _ in publish(.recovered, reread.id) }
        commit.add(
            .event(EventEntry(time: time.now(), key: reread.key, kind: .recovered)))
        committer.submit(commit)
    }

    /// The definition of an application's provider is another: replies of its connections that lie
    /// unread may be of use by now, or need not be waited for any more.
    func rereadAll(of application: ApplicationID) {
        var gone: Set<RecordKey> = []
        var found: [RecordKey] = []
        for key in shared.withLock({ $0.unread.keys }) {
            do throws(VaultError) {
                guard let opened = try store.open(key) else {
                    gone.insert(key)
                    continue
                }
                let record = ConnectionRecord(fields: opened.takeFields())
                if !record.holdsUnread { gone.insert(key) }
                if record.holdsUnread, record.application == application { found.append(key) }
            } catch {
                // It cannot be told at this moment: the next open looks again.
                continue
            }
        }
        if !gone.isEmpty { shared.withLock { $0.unread.remove(gone) } }
        rereadAll(found[...])
    }

    /// One whose reply is left, and that is due all the same: its provider is known by now to take
    /// the old refresh token again.
    private func scheduleLeft(_ reread: Reread) {
        let (outcome, plan, handle) = reread.found.withLock { $0 }
        guard outcome == .left, let plan, store.key(of: handle) == reread.key else { return }
        shared.withLock { shared in
            guard shared.upkeep.attempts[reread.key] == nil, !shared.upkeep.isScheduled(handle)
            else { return }
            shared.upkeep.schedule(handle, plan)
        }
        alarm.ring()
    }

    /// Looks at unread replies, one after the other: connections whose tokens can be used by now
    /// have them from then on.
    func rereadAll(_ keys: ArraySlice<RecordKey>) {
        var keys = keys
        while let key = keys.popFirst() {
            // An attempt is under way, and its answer decides.
            let isBusy = shared.withLock { $0.isClosed || $0.upkeep.attempts[key] != nil }
            guard !isBusy, let (reread, reader) = reread(key) else { continue }
            let commit = change(reread, reader, releases: false)
            let rest = keys
            commit.completion = { [self] result in
                // What the store refuses now it refuses of the others too.
                guard case .success(let committed) = result else { return }
                concludeReread(reread, committed)
                scheduleLeft(reread)
                rereadAll(rest)
            }
            return committer.submit(commit)
        }
    }

    private func reread(_ key: RecordKey) -> (Reread, UnreadReader)? {
        do throws(VaultError) {
            guard let opened = try store.open(key) else { return nil }
            let record = ConnectionRecord(fields: opened.takeFields())
            guard let application = record.application else { return nil }
            return (
                Reread(key: key, id: record.id), UnreadReader(try store.application(application))
            )
        } catch {
            // It cannot be told at this moment: the next open tries again.
            return nil
        }
    }
}
