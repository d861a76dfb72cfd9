// SPDX-License-Identifier: Apache-2.0

// Forms of the settings that are no numbers, flags or plain texts.

extension SettingForm where Value == [Provider.Parameter] {
    /// Names and values. Which names are not for a definition to give depends on other settings:
    /// `Provider.check()` looks at that.
    static func parameters(valueBytesMax: Int) -> Self {
        pairs(
            "names and values", of: .parameter(valueBytesMax), countMax: Provider.parametersMax,
            key: { $0 })
    }

    /// An object, or a list of pairs, which keeps their order in JSON too. No name occurs twice
    /// (RFC 6749 sections 3.1 and 3.2).
    ///
    /// - Parameter key: what of a name tells it from others.
    static func pairs(
        _ what: String, of element: SettingForm<Provider.Parameter>, countMax: Int,
        key: @escaping @Sendable (String) -> String
    ) -> Self {
        let words = "\(what), at most \(countMax)"
        let list = SettingForm.list(of: element, countMax: countMax)
        return Self(
            words: words,
            read: { value throws(SettingError) in
                var pairs = value
                if case .object(let members) = value.content {
                    let list = members.map { name, value in
                        SettingValue(
                            .list([SettingValue(.text(name), line: value.line), value]),
                            line: value.line)
                    }
                    pairs = SettingValue(.list(list), line: value.line)
                }
                guard pairs.list.map({ $0.count <= countMax }) == true else {
                    throw value.refused(wanted: words)
                }
                let parameters = try list.read(pairs)
                guard Set(parameters.map { key($0.name) }).count == parameters.count else {
                    throw value.refused(
                        wanted: "write each name once", problem: "names a parameter twice")
                }
                return parameters
            },
            show: list.show, kind: list.kind, store: list.store, restore: list.restore)
    }
}

extension SettingForm where Value == Provider.Parameter {
    static func parameter(_ valueBytesMax: Int) -> Self {
        let nameBytesMax = Provider.parameterNameBytesMax
        return pair { name, value throws(SettingError) in
            guard let text = name.text, Name.isWellFormed(text, byteCountMax: nameBytesMax) else {
                throw name.refused(wanted: "a name of 1 to \(nameBytesMax) bytes")
            }
            guard let content = value.text, content.utf8.count <= valueBytesMax else {
                throw value.refused(wanted: "a text of at most \(valueBytesMax) bytes")
            }
            return Provider.Parameter(text, content)
        }
    }

    /// A name and a value, each as it has to be.
    static func pair(
        _ read:
            @escaping @Sendable (SettingValue, SettingValue) throws(SettingError) ->
            Provider.Parameter
    ) -> Self {
        Self(
            words: "a name and a value",
            read: { value throws(SettingError) in
                guard let pair = value.list, pair.count == 2 else {
                    throw value.refused(wanted: "a name and a value")
                }
                return try read(pair[0], pair[1])
            },
            show: { .list([SettingValue(.text($0.name)), SettingValue(.text($0.value))]) },
            kind: .pair, store: { [.pair($0.name, $0.value)] },
            restore: { fields in
                guard case .pair(let name, let value)? = fields.first else { return nil }
                return Provider.Parameter(name, value)
            })
    }
}

extension SettingForm where Value == Provider.RefreshGrant {
    /// The refresh token, or how an access token is exchanged: not by a grant type that would bring
    /// tokens of somebody else, nor in a parameter that the request sets anyway.
    static var refreshGrant: Self {
        let words = "refresh_token, or { grant_type: ..., parameter: ... }"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                if value.text == "refresh_token" { return .refreshToken }
                guard let members = value.members("grant_type", "parameter") else {
                    throw value.refused(wanted: words)
                }
                guard let grantType = members[0].text, Value.allows(grantType: grantType) else {
                    throw members[0].refused(
                        wanted: "a grant type by which an access token is exchanged")
                }
                guard let parameter = members[1].text, Value.allows(parameter: parameter) else {
                    throw members[1].refused(
                        wanted: "a parameter that can carry an access token")
                }
                return .exchange(grantType: grantType, parameter: parameter)
            },
            show: { grant in
                guard case .exchange(let grantType, let parameter) = grant else {
                    return .text("refresh_token")
                }
                return .object([
                    ("grant_type", SettingValue(.text(grantType))),
                    ("parameter", SettingValue(.text(parameter))),
                ])
            },
            kind: .pair,
            store: { grant in
                guard case .exchange(let grantType, let parameter) = grant else { return [] }
                return [.pair(grantType, parameter)]
            },
            restore: { fields in
                guard case .pair(let grantType, let parameter)? = fields.first else { return nil }
                return .exchange(grantType: grantType, parameter: parameter)
            })
    }
}

extension Provider.RefreshGrant {
    /// The grant types of RFC 6749 sections 4 and 6: none of them exchanges an access token.
    private static let grantTypes: Set<String> = [
        "authorization_code", "password", "client_credentials", "refresh_token",
    ]

    /// Whether an access token can be exchanged with a grant type.
    static func allows(grantType: String) -> Bool {
        Name.isWellFormed(grantType, byteCountMax: Provider.refreshGrantBytesMax)
            && !grantTypes.contains(grantType)
    }

    /// Whether it can be sent in a parameter.
    static func allows(parameter: String) -> Bool {
        Name.isWellFormed(parameter, byteCountMax: Provider.refreshGrantBytesMax)
            && !Provider.reservedTokenParameters.contains(parameter)
    }
}
