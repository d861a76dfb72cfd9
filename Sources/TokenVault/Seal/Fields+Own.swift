// SPDX-License-Identifier: Apache-2.0

/// Where a record keeps what is a connection's own.
struct OwnTags {
    let values: UInt16
    let clientID: UInt16
    let clientSecret: UInt16
    let hidden: UInt16
}

extension ConnectionTag {
    static let own = OwnTags(
        values: values, clientID: ownClientID, clientSecret: ownClientSecret, hidden: hidden)
}

extension FlowTag {
    static let own = OwnTags(
        values: values, clientID: ownClientID, clientSecret: ownClientSecret, hidden: hidden)
}

extension Fields {
    /// What is the connection's own; nil where nothing is.
    func own(_ tags: OwnTags) throws(VaultError) -> OwnSettings? {
        guard has(tags.values) || has(tags.clientID) || has(tags.hidden) else { return nil }
        return OwnSettings(
            values: values(tags.values), clientID: text(tags.clientID),
            clientSecret: try secret(tags.clientSecret), hiddenNames: texts(tags.hidden))
    }

    mutating func set(_ own: OwnSettings?, _ tags: OwnTags) throws(VaultError) {
        try set(tags.values, values: own?.values ?? [:])
        try set(tags.clientID, text: own?.clientID)
        switch try own?.copiedSecret() {
        case .none: try set(tags.clientSecret, nil)
        case .some(let secret): try set(tags.clientSecret, secret.bytes)
        }
        let hidden = own?.hiddenNames ?? []
        if hidden.isEmpty { try set(tags.hidden, nil) } else { try set(tags.hidden, texts: hidden) }
    }

    /// Names and their values, of the fields of one tag.
    func values(_ tag: UInt16) -> [String: String] {
        var values: [String: String] = [:]
        for range in ranges(tag) {
            if let (name, value) = pair(range) { values[name] = value }
        }
        return values
    }

    mutating func set(_ tag: UInt16, values: [String: String]) throws(VaultError) {
        guard !values.isEmpty else { return try set(tag, nil) }
        try set(
            tag,
            pairs: values.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) })
    }
}

extension ConnectionRecord {
    /// Whether its endpoints, or its client, may be its own.
    var hasOwnClientOrValues: Bool {
        fields.has(ConnectionTag.values) || fields.has(ConnectionTag.ownClientID)
    }

    /// Whether it may be in another queue than its application's.
    var mayHaveOwnQueue: Bool { hasOwnClientOrValues || fields.has(ConnectionTag.grant) }

    /// Whether the provider knows it by another client than its application's.
    var hasOwnClient: Bool { fields.has(ConnectionTag.ownClientID) }

    /// What is its own; nil where nothing is.
    func own() throws(VaultError) -> OwnSettings? { try fields.own(ConnectionTag.own) }
}
