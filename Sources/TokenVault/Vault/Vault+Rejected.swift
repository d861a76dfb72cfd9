// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// The platform used the token and the provider's API rejected it (401): refreshes it once. The
    /// caller says which version it used, so that a token that was replaced meanwhile is not
    /// replaced again. Until other tokens come or a use works the light is red, and whoever asks
    /// for the token waits for a refresh; one that nothing can renew is lent all the same.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - generation: of the token that was rejected, as `LentToken`, `status` and `get` give it;
    ///     nil for the present one.
    ///   - awaitsLateAnswer: as `refresh`.
    /// - Throws: as `refresh`; `invalidArgument` where the connection has no such version yet.
    public func reportRejected(
        _ id: ConnectionID, generation: UInt64? = nil, awaitsLateAnswer: Bool = false
    ) async throws(VaultError) {
        try checkProcess()
        guard try await noteRejected(id, generation: generation) else { return }
        try await refresh(id, awaitsLateAnswer: awaitsLateAnswer)
    }

    /// The same of a token that was lent.
    ///
    /// - Throws: as the one before.
    public func reportRejected(
        _ token: borrowing LentToken, awaitsLateAnswer: Bool = false
    ) async throws(VaultError) {
        try checkProcess()
        try await reportRejected(
            token.connection, generation: token.generation, awaitsLateAnswer: awaitsLateAnswer)
    }

    /// Writes down that a token was rejected. False where it was replaced since.
    func noteRejected(
        _ id: ConnectionID, generation: UInt64?
    ) async throws(VaultError) -> Bool {
        defer { MemoryHygiene.scrub() }
        try await verified()
        let key = store.key(.connection, id.text)
        guard let opened = try store.open(key) else {
            throw VaultError(.notFound, .vault, connection: id)
        }
        let present = opened.version.generation
        let record = ConnectionRecord(fields: opened.takeFields())
        let since = record.tokensSince ?? present
        if let generation, generation < since { return false }
        if let generation, generation > present {
            throw VaultError(.invalidArgument, .vault, .newerThanPresent, .generation)
                .concerning(id)
        }
        // There is no token that could have been rejected.
        if let refusal = record.state.refusal, record.state == .configured {
            throw VaultError(refusal, .vault, connection: id)
        }
        let now = time.now()
        if record.state == .active {
            let failure = ConnectionRecord.Failure(
                code: VaultEvent.Kind.tokenRejected.code, status: 0, time: now)
            do throws(VaultError) {
                try await note(failure, key, generation: since)
            } catch {
                throw error.concerning(id)
            }
        } else {
            let commit = Commit()
            commit.add(.event(EventEntry(time: now, key: key, kind: .tokenRejected)))
            _ = try await durable(commit)
        }
        feed.publish(VaultEvent(time: now, kind: .tokenRejected, number: 0, connection: id))
        return true
    }
}
