// SPDX-License-Identifier: Apache-2.0

/// An application as it lies in the store, to and from its fields.
enum ApplicationRecord {
    static func encode(_ application: borrowing Application) throws(VaultError) -> Secret {
        var fields = try Fields()
        try fields.set(ApplicationTag.id, text: application.id.text)
        try fields.set(ApplicationTag.clientID, text: application.clientID)
        switch application.clientSecret {
        case .none: break
        case .some(let secret): try fields.set(ApplicationTag.clientSecret, secret.bytes)
        }
        try fields.set(ApplicationTag.redirectURI, text: application.redirectURI)
        try fields.set(ApplicationTag.scope, texts: application.scopes)
        try fields.set(ApplicationTag.userScope, texts: application.userScopes)
        try fields.set(
            ApplicationTag.applicationLifetime, integer: application.defaultLifetimeSeconds)
        // Defaults too: another version may have others.
        for setting in ProviderSetting.all {
            try fields.set(setting.tag, setting.fields(of: application.provider))
        }
        try fields.set(ApplicationTag.values, values: application.values)
        if let discovery = application.discovery { try fields.set(discovery) }
        if application.refusesOtherAccount {
            try fields.set(ApplicationTag.refusesOtherAccount, integer: UInt8(1))
        }
        switch application.signingKey {
        case .none: break
        case .some(let key):
            try fields.set(ApplicationTag.privateKey, key.privateKey.bytes)
            try fields.set(ApplicationTag.keyID, text: key.keyID)
            try fields.set(ApplicationTag.keyAlgorithm, integer: key.algorithm.rawValue)
        }
        return try fields.secret.copy()
    }

    /// A setting without a field has its default.
    ///
    /// - Throws: `recordDamaged` where a field that must be there is not, or holds what is no value
    ///   of its setting here. Ranges are not looked at: what once was allowed still opens.
    static func decode(_ fields: borrowing Fields) throws(VaultError) -> Application {
        guard let idText = fields.text(ApplicationTag.id),
            let clientID = fields.text(ApplicationTag.clientID),
            let redirectURI = fields.text(ApplicationTag.redirectURI)
        else { throw VaultError(.recordDamaged, .seal) }
        var provider = ProviderSetting.unknown
        var offset = 0
        for setting in ProviderSetting.byTag {
            fields.skip(to: setting.tag, &offset)
            // Most settings have their default: these cost no more than the comparison.
            if let usual = setting.usual, fields.holds(usual, setting.tag, at: offset) { continue }
            guard let values = fields.values(setting.tag, setting.kind, at: offset),
                setting.restore(&provider, from: values)
            else { throw VaultError(.recordDamaged, .seal) }
        }
        return Application(
            id: try ApplicationID(idText), provider: provider, clientID: clientID,
            clientSecret: try fields.secret(ApplicationTag.clientSecret),
            signingKey: try fields.signingKey(), redirectURI: redirectURI,
            scopes: fields.texts(ApplicationTag.scope),
            userScopes: fields.texts(ApplicationTag.userScope),
            defaultLifetimeSeconds: fields.integer(ApplicationTag.applicationLifetime),
            values: fields.values(ApplicationTag.values), discovery: fields.discovery,
            refusesOtherAccount: fields.integer(ApplicationTag.refusesOtherAccount) == UInt8(1))
    }
}

extension Fields {
    fileprivate mutating func set(_ discovery: DiscoveryRecord) throws(VaultError) {
        try set(ApplicationTag.discovered, time: discovery.fetched)
        try set(ApplicationTag.discoveryDocument, texts: discovery.documents)
        try set(ApplicationTag.discoveredSetting, texts: discovery.settings)
    }

    fileprivate var discovery: DiscoveryRecord? {
        guard let time: Int64 = integer(ApplicationTag.discovered) else { return nil }
        return DiscoveryRecord(
            fetched: UnixTime(milliseconds: time),
            documents: texts(ApplicationTag.discoveryDocument),
            settings: texts(ApplicationTag.discoveredSetting))
    }

    /// What an application signs with, in a block of its own; nil where it has no key.
    fileprivate func signingKey() throws(VaultError) -> SigningKey? {
        guard let range = range(ApplicationTag.privateKey) else { return nil }
        guard let keyID = text(ApplicationTag.keyID),
            let raw = integer(ApplicationTag.keyAlgorithm, as: UInt8.self),
            let algorithm = SigningKey.Algorithm(rawValue: raw)
        else { throw VaultError(.recordDamaged, .seal) }
        return SigningKey(
            checked: try Secret(copying: bytes.extracting(range)), algorithm: algorithm,
            keyID: keyID)
    }

    /// Replaces every field of this tag by one for each of the values.
    fileprivate mutating func set(_ tag: UInt16, _ values: [FieldValue]) throws(VaultError) {
        var texts: [String] = []
        var pairs: [(name: String, value: String)] = []
        for value in values {
            switch value {
            case .byte(let byte): return try set(tag, integer: byte)
            case .count(let count): return try set(tag, integer: count)
            case .seconds(let seconds): return try set(tag, integer: seconds)
            case .text(let text): texts.append(text)
            case .pair(let name, let value): pairs.append((name, value))
            }
        }
        if !texts.isEmpty { return try set(tag, texts: texts) }
        try set(tag, pairs: pairs)
    }

    /// What the fields of this tag hold, of which the first begins at `offset`; nil where one of
    /// them is of another kind.
    fileprivate func values(
        _ tag: UInt16, _ kind: FieldValue.Kind, at offset: Int
    ) -> [FieldValue]? {
        var offset = offset
        var values: [FieldValue] = []
        while let field = next(&offset), field.tag == tag {
            guard let value = value(kind, field.value) else { return nil }
            values.append(value)
        }
        return kind.isRepeatable || values.count < 2 ? values : nil
    }

    /// Whether the only field of this tag, which begins at `offset`, holds this number.
    fileprivate func holds(_ number: FieldNumber, _ tag: UInt16, at offset: Int) -> Bool {
        var offset = offset
        guard let field = next(&offset), field.tag == tag, field.value.count == number.byteCount,
            next(&offset)?.tag != tag
        else { return false }
        return switch number.byteCount {
        case 1: bytes.byte(at: field.value.lowerBound) == number.value
        case 4: bytes.integer(at: field.value.lowerBound, as: UInt32.self) == number.value
        default: bytes.integer(at: field.value.lowerBound) == number.value
        }
    }

    private func value(_ kind: FieldValue.Kind, _ range: Range<Int>) -> FieldValue? {
        switch kind {
        case .byte: integer(range).map { .byte($0) }
        case .count: integer(range).map { .count($0) }
        case .seconds: integer(range).map { .seconds($0) }
        case .text: text(range).map { .text($0) }
        case .pair: pair(range).map { .pair($0.name, $0.value) }
        }
    }
}
