// SPDX-License-Identifier: Apache-2.0

// Answers that are written into the record, though they bring no tokens.
extension Refresher {
    /// Red: the user must connect again. No further attempt is made, and it is told once.
    func storeLost(_ attempt: RefreshAttempt, _ status: Int) {
        let error = VaultError(.grantLost, .upkeep, connection: attempt.id, number: status)
        rewrite(attempt, event: .grantLost, number: Int64(status), .known, addedBytesMax: 0) {
            (record) throws(VaultError) in
            try record.set(ConnectionState.failed)
        } then: { [self] in
            finish(attempt, .failure(error), nil)
        }
    }

    /// Changes the record the attempt was made for, unless it has moved on, and ends the attempt.
    ///
    /// - Parameter left: what follows where it has moved on; the attempt's end, if nil.
    func rewrite(
        _ attempt: RefreshAttempt, event: VaultEvent.Kind, number: Int64, _ effect: Effect,
        addedBytesMax: Int,
        _ change: @escaping @Sendable (inout ConnectionRecord) throws(VaultError) -> Void,
        then end: @escaping @Sendable () -> Void, left: (@Sendable () -> Void)? = nil,
        else failed: (@Sendable (VaultError) -> Void)? = nil
    ) {
        let entry = entry(attempt, event, number)
        let failure = ConnectionRecord.Failure(
            code: event.code, status: Int32(clamping: number), time: entry.time)
        let found = Found()
        let revision = Revision(addedBytesMax: addedBytesMax) {
            [self] (record, version) throws(VaultError) in
            guard record.state == .active, isCurrent(record, version, attempt) else {
                found.end = record.ending(.upkeep)
                return .leave
            }
            try record.keepTokens(of: version.generation)
            try change(&record)
            try record.set(failure)
            return .change
        }
        let commit = Commit { [self] result in
            switch result {
            case .success(let committed) where committed.fate == .changed:
                publish(event, attempt.id, number: number)
                end()
            // Fresh elsewhere: the record has moved on, and this failure counts for nothing.
            case .success:
                if let left { left() } else { finishElsewhere(attempt, found.end) }
            case .failure(let error):
                if let failed { failed(error) } else { postpone(attempt, error) }
            }
        }
        commit.mayUseReserve = true
        commit.add(.revise(attempt.key, revision))
        endAttempt(attempt, effect, commit)
        commit.add(.event(entry))
        committer.submit(commit)
    }

    /// Whoever waits finds other tokens, or learns that there are none any more.
    func finishElsewhere(_ attempt: RefreshAttempt, _ end: VaultError? = nil) {
        guard let end else { return finish(attempt, .success(()), currentPlan(attempt)) }
        finish(attempt, .failure(end.concerning(attempt.id)), nil)
    }

    func entry(_ attempt: RefreshAttempt, _ kind: VaultEvent.Kind, _ number: Int64) -> EventEntry {
        EventEntry(time: time.now(), key: attempt.key, kind: kind, number: number)
    }

    /// Whether the record still holds the pair that this answer replaces.
    func isCurrent(
        _ record: borrowing ConnectionRecord, _ version: RecordVersion, _ attempt: RefreshAttempt
    ) -> Bool {
        attempt.source.generation >= record.tokensSince ?? version.generation
    }
}
