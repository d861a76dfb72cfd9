// SPDX-License-Identifier: Apache-2.0

// The vault as a plain key-value store of token sets, without any OAuth flow.
extension Vault {
    /// A token set and the version it is.
    public struct StoredTokens: ~Copyable, Sendable {
        /// The tokens; wiped when this goes.
        public var tokens: TokenSet
        /// Grows with every write to the vault, never reused: what compare-and-swap compares.
        public let generation: UInt64
    }

    /// Writes a token set under `id`, whatever was there, and returns its generation once it is
    /// durable. A set without a refresh token leaves none: what was stored is what `get` gives. Of
    /// a connection whose tokens the client asked for by itself that is the end: what is put is
    /// renewed by its refresh token, or by nothing.
    ///
    /// - Parameter id: the connection's.
    /// - Parameter tokens: what is stored; the set is wiped afterwards.
    /// - Parameter application: the one that the tokens were issued to, so that they are refreshed
    ///   from now on; nil leaves it as it was, and a new entry without one is stored and lent only.
    /// - Parameter settings: what is this connection's own of that application; what is left out
    ///   stays as it is, and goes where the application becomes another.
    /// - Throws: `applicationNotFound` where there is none of that id (whether its record opens is
    ///   seen when the tokens are refreshed), `invalidArgument`, also as `connect` does,
    ///   `limitExceeded`, `disconnecting`, `storeFull`, `storageFailed`.
    @discardableResult
    public func put(
        _ id: ConnectionID, _ tokens: consuming TokenSet, application: ApplicationID? = nil,
        settings: borrowing ConnectionSettings = ConnectionSettings()
    ) async throws(VaultError) -> UInt64 {
        try checkProcess()
        try await verified()
        // It need not open: tokens are not lost for what is wrong with an application, and the
        // refresh says what that is.
        if let application, try store.version(store.key(.application, application.text)) == nil {
            throw VaultError(.applicationNotFound, .vault)
        }
        var own: OwnSettings?
        if !settings.isEmpty {
            guard let application else {
                throw VaultError(.invalidArgument, .vault, .missing, .applicationID)
            }
            let stored = try store.application(application)
            own = try self.own(settings, store.key(.connection, id.text), stored)
        }
        return try await write(
            id, tokens, application, settings.isEmpty ? .kept : .replaced(own)
        ) { _ in }
    }

    /// Writes a token set if what is there is exactly `expected`, or nothing where it is nil;
    /// returns the new generation once it is durable.
    ///
    /// - Throws: `generationChanged`, `alreadyExists` or `notFound` where it is not; else as `put`.
    @discardableResult
    public func compareAndSwap(
        _ id: ConnectionID, expected: UInt64?, _ tokens: consuming TokenSet
    ) async throws(VaultError) -> UInt64 {
        try checkProcess()
        try await verified()
        return try await write(id, tokens, nil, .kept) { (version) throws(VaultError) in
            guard version.isAbsent ? expected != nil : version.generation != expected else {
                return
            }
            throw VaultError(
                version.isAbsent
                    ? .notFound : expected == nil ? .alreadyExists : .generationChanged, .vault)
        }
    }

    /// What becomes of what is a connection's own.
    private enum OwnChange {
        case kept
        case replaced(OwnSettings?)

        /// By how many bytes it makes a record longer.
        var byteCount: Int {
            guard case .replaced(let own?) = self else { return 0 }
            return own.byteCount + own.fieldCount * (Fields.headBytes + 2)
        }
    }

