// SPDX-License-Identifier: Apache-2.0

// Forms of what a provider wants to see in requests.

extension SettingForm where Value == Provider.ParameterNames {
    /// Names by the standard ones; null leaves a parameter out.
    static func names(_ standard: StandardParameters) -> Self {
        let nameBytesMax = Provider.parameterNameBytesMax
        let sent = standard.messages.joined().reduce(into: [String]()) { list, name in
            if !list.contains(name) { list.append(name) }
        }
        let omissible = sent.filter(standard.omissible.contains) + standard.others.sorted()
        let words =
            "other names for \(sent.joined(separator: ", "))"
            + (omissible.isEmpty
                ? "" : "; null for what is not sent: \(omissible.joined(separator: ", "))")
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard case .object(let members) = value.content else {
                    throw value.refused(wanted: words)
                }
                for (parameter, name) in members {
                    guard standard.all.contains(parameter) else {
                        throw SettingValue(.text(parameter), line: name.line)
                            .refused(wanted: "a parameter that can have another name: \(words)")
                    }
                    if case .nothing = name.content {
                        guard omissible.contains(parameter) else {
                            throw name.refused(
                                wanted: "a name: \(parameter) cannot be left out")
                        }
                    } else if standard.others.contains(parameter) {
                        throw name.refused(wanted: "null: \(parameter) is never sent")
                    } else {
                        guard let text = name.text,
                            Name.isWellFormed(text, byteCountMax: nameBytesMax)
                        else {
                            throw name.refused(wanted: "a name of 1 to \(nameBytesMax) bytes")
                        }
                    }
                }
                return Provider.ParameterNames(members.map { ($0.name, $0.value.text) })
            },
            show: { names in
                .object(
                    names.changes.map { parameter, name in
                        (parameter, SettingValue(name.map { .text($0) } ?? .nothing))
                    })
            },
            kind: .pair, store: { $0.changes.map { .pair($0.parameter, $0.name ?? "") } },
            restore: { fields in
                var changes: [(String, String?)] = []
                for case .pair(let parameter, let name) in fields {
                    changes.append((parameter, name.isEmpty ? nil : name))
                }
                return Provider.ParameterNames(changes)
            })
    }
}

extension SettingForm where Value == [Provider.Parameter] {
    /// Header fields: names and values as `parameters` has them.
    static var headers: Self {
        pairs(
            "header fields", of: .header, countMax: Provider.requestHeadersMax,
            key: { $0.lowercased() })
    }
}

extension SettingForm where Value == Provider.Parameter {
    /// A header field (RFC 9110 section 5).
    fileprivate static var header: Self {
        let nameBytesMax = Provider.parameterNameBytesMax
        let valueBytesMax = Provider.requestHeaderBytesMax
        return pair { name, value throws(SettingError) in
            guard let text = name.text, HeaderName.isToken(text),
                text.utf8.count <= nameBytesMax
            else {
                throw name.refused(
                    wanted: "a header's name: letters, digits and hyphens, at most \(nameBytesMax)")
            }
            if HeaderName.isOurs(text) {
                throw name.refused(wanted: "leave it out", problem: "is set by the vault itself")
            }
            guard let content = value.text, HeaderName.isValue(content) else {
                throw value.refused(
                    wanted: "1 to \(valueBytesMax) characters of ASCII, no space at either end")
            }
            return Provider.Parameter(text, content)
        }
    }
}

/// Which header fields a definition may add.
enum HeaderName {
    /// Who asks and whom, how the message is framed and coded (RFC 9112, RFC 9110 section 7.6.1),
    /// and what belongs to browsers: none of it can differ by provider.
    private static let ours: Set<String> = [
        "accept-encoding", "authorization", "connection", "cookie", "cookie2", "expect", "host",
        "http2-settings", "keep-alive", "proxy-authorization", "proxy-connection", "set-cookie",
        "te", "trailer", "transfer-encoding", "upgrade", "via",
    ]

    /// Whether a field can be sent as it is: one in which a line ends would begin another.
    static func allows(_ field: Provider.Parameter) -> Bool {
        isToken(field.name) && !isOurs(field.name) && isValue(field.value)
    }

    /// RFC 9110 section 5.5, in ASCII.
    static func isValue(_ value: String) -> Bool {
        (1...Provider.requestHeaderBytesMax).contains(value.utf8.count)
            && value.utf8.allSatisfy { (0x20...0x7e).contains($0) }
            && value.first != " " && value.last != " "
    }

    static func isOurs(_ name: String) -> Bool {
        let lowered = name.lowercased()
        return ours.contains(lowered) || lowered.hasPrefix("content-")
            || lowered.hasPrefix("proxy-")
    }

    /// RFC 9110 section 5.6.2, as far as anybody uses it.
    static func isToken(_ name: String) -> Bool {
        !name.isEmpty
            && name.utf8.allSatisfy { byte in
                TextEncoding.isUnreserved(byte) && byte != UInt8(ascii: "~")
            }
    }
}

extension SettingForm where Value == String {
    /// The name of a parameter that is added.
    static var parameterName: Self { text(byteCountMax: Provider.parameterNameBytesMax) }

    /// One scope; a space would make two of it.
    static var scope: Self {
        let words = "a scope, 1 to \(Application.scopeBytesMax) bytes without spaces"
        return text(words) { scope in
            let isOne =
                Name.isWellFormed(scope, byteCountMax: Application.scopeBytesMax)
                && !scope.contains(" ")
            return isOne ? nil : words
        }
    }

    /// What an authorization endpoint is asked for (RFC 6749 section 3.1.1), such that a code comes
    /// back.
    static var responseType: Self {
        let bytesMax = Provider.responseTypeBytesMax
        let words = "a response_type that brings a code, 1 to \(bytesMax) bytes"
        return text(words) { type in
            let kinds = type.split(separator: " ", omittingEmptySubsequences: false)
            // Tokens in the browser's address are what the code is there to avoid (RFC 9700
            // section 2.1.2).
            let isRight =
                Name.isWellFormed(type, byteCountMax: bytesMax)
                && !kinds.contains { ["", "token", "none"].contains($0) } && type != "id_token"
            return isRight ? nil : words
        }
    }
}
