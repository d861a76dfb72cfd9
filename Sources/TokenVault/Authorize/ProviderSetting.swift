// SPDX-License-Identifier: Apache-2.0

/// One setting of a provider, declared once. Definitions, the sealed record, `app list --json`, the
/// help of `app add`, the checks and the table in `Providers` follow from it; the default is what
/// the property has in a provider of which nothing else is known.
package final class ProviderSetting: Sendable {
    /// Its key in definitions and in JSON.
    package let key: String
    /// The tag of its fields in the record of an application.
    package let tag: UInt16
    /// What it takes, in words.
    package let words: String
    /// One sentence about it.
    package let sentence: String
    /// Whether a definition and a record must have it.
    package let isRequired: Bool
    /// What its fields hold.
    let kind: FieldValue.Kind
    /// What its only field holds for the default; nil where that is no number.
    let usual: FieldNumber?

    /// Sets it to the value that a definition gives.
    private let take: @Sendable (inout Provider, SettingValue) throws(SettingError) -> Void
    private let show: @Sendable (Provider) -> SettingValue.Content?
    private let store: @Sendable (Provider) -> [FieldValue]
    private let putBack: @Sendable (inout Provider, [FieldValue]) -> Bool
    private let isRead: @Sendable (Provider, SettingValue) throws(SettingError) -> Bool
    /// Gives one provider the value that another has.
    package let copy: @Sendable (_ from: Provider, _ to: inout Provider) -> Void

    init<Value>(
        _ key: String, _ tag: UInt16, _ path: any WritableKeyPath<Provider, Value> & Sendable,
        _ form: SettingForm<Value>, required isRequired: Bool = false, _ sentence: String
    ) {
        (self.key, self.tag, self.sentence, self.isRequired) = (key, tag, sentence, isRequired)
        (words, kind) = (form.words, form.kind)
        copy = { $1[keyPath: path] = $0[keyPath: path] }
        take = { provider, value throws(SettingError) in
            provider[keyPath: path] = try form.read(value)
        }
        show = { form.show($0[keyPath: path]) }
        store = { form.store($0[keyPath: path]) }
        usual = FieldNumber(form.store(Self.unknown[keyPath: path]))
        putBack = { provider, fields in
            guard let value = form.restore(fields) else { return false }
            provider[keyPath: path] = value
            return true
        }
        isRead = { provider, value throws(SettingError) in
            try form.read(value) == provider[keyPath: path]
        }
    }

    /// One that may be unknown: nil in the property, no key and no field.
    init<Value>(
        _ key: String, _ tag: UInt16,
        optional path: any WritableKeyPath<Provider, Value?> & Sendable,
        _ form: SettingForm<Value>, _ sentence: String
    ) {
        (self.key, self.tag, self.sentence, isRequired) = (key, tag, sentence, false)
        (words, kind) = (form.words, form.kind)
        copy = { $1[keyPath: path] = $0[keyPath: path] }
        take = { provider, value throws(SettingError) in
            provider[keyPath: path] = try form.read(value)
        }
        show = { $0[keyPath: path].map(form.show) }
        store = { $0[keyPath: path].map(form.store) ?? [] }
        usual = FieldNumber(Self.unknown[keyPath: path].map(form.store) ?? [])
        putBack = { provider, fields in
            guard let value = form.restore(fields) else { return false }
            provider[keyPath: path] = value
            return true
        }
        isRead = { provider, value throws(SettingError) in
            try form.read(value) == provider[keyPath: path]
        }
    }

    /// Sets it to the value that a definition gives.
    ///
    /// - Throws: what the value is, and what would do.
    package func set(
        _ provider: inout Provider, to value: SettingValue
    ) throws(SettingError) {
        do throws(SettingError) { try take(&provider, value) } catch { throw naming(error) }
    }

    /// Its value as a definition would give it; nil where it is unknown.
    package func value(of provider: Provider) -> SettingValue? {
        show(provider).map { SettingValue($0) }
    }

    /// Whether a definition could have given the value.
    ///
    /// - Throws: what it is, and what would do.
    func check(_ provider: Provider) throws(SettingError) {
        guard let value = value(of: provider) else { return }
        do throws(SettingError) {
            guard try isRead(provider, value) else { throw value.refused(wanted: words) }
        } catch { throw naming(error) }
    }

    /// What the fields of its tag hold.
    func fields(of provider: Provider) -> [FieldValue] { store(provider) }

    /// Sets it to what the fields of its tag hold. False where that is nothing that is known here,
    /// or where there is none and it must be there.
    func restore(_ provider: inout Provider, from fields: [FieldValue]) -> Bool {
        fields.isEmpty ? !isRequired : putBack(&provider, fields)
    }

    private func naming(_ error: SettingError) -> SettingError {
        var error = error
        error.setting = key
        return error
    }

    /// Whether it is what it is in a provider of which nothing is known.
    package func isDefault(in provider: Provider) -> Bool {
        fields(of: provider) == fields(of: Self.unknown)
    }

    /// A provider of which nothing is known.
    package static let unknown = Provider(
        name: "", authorizationEndpoint: "", tokenEndpoint: "")

    /// Its default, in words.
    package var defaultWords: String {
        if isRequired { return "required" }
        switch value(of: Self.unknown)?.content {
        case .none, .nothing, .list, .object: return "none"
        case .flag(let flag): return "\(flag)"
        case .number(let number): return "\(number)"
        case .text(let text): return text == " " ? "a space" : text
        }
    }

    /// Each of them, in the order of the documentation.
    package static let all =
        endpoints + connections + requests + requestVariants + grants + accessTokens
        + refreshTokens + replies + answers + limits + revocations + callbacks + devices

    /// Each of them, in the order of the fields in a record.
    static let byTag = all.sorted { $0.tag < $1.tag }

    /// The one with a key.
    package static subscript(key: String) -> ProviderSetting? { all.first { $0.key == key } }
}

extension Provider {
    /// Checks every setting.
    ///
    /// - Throws: the first that is wrong: which one, what it is, and what would do.
    public func check() throws(SettingError) {
        for setting in ProviderSetting.all { try setting.check(self) }
        try checkVariables()
        try checkRequests()
        try checkReplies()
        try checkDeviceGrant()
        try checkGrants()
        if sendsIssuer, issuer == nil {
            throw SettingError(
                setting: "issuer", value: "none",
                wanted: "what iss must be, since authorization_response_iss_parameter_supported "
                    + "says that it is sent", line: nil)
        }
        if revocation != nil, revocationEndpoint == nil {
            throw SettingError(
                setting: "revocation", value: "a way to revoke",
                wanted: "add it, or take revocation out",
                problem: "is there and revocation_endpoint is not", line: nil)
        }
        if callbackSignature != nil, !clientAuthentication.usesSecret {
            throw SettingError(
                setting: "callback_signature", value: "a signature",
                wanted: "take one of them out",
                problem: "needs a client secret, and client_authentication has none", line: nil)
        }
    }
}