    /// Puts a token set over whatever is there, inside the writer's transaction.
    ///
    /// - Parameter check: refuses what is there.
    private func write(
        _ id: ConnectionID, _ tokens: consuming TokenSet, _ application: ApplicationID?,
        _ own: OwnChange,
        _ check: @escaping @Sendable (RecordVersion) throws(VaultError) -> Void
    ) async throws(VaultError) -> UInt64 {
        let key = store.key(.connection, id.text)
        let now = time.now()
        let supplied: SuppliedTokens
        do throws(VaultError) {
            supplied = try SuppliedTokens(tokens)
        } catch {
            throw error.concerning(id)
        }
        let revision = Revision(
            addedBytesMax: supplied.byteCount + (application?.text.utf8.count ?? 0)
                + 8 * (Fields.headBytes + 8) + own.byteCount,
            new: { () throws(VaultError) in try ConnectionRecord(id: id, now: now) }
        ) { [refresher] (record, version) throws(VaultError) in
            try check(version)
            // What was stored is what is read: one without a refresh token leaves none.
            try record.forgetRefreshToken()
            // Where they come from the platform knows.
            try record.set(.authorizationCode as GrantType)
            try supplied.adopt(into: &record, requestStart: now)
            try record.fields.set(ConnectionTag.connected, time: now)
            // What the earlier tokens showed of their application says nothing of these.
            try record.fields.set(ConnectionTag.isExchanged, nil)
            try record.fields.set(ConnectionTag.refreshed, nil)
            if let application {
                if record.application != application {
                    try record.fields.set(nil, ConnectionTag.own)
                }
                try record.fields.set(ConnectionTag.application, text: application.text)
            }
            if case .replaced(let own) = own { try record.fields.set(own, ConnectionTag.own) }
            return .replan(refresher.plan(record))
        }
        let commit = Commit()
        commit.add(.revise(key, revision))
        commit.add(.event(EventEntry(time: now, key: key, kind: .tokensPut)))
        do throws(VaultError) {
            let committed = try await durable(commit) { [refresher] committed in
                supplied.wipe()
                guard committed.fate == .changed else { return }
                refresher.schedule(committed.handle, committed.plan)
                refresher.supersede(key, committed.handle)
                refresher.noteRoom()
            }
            guard committed.fate == .changed else { throw VaultError(.disconnecting, .vault) }
            feed.publish(VaultEvent(time: now, kind: .tokensPut, number: 0, connection: id))
            return committed.generation
        } catch {
            throw error.concerning(id)
        }
    }

    /// Reads a token set; nil where there is none. Runs on the caller's thread and never waits for
    /// a write.
    ///
    /// - Throws: `authenticationFailed`, `recordDamaged`, `tooManySecrets`.
    public func get(_ id: ConnectionID) throws(VaultError) -> StoredTokens? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        do throws(VaultError) {
            guard let opened = try store.open(store.key(.connection, id.text)) else { return nil }
            let generation = opened.version.generation
            let record = ConnectionRecord(fields: opened.takeFields())
            guard record.state != .disconnecting, let tokens = try record.tokens() else {
                return nil
            }
            return StoredTokens(tokens: tokens, generation: generation)
        } catch {
            throw error.concerning(id)
        }
    }

    /// Erases what is stored under `id`: fence, slot, record, as `disconnect` does, but without
    /// asking the provider to revoke anything. False where there was nothing.
    ///
    /// - Throws: `storeFull`, `storageFailed`.
    @discardableResult
    public func delete(_ id: ConnectionID) async throws(VaultError) -> Bool {
        try checkProcess()
        do throws(VaultError) {
            _ = try await disconnect(id, revoking: false)
            return true
        } catch {
            if error.code == .notFound { return false }
            throw error
        }
    }

    /// The ids of all connections, in no particular order. Opens every record: about 5 microseconds
    /// each.
    ///
    /// - Throws: `authenticationFailed` where a record does not open.
    public func list() throws(VaultError) -> [ConnectionID] {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        var ids: [ConnectionID] = []
        try store.scan(.connection) { (opened) throws(VaultError) in
            guard let text = opened.fields.text(ConnectionTag.id) else {
                throw VaultError(.recordDamaged, .vault)
            }
            ids.append(try ConnectionID(text))
            return true
        }
        return ids
    }
}
