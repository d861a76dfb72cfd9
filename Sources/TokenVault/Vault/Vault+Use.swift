// SPDX-License-Identifier: Apache-2.0

// What the platform tells of its own use of a connection; `reportUse` says that it worked.
extension Vault {
    /// The component that used the connection met an error of its own: the light is red with its
    /// number until the next `reportUse`. Tokens are lent and refreshed as before. The same number
    /// again is written at most once a minute. A token that was reported rejected stays so.
    ///
    /// - Parameter id: the connection's.
    /// - Parameter number: the component's own, such as an HTTP status or an exit status; what it
    ///   means is the platform's business.
    /// - Throws: `notFound`, `storeFull`, `storageFailed`.
    public func reportFailed(_ id: ConnectionID, number: Int32) async throws(VaultError) {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let key = store.key(.connection, id.text)
        let failure = ConnectionRecord.Failure(
            code: VaultEvent.Kind.useFailed.code, status: number, time: time.now())
        do throws(VaultError) {
            guard let opened = try store.open(key) else { throw VaultError(.notFound, .vault) }
            let known = ConnectionRecord(fields: opened.takeFields()).useFailure
            if let known, known.code == failure.code, known.status == number,
                (0..<Self.reportUseMilliseconds)
                    .contains(failure.time.milliseconds(since: known.time))
            {
                return
            }
            try await note(failure, key)
        } catch {
            throw error.concerning(id)
        }
        feed.publish(
            VaultEvent(
                time: failure.time, kind: .useFailed, number: Int64(number), connection: id))
    }

    /// Writes down what the platform said of a use.
    ///
    /// A rejection stays beside an error of the component's own, which does not mend the token.
    ///
    /// - Parameter generation: of the token that it is about; nothing is changed where others came
    ///   since. Nil for whichever is there.
    func note(
        _ failure: ConnectionRecord.Failure, _ key: RecordKey, generation: UInt64? = nil
    ) async throws(VaultError) {
        guard let kind = VaultEvent.Kind(code: failure.code) else { return }
        let commit = Commit()
        let added =
            3 * (Fields.headBytes + 8) + Fields.headBytes + ConnectionRecord.Failure.byteCount
        let revision = Revision(addedBytesMax: added) { (record, version) throws(VaultError) in
            let since = record.tokensSince ?? version.generation
            if let generation, generation < since { return .leave }
            if record.rejected != nil, kind != .tokenRejected { return .leave }
            try record.keepTokens(of: version.generation)
            try record.set(useFailure: failure)
            return .change
        }
        let entry = EventEntry(
            time: failure.time, key: key, kind: kind, number: Int64(failure.status))
        commit.add(.revise(key, revision))
        commit.add(.event(entry))
        switch try await durable(commit).fate {
        case .missing, .disconnecting: throw VaultError(.notFound, .vault)
        // What is said of any token happened, whatever it changes.
        case .left where generation == nil:
            let commit = Commit()
            commit.add(.event(entry))
            _ = try await durable(commit)
        default: return
        }
    }
}
