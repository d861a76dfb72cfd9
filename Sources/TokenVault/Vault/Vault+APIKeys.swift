// SPDX-License-Identifier: Apache-2.0

// Keys of the JSON API: records of their own, erased by their slots like all others.
extension Vault {
    /// The most keys at a time.
    public static let apiKeysMax = 1000

    /// Keeps a new key's hash, and from then on knows the key.
    ///
    /// - Parameters:
    ///   - secret: to be given to whoever is to use it, and to be kept nowhere else.
    ///   - name: 1 to 255 bytes without control characters.
    ///   - scopes: at least one.
    ///   - connections: which connections it is for. Of applications it knows no difference.
    ///   - lifetime: nil where it does not expire.
    /// - Throws: `invalidArgument`; `limitExceeded` where there are `apiKeysMax`; `storeFull`,
    ///   `storageFailed`.
    @discardableResult
    public func addAPIKey(
        _ secret: borrowing APIKeySecret, name: String, scopes: Set<APIScope>,
        connections: ConnectionPattern = .all, lifetime: Duration? = nil
    ) async throws(VaultError) -> APIKey {
        try checkProcess()
        let hash = try secret.hash()
        return try await addAPIKey(
            id: secret.id, hash: hash, name: name, scopes: scopes, connections: connections,
            lifetime: lifetime)
    }

    /// The same for whoever has the hash alone.
    package func addAPIKey(
        id: String, hash: borrowing Secret, name: String, scopes: Set<APIScope>,
        connections: ConnectionPattern, lifetime: Duration?
    ) async throws(VaultError) -> APIKey {
        try checkProcess()
        try await verified()
        if let cause = Name.fault(name, byteCountMax: APIKey.nameBytesMax) {
            throw VaultError(.invalidArgument, .vault, cause)
        }
        guard !scopes.isEmpty, hash.count == Sodium.hashBytes, id.utf8.count == APIKey.idBytes,
            lifetime.map({ $0 > .zero }) ?? true
        else { throw VaultError(.invalidArgument, .vault) }
        guard try apiKeys().count < Self.apiKeysMax else {
            throw VaultError(.limitExceeded, .vault, number: Self.apiKeysMax, .tooMany)
        }
        let now = time.now()
        let key = APIKey(
            id: id, name: name, scopes: scopes, connections: connections, created: now,
            expires: lifetime.map { now.adding(milliseconds: Self.milliseconds($0)) })
        let commit = Commit()
        commit.add(
            .put(.apiKey, store.key(.apiKey, id), .absent),
            try APIKeyRecord.encode(key, hash: hash.bytes))
        _ = try await durable(commit)
        return key
    }

    /// All keys, in no particular order, those that have expired among them.
    ///
    /// - Throws: `authenticationFailed` where a record does not open.
    public func apiKeys() throws(VaultError) -> [APIKey] {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        var found: [APIKey] = []
        try store.scan(.apiKey) { (opened) throws(VaultError) in
            found.append(try APIKeyRecord.decode(opened.fields))
            return true
        }
        return found
    }

    /// Erases a key: nobody is known by it any more, from the next request on.
    ///
    /// - Throws: `notFound`; `disconnecting` while another call revokes it; `storeFull`,
    ///   `storageFailed`.
    public func revokeAPIKey(_ id: String) async throws(VaultError) {
        try checkProcess()
        try await verified()
        try await erase(store.key(.apiKey, id))
    }

    /// The key that somebody shows; nil where there is none such, or it has expired.
    ///
    /// Nothing of it is remembered: what was revoked is unknown at once.
    ///
    /// - Throws: `tooManySecrets`, `authenticationFailed`, `recordDamaged`, `closed`.
    public func apiKey(shown: borrowing Secret) async throws(VaultError) -> APIKey? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        // Never by a record that somebody put back.
        try await verified()
        guard let id = APIKeySecret.id(in: shown.bytes),
            let opened = try store.open(store.key(.apiKey, id))
        else { return nil }
        let hash = try APIKeySecret.hash(in: shown.bytes)
        let fields = opened.takeFields()
        guard APIKeyRecord.isKey(fields, hash: hash) else { return nil }
        let key = try APIKeyRecord.decode(fields)
        return key.expires.map { $0 <= time.now() } ?? false ? nil : key
    }
}
