// SPDX-License-Identifier: Apache-2.0

// Forms of what differs from connection to connection.

extension SettingForm where Value == String {
    /// A host of the API, or the template of one.
    static var resourceHost: Self {
        let words = "a host name, or a template of one"
        return text(words) { text in
            let isPlain = text.utf8.allSatisfy { byte in
                TextEncoding.isUnreserved(byte) || "{}:".utf8.contains(byte)
            }
            return isPlain && (1...URLTemplate.hostBytesMax).contains(text.utf8.count)
                ? nil : words
        }
    }

    /// One of a variable's hosts: a name with a dot in it, or this machine for tests.
    fileprivate static var hostSuffix: Self {
        let words = "a host name of at least two labels, such as example.com"
        return text(words) { text in
            let name = text.hasPrefix(".") ? text.dropFirst() : text[...]
            let labels = name.split(separator: ".", omittingEmptySubsequences: false)
            let isName =
                text.utf8.count <= URLTemplate.hostBytesMax
                && labels.allSatisfy { label in
                    !label.isEmpty
                        && label.utf8.allSatisfy {
                            TextEncoding.isUnreserved($0) && $0 != UInt8(ascii: "~")
                        }
                }
            return isName && (labels.count > 1 || text == "localhost") ? nil : words
        }
    }
}

extension SettingForm where Value == [String: String] {
    /// Names under which parameters of the callback are kept.
    static var capturedParameters: Self {
        let countMax = Provider.variablesMax
        let words = "names and the parameters that bring them, at most \(countMax)"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard case .object(let members) = value.content, members.count <= countMax else {
                    throw value.refused(wanted: words)
                }
                var parameters: [String: String] = [:]
                for (name, value) in members {
                    guard Captured.isName(name) else {
                        throw SettingValue(.text(name), line: value.line)
                            .refused(wanted: Captured.nameWords)
                    }
                    guard let parameter = value.text, CallbackParameter.isTaken(parameter) else {
                        throw value.refused(wanted: CallbackParameter.words)
                    }
                    guard parameters.updateValue(parameter, forKey: name) == nil else {
                        throw value.refused(wanted: "write each name once")
                    }
                }
                return parameters
            },
            show: { parameters in
                .object(
                    parameters.sorted { $0.key < $1.key }
                        .map { ($0.key, SettingValue(.text($0.value))) })
            },
            kind: .pair,
            store: { parameters in
                parameters.sorted { $0.key < $1.key }.map { .pair($0.key, $0.value) }
            },
            restore: { fields in
                var parameters: [String: String] = [:]
                for field in fields {
                    guard case .pair(let name, let parameter) = field else { return nil }
                    parameters[name] = parameter
                }
                return parameters
            })
    }
}

/// What a definition may call what it captures.
enum Captured {
    static let nameBytesMax = 64
    static let nameWords = "a name: letters, digits, - and _, 1 to \(nameBytesMax)"

    static func isName(_ text: String) -> Bool {
        (1...nameBytesMax).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                TextEncoding.isUnreserved(byte) && byte != UInt8(ascii: "~")
                    && byte != UInt8(ascii: ".")
            }
    }
}

/// Which parameters of a callback may be kept: what authorizes is not.
private enum CallbackParameter {
    static let words = "a parameter of the callback's, other than state, code, error and iss"
    private static let reserved: Set<String> = ["state", "code", "error", "iss"]

    static func isTaken(_ name: String) -> Bool {
        (1...Provider.parameterNameBytesMax).contains(name.utf8.count)
            && name.utf8.allSatisfy(TextEncoding.isUnreserved) && !reserved.contains(name)
    }
}

