// SPDX-License-Identifier: Apache-2.0

// What is asked for once after connecting. The tokens are durable by then, but where whose they are
// decides whether they are taken.
extension Vault {
    /// Looks up what the definition names, and keeps it with the tokens. Whatever fails, the
    /// connection works, and what was not found is not there. Where the account is another one than
    /// before, an event says so.
    ///
    /// - Parameter known: what was found already; nil where nobody has asked.
    func lookUp(
        with granted: GrantedTokens, _ application: borrowing Application, _ id: ConnectionID,
        known: LookupFinding? = nil
    ) async {
        guard application.provider.lookup != nil else { return }
        let key = store.key(.connection, id.text)
        var found = known
        if found == nil { found = await finding(with: granted, application, capturedOf: key) }
        guard let found, !found.values.isEmpty || found.account != nil else { return }
        let isOther = Monitor(false)
        let commit = Commit()
        commit.add(.revise(key, Self.keeping(found, with: granted, isOther)))
        guard let fate = try? await durable(commit).fate, fate == .changed,
            isOther.withLock({ $0 })
        else { return }
        await record(id, .accountChanged)
    }

    private func finding(
        with granted: GrantedTokens, _ application: borrowing Application,
        capturedOf key: RecordKey
    ) async -> LookupFinding? {
        do throws(VaultError) {
            return await finding(with: granted, application, try captured(key))
        } catch {
            return nil
        }
    }

    /// Asks, within the time that a revocation has; nil where nothing could be sent, or read.
    func finding(
        with granted: GrantedTokens, _ application: borrowing Application,
        _ captured: [String: String]
    ) async -> LookupFinding? {
        guard let lookup = application.provider.lookup else { return nil }
        return await refresher.first { (end: @escaping @Sendable (LookupFinding?) -> Void) in
            defer { MemoryHygiene.scrub() }
            do throws(VaultError) {
                try send(lookup, with: granted.reply, application, captured, end)
            } catch {
                end(nil)
            }
        }
    }

    private func send(
        _ lookup: Provider.Lookup, with reply: borrowing TokenReply,
        _ application: borrowing Application, _ captured: [String: String],
        _ end: @escaping @Sendable (LookupFinding?) -> Void
    ) throws(VaultError) {
        var values = captured.merging(application.provider.allValues(application.values)) { $1 }
        values["client_id"] = application.clientID
        let url = try TokenRequest.lookupURL(lookup, values)
        try network.addressGuard.check(url)
        let endpoint = network.revocationEndpoint
        endpoint.send(
            try endpoint.lookup(
                lookup, at: url, with: reply.accessTokenBytes, for: application, values: values,
                completion: end))
    }

    private func captured(_ key: RecordKey) throws(VaultError) -> [String: String] {
        guard let opened = try store.open(key) else { return [:] }
        return ConnectionRecord(fields: opened.takeFields()).capturedValues
    }

    /// Only beside the token that it was looked up with: another may be of another account.
    ///
    /// - Parameter isOther: becomes whether the account is another one than before.
    private static func keeping(
        _ found: LookupFinding, with granted: GrantedTokens, _ isOther: Monitor<Bool>
    ) -> Revision {
        let byteCount = found.values.reduce(found.account?.utf8.count ?? 0) { count, value in
            count + value.key.utf8.count + value.value.utf8.count + Fields.headBytes + 2
        }
        return Revision(addedBytesMax: byteCount + 2 * (Fields.headBytes + 8)) {
            (record, version) throws(VaultError) in
            guard holds(record, granted.reply) else { return .leave }
            try record.keepTokens(of: version.generation)
            try record.capture(
                found.values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) })
            let isChanged = try record.set(account: found.account)
            isOther.withLock { $0 = isChanged }
            return .change
        }
    }

    /// Whether the record's access token is that of an answer.
    static func holds(
        _ record: borrowing ConnectionRecord, _ reply: borrowing TokenReply
    ) -> Bool {
        guard let place = record.fields.range(ConnectionTag.accessToken) else { return false }
        return Sodium.isEqual(record.fields.bytes.extracting(place), reply.accessTokenBytes)
    }
}
