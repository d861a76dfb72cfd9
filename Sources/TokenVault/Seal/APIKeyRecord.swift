// SPDX-License-Identifier: Apache-2.0

/// A key of the JSON API as it lies in the store, to and from its fields.
enum APIKeyRecord {
    /// - Parameter hash: of its secret.
    static func encode(_ key: APIKey, hash: RawSpan) throws(VaultError) -> Secret {
        var fields = try Fields()
        try fields.set(APIKeyTag.id, text: key.id)
        try fields.set(APIKeyTag.name, text: key.name)
        try fields.set(APIKeyTag.hash, hash)
        try fields.set(APIKeyTag.scope, texts: key.scopes.map(\.rawValue).sorted())
        try fields.set(APIKeyTag.connections, text: key.connections.text)
        try fields.set(APIKeyTag.created, time: key.created)
        try fields.set(APIKeyTag.expires, time: key.expires)
        return try fields.secret.copy()
    }

    /// Scopes that only a newer version knows are left out: it may do less here, not more.
    ///
    /// - Throws: `recordDamaged` where a field that must be there is not.
    static func decode(_ fields: borrowing Fields) throws(VaultError) -> APIKey {
        guard let id = fields.text(APIKeyTag.id), let name = fields.text(APIKeyTag.name),
            let connections = fields.text(APIKeyTag.connections),
            let created = fields.time(APIKeyTag.created)
        else { throw VaultError(.recordDamaged, .seal) }
        return APIKey(
            id: id, name: name,
            scopes: Set(fields.texts(APIKeyTag.scope).compactMap(APIScope.init(rawValue:))),
            connections: try ConnectionPattern(connections), created: created,
            expires: fields.time(APIKeyTag.expires))
    }

    /// Whether its secret has this hash; in a time that does not depend on where they differ.
    static func isKey(_ fields: borrowing Fields, hash: borrowing Secret) -> Bool {
        guard let range = fields.range(APIKeyTag.hash) else { return false }
        return Sodium.isEqual(fields.bytes.extracting(range), hash.bytes)
    }
}
