// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Refreshes a connection now, whatever its expiry, or joins the refresh that is under way;
    /// returns when the new tokens are durable.
    ///
    /// - Throws: as `withAccessToken`.
    public func refresh(_ id: ConnectionID) async throws(VaultError) {
        let key = store.key(.connection, id.text)
        do throws(VaultError) {
            guard let version = try store.version(key) else { throw VaultError(.notFound, .vault) }
            try await refresher.refresh(key, slot: version.slot, generation: version.generation)
        } catch {
            throw error.concerning(id)
        }
    }

    /// The platform used the token and it worked: the light turns green. Written at most once a
    /// minute for each connection.
    ///
    /// - Throws: `notFound`, `storeFull`, `storageFailed`.
    public func reportUse(_ id: ConnectionID) async throws(VaultError) {
        defer { MemoryHygiene.scrub() }
        let key = store.key(.connection, id.text)
        for _ in 0..<Self.putAttemptsMax {
            guard let opened = try store.open(key) else {
                throw VaultError(.notFound, .vault, connection: id)
            }
            let generation = opened.header.generation
            var record = ConnectionRecord(fields: opened.takeFields())
            let now = time.now()
            if let used = record.used,
                now.milliseconds(since: used) < Self.reportUseMilliseconds
            {
                return
            }
            try record.fields.set(ConnectionTag.used, time: now)
            let plaintext = record.plaintext()
            do throws(VaultError) {
                let commit = Commit()
                commit.add(.put(.connection, key, .generation(generation)), plaintext)
                _ = try await durable(commit)
                return
            } catch {
                guard error.code == .generationChanged else { throw error.concerning(id) }
            }
        }
    }

    /// The least time between two records of a use, in milliseconds.
    static let reportUseMilliseconds: Int64 = 60_000

    /// The platform used the token and the provider's API rejected it (401): refreshes it once. The
    /// caller says which version it used, so that a token that was replaced meanwhile is not
    /// replaced again.
    ///
    /// - Parameter generation: of the token that was rejected, as `status` and `get` give it; nil
    ///   for the present one.
    /// - Throws: as `refresh`.
    public func reportRejected(
        _ id: ConnectionID, generation: UInt64? = nil
    ) async throws(VaultError) {
        let key = store.key(.connection, id.text)
        guard let present = try store.generation(key) else {
            throw VaultError(.notFound, .vault, connection: id)
        }
        if let generation, generation != present { return }
        let now = time.now()
        let commit = Commit()
        commit.add(.event(EventEntry(time: now, key: key, kind: .tokenRejected)))
        _ = try await durable(commit)
        feed.publish(VaultEvent(time: now, kind: .tokenRejected, number: 0, connection: id))
        try await refresh(id)
    }
}
