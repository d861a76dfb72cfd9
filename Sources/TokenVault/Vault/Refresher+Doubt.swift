// SPDX-License-Identifier: Apache-2.0

// Attempts whose answer was never heard, or said nothing of the refresh token: the provider may
// have replaced it. They stay on record until an answer is definite, so that a restart does not
// forget that they are urgent. One for each connection at the most.
extension Refresher {
    /// What an attempt did to the refresh token.
    enum Effect {
        /// Nothing: it did not arrive, or was put off. An earlier one stays in doubt.
        case none
        /// The answer says so, of earlier ones too.
        case known
        /// Perhaps the provider has replaced it.
        case inDoubt

        /// Of a failure that time may mend. A server that broke off, or a gateway that lost it
        /// (500, 502, 504), may have acted before; one that puts a request off (408, 425, 429, 503)
        /// has not.
        init(status: Int, wasSent: Bool) {
            let isBrokenOff = (500..<600).contains(status) && ![501, 503, 505].contains(status)
            self = wasSent && (status == 0 || isBrokenOff) ? .inDoubt : .none
        }
    }

    /// Adds to a commit what becomes of the attempt, and of an older one in doubt.
    func endAttempt(_ attempt: RefreshAttempt, _ effect: Effect, _ commit: Commit) {
        // Nothing was presented that the provider could have replaced.
        switch attempt.source.grant.asksAnew ? .none : effect {
        case .none: endAttempt(attempt, doubt: nil, commit)
        case .known:
            endAttempt(attempt, doubt: shared.withLock { Self.takeDoubt(attempt, &$0) }, commit)
        case .inDoubt: keepDoubt(attempt, commit)
        }
    }

    func endAttempt(_ attempt: RefreshAttempt, doubt: UInt64?, _ commit: Commit) {
        if let batch = attempt.batch { commit.add(.endAttempt(batch: batch, attempt.key)) }
        if let doubt { commit.add(.endAttempt(batch: doubt, attempt.key)) }
    }

    /// The older doubt that an answer ends; one of the connection's next life, or of other tokens,
    /// is not its business.
    static func takeDoubt(_ attempt: RefreshAttempt, _ shared: inout Shared) -> UInt64? {
        guard shared.upkeep.attempts.isCurrent(attempt) else { return nil }
        return shared.doubts.take(attempt.key)?.batch
    }

    /// Leaves the attempt on record, in place of an older one in doubt; as one whose request has
    /// ended, so that no other process waits for it, unless this process ended it.
    private func keepDoubt(_ attempt: RefreshAttempt, _ commit: Commit) {
        guard let batch = attempt.batch else { return }
        let (key, queue) = (attempt.key, attempt.queue)
        let isOver = shared.withLock { shared -> Bool in
            // What it did does not concern the tokens that are there now.
            guard attempt.stage != .ended, !attempt.isOfTheFormer else {
                commit.add(.endAttempt(batch: batch, key))
                return false
            }
            let older = shared.doubts.add(key, batch: batch, sent: attempt.sent)
            if let older, older.batch != batch {
                commit.add(.endAttempt(batch: older.batch, key))
            }
            // The provider's grace begins now, however often it failed before.
            if older == nil, shared.upkeep.queues[queue].limits.reuseGraceSeconds > 0 {
                shared.upkeep.countAnew(key)
            }
            return !shared.sendsNothing
        }
        guard isOver else { return }
        commit.add(.endAttempt(batch: batch, key))
        let record = AttemptRecord(key: key, generation: attempt.source.generation)
        commit.add(.beginBatch([record], RefreshPolicy.longAgo))
        let completion = commit.completion
        commit.completion = { [self] result in
            if case .success(let committed) = result {
                move(key, from: batch, to: committed.batch)
            }
            completion(result)
        }
    }

    /// A connection in doubt has its attempt in another batch.
    private func move(_ key: RecordKey, from batch: UInt64, to anew: UInt64) {
        let isInDoubt = shared.withLock { $0.doubts.move(key, from: batch, to: anew) }
        // Other tokens came meanwhile, or it was disconnected.
        if !isInDoubt { settle(anew, key) }
    }

    func endDoubt(_ key: RecordKey, _ commit: Commit) {
        if let doubt = shared.withLock({ $0.doubts.take(key)?.batch }) {
            commit.add(.endAttempt(batch: doubt, key))
        }
    }

    /// The attempt of an earlier process that the provider may still be at work on, and until when
    /// the connection is left alone for that.
    func hold(
        _ key: RecordKey, queue: Int, death: UnixTime, _ shared: borrowing Shared, _ now: UnixTime
    ) -> (since: UnixTime, until: UnixTime)? {
        shared.doubts.hold(
            key, death: death, shared.upkeep.queues[queue].limits, lag: stepsBack.lag(0), now)
    }

    /// The tokens that a doubt was about are replaced: its attempt is taken off the record.
    func settle(_ doubt: UInt64, _ key: RecordKey) {
        let commit = Commit()
        commit.add(.endAttempt(batch: doubt, key))
        committer.submit(commit)
    }

    /// Which of the connections in doubt the log says it of already, and of no end of it.
    func toldInDoubt(_ doubts: [InheritedAttempt]) -> Set<RecordKey> {
        guard !doubts.isEmpty else { return [] }
        let keys = Set(doubts.map(\.attempt.key))
        let ends: [VaultEvent.Kind] = [
            .recovered, .connected, .tokensPut, .grantLost, .disconnected,
        ]
        let codes = Set(ends.map(\.code))
        var told: Set<RecordKey> = []
        var next: UInt64? = 0
        while let first = next {
            do throws(VaultError) {
                next = try store.scanEvents(from: first, atMost: Vault.loggedEventsAtOnce) {
                    (_, entry) in
                    guard keys.contains(entry.key) else { return }
                    if entry.code == VaultEvent.Kind.attemptInDoubt.code { told.insert(entry.key) }
                    if codes.contains(entry.code) { told.remove(entry.key) }
                }
            } catch {
                // It is told once more.
                return []
            }
        }
        return told
    }
}
