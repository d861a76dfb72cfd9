// SPDX-License-Identifier: Apache-2.0

// What is asked for once after connecting. The tokens are durable by then.
extension Vault {
    /// Looks up what the definition names, within the time that a revocation has, and keeps it with
    /// the tokens. Whatever fails, the connection works, and what was not found is not there.
    func lookUp(
        with granted: GrantedTokens, _ application: borrowing Application, _ id: ConnectionID
    ) async {
        guard let lookup = application.provider.lookup else { return }
        let key = store.key(.connection, id.text)
        let found = await refresher.first { (end: @escaping @Sendable (LookupFinding?) -> Void) in
            defer { MemoryHygiene.scrub() }
            do throws(VaultError) {
                try send(lookup, with: granted.reply, application, captured(key), end)
            } catch {
                end(nil)
            }
        }
        guard let found, !found.values.isEmpty || found.account != nil else { return }
        let commit = Commit()
        commit.add(.revise(key, Self.keeping(found, with: granted)))
        _ = try? await durable(commit)
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
    private static func keeping(
        _ found: LookupFinding, with granted: GrantedTokens
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
            try record.fields.set(ConnectionTag.account, text: found.account)
            return .change
        }
    }

    private static func holds(
        _ record: borrowing ConnectionRecord, _ reply: borrowing TokenReply
    ) -> Bool {
        guard let place = record.fields.range(ConnectionTag.accessToken) else { return false }
        return Sodium.isEqual(record.fields.bytes.extracting(place), reply.accessTokenBytes)
    }
}
