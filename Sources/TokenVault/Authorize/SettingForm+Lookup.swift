// SPDX-License-Identifier: Apache-2.0

extension SettingForm where Value == Provider.Lookup {
    /// What is looked up after connecting.
    static var lookup: Self {
        .object(
            of: members, empty: Value(url: ""),
            words: "an object with " + members.map(\.name).joined(separator: ", "),
            conflict: conflict)
    }

    private static var members: [ObjectMember<Value>] {
        [
            .text("url", \.url, default: "", .url), .parameters("values", \.values, .paths),
            .text("account", \.account, default: "", .path),
            .parameters(
                "headers", \.headers,
                .headers),
            .authentication(
                \.authentication, default: .bearer, words: "bearer or header NAME",
                allows: { authentication in
                    switch authentication {
                    case .bearer, .header: true
                    default: false
                    }
                }),
        ]
    }

    private static func conflict(_ lookup: Value) -> ObjectConflict? {
        if lookup.url.isEmpty {
            return ObjectConflict(
                member: "url", value: "none", wanted: "an absolute URL (https://...)", problem: nil)
        }
        guard lookup.values.isEmpty, lookup.account.isEmpty else { return nil }
        return ObjectConflict(
            member: "values", value: "none", wanted: "name one, or account",
            problem: "says that nothing is looked for")
    }
}

extension SettingForm where Value == [Provider.Parameter] {
    /// Names of values that are kept, and where in an answer each lies.
    fileprivate static var paths: Self {
        let words = "names and paths, at most \(Provider.Lookup.valuesMax)"
        let parameters = SettingForm.parameters(valueBytesMax: ReplyPath.bytesMax)
        return Self(
            words: words,
            read: { value throws(SettingError) in
                let pairs = try parameters.read(value)
                guard pairs.count <= Provider.Lookup.valuesMax else {
                    throw value.refused(wanted: words)
                }
                for pair in pairs {
                    guard pair.name != "client_id" else {
                        throw SettingError(
                            setting: "", value: "\"client_id\"", wanted: "leave it out",
                            problem: "is set by the flow itself", line: value.line)
                    }
                    guard pair.name.utf8.allSatisfy(TextEncoding.isUnreserved) else {
                        throw SettingError(
                            setting: "", value: "\"\(pair.name)\"",
                            wanted: "a name of letters, digits, '-', '_' and '.'", line: value.line)
                    }
                    guard let path = ReplyPath(pair.value) else {
                        throw SettingError(
                            setting: "", value: "\"\(pair.value)\"", wanted: ReplyPath.words,
                            line: value.line)
                    }
                    guard !path.namesSecret else {
                        throw SettingError(
                            setting: "", value: "\"\(pair.value)\"", wanted: "leave it out",
                            problem: "names a secret, which a value never is", line: value.line)
                    }
                }
                return pairs
            },
            show: parameters.show, kind: parameters.kind, store: parameters.store,
            restore: parameters.restore)
    }
}
