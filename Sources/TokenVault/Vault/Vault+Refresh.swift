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
            // Its application was replaced while it boarded.
            guard error.code == .generationChanged else { throw error.concerning(id) }
            do throws(VaultError) {
                try await refreshOnce(key, awaitsLateAnswer)
            } catch {
                throw error.concerning(id)
            }
        }
    }

    private func refreshOnce(_ key: RecordKey, _ isPatient: Bool) async throws(VaultError) {
        let (slot, plan) = try flightPlan(key)
        try await refresher.refresh(key, slot: slot, plan, isPatient: isPatient)
    }

    /// Where a connection's flight would start.
    private func flightPlan(_ key: RecordKey) throws(VaultError) -> (slot: UInt32, plan: Plan) {
        guard let opened = try store.open(key) else { throw VaultError(.notFound, .vault) }
        let header = opened.header
        let record = ConnectionRecord(fields: opened.takeFields())
        if let refusal = record.state.refusal {
            let failure = FailureNumber(raw: Int64(record.failure?.status ?? 0))
            throw VaultError(refusal, .vault, number: Int(failure.number), detail: failure.detail)
        }
        guard let plan = refresher.plan(record) else { throw refresher.refusal(record) }
        return (header.slot, plan)
    }

    /// The platform used the token and it worked: the light turns green. Written at most once a
    /// minute for each connection, unless the use before did not work.
    ///
    /// - Throws: `notFound`, `storeFull`, `storageFailed`.
    public func reportUse(_ id: ConnectionID) async throws(VaultError) {
        try checkProcess()
        try await verified()
        let key = store.key(.connection, id.text)
        let now = time.now()
        let commit = Commit()
        let revision = Revision(addedBytesMax: 3 * (Fields.headBytes + 8)) {
            (record, header) throws(VaultError) in
            if Self.isUseKnown(record, now) { return .leave }
            try record.keepTokens(of: header.generation)
            try record.set(useFailure: nil)
            try record.fields.set(ConnectionTag.used, time: now)
            return .change
        }
        commit.add(.revise(key, revision))
        do throws(VaultError) {
            // Most uses cost a read, and no disk sync.
            if try isUseKnown(key, now) { return }
            guard try await durable(commit).fate != .gone else {
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

    /// The platform used the token and the provider's API rejected it (401): refreshes it once. The
    /// caller says which version it used, so that a token that was replaced meanwhile is not
    /// replaced again. Until other tokens come or a use works the light is red, and whoever asks
    /// for the token waits for a refresh; one that nothing can renew is lent all the same.
    ///
    /// - Parameter id: the connection's.
    /// - Parameter generation: of the token that was rejected, as `status` and `get` give it; nil
    ///   for the present one.
    /// - Parameter awaitsLateAnswer: as `refresh`.
    /// - Throws: as `refresh`; `invalidArgument` where the connection has no such version yet.
    public func reportRejected(
        _ id: ConnectionID, generation: UInt64? = nil, awaitsLateAnswer: Bool = false
    ) async throws(VaultError) {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let key = store.key(.connection, id.text)
        guard let opened = try store.open(key) else {
            throw VaultError(.notFound, .vault, connection: id)
        }
        let present = opened.header.generation
        let record = ConnectionRecord(fields: opened.takeFields())
        let since = record.tokensSince ?? present
        if let generation, generation < since { return }
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
        try await refresh(id, awaitsLateAnswer: awaitsLateAnswer)
    }
}
