// SPDX-License-Identifier: Apache-2.0

// Why a connection is not refreshed: what this process has heard, and before it hears anything what
// the last one wrote down.
extension Refresher {
    /// By how many bytes a trouble makes a record longer: itself, a moment and three generations.
    private static let troubleBytesMax = 5 * (Fields.headBytes + 14)

    /// Writes what a refresh met into the record that it was made for. It decides nothing.
    func troubling(_ attempt: RefreshAttempt, _ entry: EventEntry, pauseEnd: UnixTime? = nil)
        -> Revision
    {
        let trouble = ConnectionRecord.Failure(
            code: entry.code, status: Int32(clamping: entry.number), time: entry.time)
        return Revision(addedBytesMax: Self.troubleBytesMax) {
            [self] (record, version) throws(VaultError) in
            guard record.state == .active, isCurrent(record, version, attempt) else {
                return .leave
            }
            try record.keepTokens(of: version.generation)
            try record.set(trouble: trouble, pauseEnd: pauseEnd)
            return .change
        }
    }

    /// Ends the attempt of a refresh that brought nothing, and writes down why; without that where
    /// the record does not take it.
    func submitEnd(
        _ attempt: RefreshAttempt, note: EventEntry?, pauseEnd: UnixTime? = nil, _ effect: Effect,
        _ end: @escaping @Sendable () -> Void
    ) {
        let commit = Commit { [self] result in
            if note != nil, case .failure(let error) = result, !error.isOfStorage {
                return submitEnd(attempt, note: nil, effect, end)
            }
            end()
        }
        if let note {
            commit.add(.revise(attempt.key, troubling(attempt, note, pauseEnd: pauseEnd)))
        }
        endAttempt(attempt, effect, commit)
        if let note { commit.add(.event(note)) }
        committer.submit(commit)
    }

    /// The application's endpoint is not allowed, and no request could be made: told and written
    /// down like a refusal.
    func storeNotAllowed(_ attempt: RefreshAttempt, _ error: VaultError) {
        let (kind, number) = (VaultEvent.Kind.refreshRefused, error.eventNumber)
        let isNews = isNews(attempt, kind, number)
        guard isNews, let generation = try? store.version(attempt.key)?.generation else {
            return postpone(attempt, error)
        }
        let now = time.now()
        let trouble = ConnectionRecord.Failure(
            code: kind.code, status: Int32(clamping: number), time: now)
        let commit = Commit { [self] _ in
            publish(kind, error.connection, number: number)
            postpone(attempt, error)
        }
        commit.add(
            .revise(
                attempt.key,
                Revision(addedBytesMax: Self.troubleBytesMax) {
                    (record, version) throws(VaultError) in
                    guard record.state == .active, version.generation == generation else {
                        return .leave
                    }
                    try record.keepTokens(of: version.generation)
                    try record.set(trouble: trouble)
                    return .change
                }))
        commit.add(
            .event(EventEntry(time: now, key: attempt.key, kind: kind, number: number)))
        committer.submit(commit)
    }

    /// What the record says of the last refresh, where nothing was heard since. Whether the
    /// application is rejected its queue knows, and who was served since.
    func trouble(of record: borrowing ConnectionRecord) -> ConnectionRecord.Failure? {
        guard let trouble = record.trouble,
            trouble.code != VaultEvent.Kind.applicationRejected.code
        else { return nil }
        return trouble
    }
}

extension ConnectionRecord {
    /// The last answer to this connection, where it was that the application is rejected.
    var rejection: Failure? {
        [failure, trouble].lazy.compactMap { $0 }
            .first { $0.code == VaultEvent.Kind.applicationRejected.code }
    }
}
