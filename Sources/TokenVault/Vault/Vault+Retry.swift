// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Lets a connection go on whose refresh was answered by something that names a token and
    /// cannot be used (`ConnectionStatus.NextStep.retry`), and refreshes it.
    ///
    /// Where the answer can be used by now, with this version and the provider's definition as it
    /// is, its tokens are taken over. Else the old refresh token is presented again, now and from
    /// now on: a provider that has replaced it may take that for theft and end the grant. The
    /// answer stays where it is until tokens come. A connection that waits for no decision is
    /// refreshed too, even where the provider refused that and would not be asked for a while.
    ///
    /// - Parameter id: the connection's.
    /// - Parameter awaitsLateAnswer: as `refresh`.
    /// - Throws: as `refresh`; `providerAnswerUnreadable` where the next answer cannot be used
    ///   either; `closed` where the vault is drained, with nothing changed.
    public func retry(
        _ id: ConnectionID, awaitsLateAnswer: Bool = false
    ) async throws(VaultError) {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        do throws(VaultError) {
            try refresher.mustSend()
            if try await release(id) { return }
            refresher.clearRefusals(store.key(.connection, id.text))
        } catch {
            throw error.concerning(id)
        }
        try await refresh(id, awaitsLateAnswer: awaitsLateAnswer)
    }

    /// What came of a retry for all connections of an application.
    public struct RetryOutcome: Sendable {
        /// Those that have new tokens now.
        public internal(set) var recovered: [ConnectionID] = []
        /// Those that do not, and why.
        public internal(set) var failed: [(connection: ConnectionID, error: VaultError)] = []
    }

    /// The same for every connection of an application that waits so, is refused, or was answered
    /// that the application is rejected, as many at a time as its provider's limits allow. Where
    /// the application was taken to be rejected, its refreshes leave one at a time until one
    /// succeeds; two more grants are risked at most.
    ///
    /// - Throws: `applicationNotFound`; `authenticationFailed` where a record does not open;
    ///   `closed` as above. What becomes of a connection is in the outcome.
    public func retry(
        application: ApplicationID, awaitsLateAnswers: Bool = false
    ) async throws(VaultError) -> RetryOutcome {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        try refresher.mustSend()
        _ = try store.application(application)
        refresher.clearRefusals(application)
        var waiting: [ConnectionID] = []
        try store.scan(.connection) { (opened) throws(VaultError) in
            let record = ConnectionRecord(fields: try opened.fields.copy())
            if record.application == application, record.state == .active,
                record.holdsUnread || record.isRefused || record.rejection != nil,
                let id = record.id
            {
                waiting.append(id)
            }
            return true
        }
        return await retry(waiting, awaitsLateAnswers)
    }

    /// How many connections of an application are retried at a time; the rest waits here.
    private static let retriesMax = 256

    private func retry(
        _ waiting: [ConnectionID], _ awaitsLateAnswers: Bool
    ) async -> RetryOutcome {
        var outcome = RetryOutcome()
        await withTaskGroup(of: (ConnectionID, VaultError?).self) { group in
            for (index, id) in waiting.enumerated() {
                if index >= Self.retriesMax, let ended = await group.next() { outcome.add(ended) }
                group.addTask { [self] in
                    do throws(VaultError) {
                        try await retry(id, awaitsLateAnswer: awaitsLateAnswers)
                        return (id, nil)
                    } catch {
                        return (id, error)
                    }
                }
            }
            for await ended in group { outcome.add(ended) }
        }
        return outcome
    }

    /// Takes the tokens of a connection's unread reply over, or lets its old refresh token be
    /// presented. True where it has new tokens.
    private func release(_ id: ConnectionID) async throws(VaultError) -> Bool {
        let key = store.key(.connection, id.text)
        guard let opened = try store.open(key) else { throw VaultError(.notFound, .vault) }
        let record = ConnectionRecord(fields: opened.takeFields())
        guard record.holdsUnread, let application = record.application else { return false }
        let reader = UnreadReader(try store.application(application))
        let reread = Refresher.Reread(key: key, id: id)
        let commit = refresher.change(reread, reader, releases: true)
        _ = try await durable(commit) { [refresher] in refresher.concludeReread(reread, $0) }
        return reread.outcome == .adopted
    }
}

extension Vault.RetryOutcome {
    fileprivate mutating func add(_ ended: (ConnectionID, VaultError?)) {
        if let error = ended.1 {
            failed.append((ended.0, error))
        } else {
            recovered.append(ended.0)
        }
    }
}
