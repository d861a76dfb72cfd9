// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Makes a connection that nobody has connected yet, so that its light is yellow, or changes
    /// what it was made with.
    ///
    /// Of one that has tokens only `hiddenNames` can be changed: where its tokens are sent and as
    /// whose client is settled by a flow, so give the rest to `connect` or `link`.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - applicationID: the one that it is to be connected through.
    ///   - settings: what is its own of that application; what is left out stays as it is.
    /// - Returns: whether it was not there before.
    /// - Throws: `applicationNotFound`; `alreadyExists` where it has tokens and more than that is
    ///   to be changed; `invalidArgument`, `limitExceeded` as `connect`; `disconnecting`,
    ///   `storeFull`, `storageFailed`.
    @discardableResult
    public func configure(
        _ id: ConnectionID, application applicationID: ApplicationID,
        settings: borrowing ConnectionSettings = ConnectionSettings()
    ) async throws(VaultError) -> Bool {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let key = store.key(.connection, id.text)
        let isNew = try store.version(key) == nil
        let own = try own(settings, key, store.application(applicationID))
        let isKept = settings.isEmpty
        let isHidingAlone = settings.hidesAlone
        let now = time.now()
        let addedBytesMax =
            applicationID.text.utf8.count + 4 * (Fields.headBytes + 8) + (own?.byteCount ?? 0)
            + (own?.fieldCount ?? 0) * (Fields.headBytes + 2)
        let revision = Revision(
            addedBytesMax: addedBytesMax,
            new: { () throws(VaultError) in try ConnectionRecord(id: id, now: now) }
        ) { (record, version) throws(VaultError) in
            let isSame = record.application == applicationID
            if version.isAbsent {
                try record.set(.authorizationCode as GrantType)
            } else if record.state != .configured {
                guard isSame, isKept || isHidingAlone else {
                    throw VaultError(.alreadyExists, .vault)
                }
                if isKept { return .leave }
                try record.keepTokens(of: version.generation)
            } else if isSame, isKept {
                return .leave
            }
            if !isSame { try record.fields.set(nil, ConnectionTag.own) }
            try record.fields.set(ConnectionTag.application, text: applicationID.text)
            if !isKept { try record.fields.set(own, ConnectionTag.own) }
            return .change
        }
        let commit = Commit()
        commit.add(.revise(key, revision))
        do throws(VaultError) {
            guard try await durable(commit).fate != .disconnecting else {
                throw VaultError(.disconnecting, .vault)
            }
        } catch {
            throw error.concerning(id)
        }
        return isNew
    }
}

extension ConnectionSettings {
    /// Whether nothing but `hiddenNames` is given.
    fileprivate var hidesAlone: Bool {
        guard values == nil, hiddenNames != nil else { return false }
        return switch client {
        case .unchanged: true
        case .application: false
        case .own: false
        }
    }
}
