// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Refreshes a connection now, whatever its expiry, or joins the refresh that is under way;
    /// returns when the new tokens are durable.
    ///
    /// - Parameter id: the connection's.
    /// - Parameter awaitsLateAnswer: waits for an answer that does not come in time, as long as the
    ///   vault itself listens for it, instead of throwing `answerOutstanding`; and where a process
    ///   before this one was not answered, until it is safe to ask again.
    /// - Throws: as `withAccessToken`.
    public func refresh(
        _ id: ConnectionID, awaitsLateAnswer: Bool = false
    ) async throws(VaultError) {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let key = store.key(.connection, id.text)
        do throws(VaultError) {
            try await refreshOnce(key, awaitsLateAnswer)
        } catch {
            // Its application was replaced before its turn came.
            guard error.code == .generationChanged else { throw error.concerning(id) }
            do throws(VaultError) {
                try await refreshOnce(key, awaitsLateAnswer)
            } catch {
                throw error.concerning(id)
            }
        }
    }

    private func refreshOnce(_ key: RecordKey, _ isPatient: Bool) async throws(VaultError) {
        let (handle, plan) = try attemptPlan(key)
        try await refresher.refresh(key, handle: handle, plan, isPatient: isPatient)
    }

    /// Where a connection's attempt would start.
    private func attemptPlan(_ key: RecordKey) throws(VaultError) -> (handle: Handle, plan: Plan) {
        guard let opened = try store.open(key) else { throw VaultError(.notFound, .vault) }
        let handle = opened.version.handle
        let record = ConnectionRecord(fields: opened.takeFields())
        if let ending = record.ending(.vault) { throw ending }
        guard let plan = refresher.plan(record) else { throw refresher.refusal(record) }
        return (handle, plan)
    }

    /// The platform used the token and it worked: the light turns green. Written at most once a
    /// minute for each connection, unless the use before did not work.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - generation: of the token that was used, as `LentToken` has it: where that was replaced
    ///     since, its success does not mend a rejection of the present one. Nil for the present
    ///     one.
    /// - Throws: `notFound`, `storeFull`, `storageFailed`.
    public func reportUse(
        _ id: ConnectionID, generation: UInt64? = nil
    ) async throws(VaultError) {
        try checkProcess()
        try await verified()
        let key = store.key(.connection, id.text)
        let now = time.now()
        let commit = Commit()
        let revision = Revision(addedBytesMax: 3 * (Fields.headBytes + 8)) {
            (record, version) throws(VaultError) in
            if Self.isUseKnown(record, now) { return .leave }
            let since = record.tokensSince ?? version.generation
            if let generation, generation < since, record.rejected != nil { return .leave }
            try record.keepTokens(of: version.generation)
            try record.set(useFailure: nil)
            try record.fields.set(ConnectionTag.used, time: now)
            return .change
        }
        commit.add(.revise(key, revision))
        do throws(VaultError) {
            // Most uses cost a read, and no disk sync.
            if try isUseKnown(key, now) { return }
            guard try await durable(commit).fate?.isThere ?? false else {
                throw VaultError(.notFound, .vault)
            }
        } catch {
            throw error.concerning(id)
        }
    }

    private func isUseKnown(_ key: RecordKey, _ now: UnixTime) throws(VaultError) -> Bool {
        defer { MemoryHygiene.scrub() }
        guard let opened = try store.open(key) else { throw VaultError(.notFound, .vault) }
        return Self.isUseKnown(ConnectionRecord(fields: opened.takeFields()), now)
    }

    /// Whether a use was recorded a short time ago, and none that failed since. One in the future
    /// is a clock's that was ahead.
    private static func isUseKnown(
        _ record: borrowing ConnectionRecord, _ now: UnixTime
    ) -> Bool {
        let since = record.used.map { now.milliseconds(since: $0) } ?? .max
        return (0..<reportUseMilliseconds).contains(since) && record.useFailure == nil
    }

    /// The least time between two records of a use, in milliseconds.
    static let reportUseMilliseconds: Int64 = 60_000

    /// The same of a token that was lent.
    ///
    /// - Throws: as the one before.
    public func reportUse(_ token: borrowing LentToken) async throws(VaultError) {
        try checkProcess()
        try await reportUse(token.connection, generation: token.generation)
    }
}