extension SettingForm where Value == [String: Provider.Variable] {
    /// Variables by their names.
    static var variables: Self {
        let countMax = Provider.variablesMax
        let words = "names, each with {} or with some of default, pattern, host_suffixes, callback"
        return Self(
            words: words + ", at most \(countMax)",
            read: { value throws(SettingError) in
                guard case .object(let members) = value.content, members.count <= countMax else {
                    throw value.refused(wanted: words)
                }
                var variables: [String: Provider.Variable] = [:]
                for (name, value) in members {
                    guard URLTemplate.isName(name) else {
                        throw SettingValue(.text(name), line: value.line).refused(
                            wanted: "a name: small letters, digits and _, a letter first")
                    }
                    guard variables.updateValue(try variable(value), forKey: name) == nil else {
                        throw value.refused(wanted: "write each name once")
                    }
                }
                return variables
            },
            show: { variables in
                .object(
                    variables.sorted { $0.key < $1.key }
                        .map { ($0.key, SettingValue(.object(shown($0.value)))) })
            },
            kind: .pair,
            store: { variables in
                variables.sorted { $0.key < $1.key }.flatMap { stored($0.key, $0.value) }
            },
            restore: restored)
    }

    private static func variable(
        _ value: SettingValue
    ) throws(SettingError) -> Provider.Variable {
        var variable = Provider.Variable()
        if case .nothing = value.content { return variable }
        guard case .object(let members) = value.content else {
            throw value.refused(
                wanted: "{}, or some of default, pattern, host_suffixes and callback")
        }
        for (name, value) in members {
            switch name {
            case "default": variable.defaultValue = try text(value, "a text")
            case "pattern":
                let pattern = try text(value, "an expression")
                guard ValuePattern.isValid(pattern) else {
                    throw value.refused(
                        wanted: "a POSIX extended regular expression of at most "
                            + "\(ValuePattern.byteCountMax) characters, without \\1 and the like")
                }
                variable.pattern = pattern
            case "host_suffixes":
                let form = SettingForm<[String]>.list(
                    of: .hostSuffix, countMax: Provider.hostsMax)
                variable.hostSuffixes = try form.read(value)
            case "callback":
                guard let parameter = value.text, CallbackParameter.isTaken(parameter) else {
                    throw value.refused(wanted: CallbackParameter.words)
                }
                variable.callbackParameter = parameter
            default:
                throw SettingValue(.text(name), line: value.line).refused(
                    wanted: "default, pattern, host_suffixes or callback")
            }
        }
        return variable
    }

    private static func text(
        _ value: SettingValue, _ wanted: String
    ) throws(SettingError) -> String {
        switch value.content {
        // YAML and JSON write some texts as numbers.
        case .number(let number): return "\(number)"
        case .text(let text): return text
        default: throw value.refused(wanted: wanted)
        }
    }

    private static func shown(
        _ variable: Provider.Variable
    ) -> [(name: String, value: SettingValue)] {
        var members: [(name: String, value: SettingValue)] = []
        func add(_ name: String, _ text: String?) {
            if let text { members.append((name, SettingValue(.text(text)))) }
        }
        add("default", variable.defaultValue)
        add("pattern", variable.pattern)
        if !variable.hostSuffixes.isEmpty {
            let list = variable.hostSuffixes.map { SettingValue(.text($0)) }
            members.append(("host_suffixes", SettingValue(.list(list))))
        }
        add("callback", variable.callbackParameter)
        return members
    }

    /// A pair of the name alone begins each.
    private static func stored(_ name: String, _ variable: Provider.Variable) -> [FieldValue] {
        var fields = [FieldValue.pair(name, "")]
        if let text = variable.defaultValue { fields.append(.pair(name + ".default", text)) }
        if let text = variable.pattern { fields.append(.pair(name + ".pattern", text)) }
        for host in variable.hostSuffixes { fields.append(.pair(name + ".host_suffix", host)) }
        if let text = variable.callbackParameter { fields.append(.pair(name + ".callback", text)) }
        return fields
    }

    private static let restored: @Sendable ([FieldValue]) -> Value? = { fields in
        var variables: Value = [:]
        for field in fields {
            guard case .pair(let path, let text) = field else { return nil }
            let parts = path.split(separator: ".", maxSplits: 1)
            guard let name = parts.first.map(String.init) else { return nil }
            switch parts.dropFirst().first {
            case nil: variables[name] = Provider.Variable()
            case "default": variables[name]?.defaultValue = text
            case "pattern": variables[name]?.pattern = text
            case "host_suffix": variables[name]?.hostSuffixes.append(text)
            case "callback": variables[name]?.callbackParameter = text
            // Of a version that knows more.
            default: return nil
            }
        }
        return variables
    }
}
