// SPDX-License-Identifier: Apache-2.0

internal import TokenVault
internal import Yams

/// One definition on its way from YAML to a `Provider`.
struct Definition {
    /// The most values in one definition, those in lists and objects too: an alias in YAML is short
    /// and may stand for many.
    static let valuesMax = 4096
    /// How deep lists and objects may nest.
    static let depthMax = 8

    private let file: String
    private var values: [String: SettingValue] = [:]

    init(_ text: String, file: String) throws(DefinitionError) {
        self.file = file
        let root = try Self.compose(text, file: file)
        guard case .mapping(let mapping) = root else {
            throw DefinitionError(file: file, line: 1, message: "not a list of keys and values")
        }
        var room = Self.valuesMax
        for (key, value) in mapping {
            let line = key.mark?.line
            guard let name = key.scalar?.string else {
                throw DefinitionError(file: file, line: line, message: "a key is a plain word")
            }
            guard ProviderSetting[name] != nil || EntryKey(rawValue: name) != nil else {
                let known = ProviderSetting.all.map(\.key) + EntryKey.allCases.map(\.rawValue)
                let hint =
                    ForeignKey.hints[name]
                    ?? Spelling.nearest(to: name, among: known).map { "did you mean \($0)?" }
                    ?? "`tokenvault app add --help` lists the settings"
                throw DefinitionError(
                    file: file, line: line,
                    message: "unknown key \"\(name)\": \(hint)")
            }
            guard let value = SettingValue(value, depth: 1, room: &room) else {
                throw DefinitionError(
                    file: file, line: line,
                    message: "\(name): more than \(Self.valuesMax) values, or too deep a nesting")
            }
            values[name] = value
        }
    }

    /// Where a setting stands, from 1; nil where it is left out.
    func line(of setting: String) -> Int? { values[setting]?.line }

    /// The provider, and what is said about it.
    ///
    /// - Parameter base: what is known without the definition.
    func entry(
        over base: Provider = ProviderSetting.unknown
    ) throws(DefinitionError) -> CatalogEntry {
        var entry = CatalogEntry(try provider(over: base))
        entry.givenSettings = Set(values.keys.filter { ProviderSetting[$0] != nil })
        do throws(SettingError) {
            for key in EntryKey.allCases {
                if let value = values[key.rawValue] { try key.set(&entry, to: value) }
            }
        } catch {
            throw placed(error)
        }
        return entry
    }

    func provider(
        over base: Provider = ProviderSetting.unknown
    ) throws(DefinitionError) -> Provider {
        var provider = base
        for setting in ProviderSetting.all
        where setting.isRequired && values[setting.key] == nil
            && setting.value(of: base)?.text?.isEmpty != false
        {
            throw DefinitionError(file: file, message: "\(setting.key) is missing")
        }
        do throws(SettingError) {
            for setting in ProviderSetting.all {
                if let value = values[setting.key] { try setting.set(&provider, to: value) }
            }
            try provider.check()
        } catch {
            throw placed(error)
        }
        return provider
    }

    private func placed(_ error: SettingError) -> DefinitionError {
        DefinitionError(
            file: file, line: error.line ?? values[error.setting]?.line,
            message: error.description)
    }

    private static func compose(_ text: String, file: String) throws(DefinitionError) -> Node {
        do {
            if let node = try Parser(yaml: text).singleRoot() { return node }
        } catch let error as YamlError {
            throw DefinitionError(
                file: file, line: error.line, message: error.problem(in: text))
        } catch {
            throw DefinitionError(file: file, message: "not YAML")
        }
        throw DefinitionError(file: file, message: "empty")
    }
}

extension SettingValue {
    /// A node of YAML; nil where it holds more than there is room for, or nests too deep.
    fileprivate init?(_ node: Node, depth: Int, room: inout Int) {
        room -= 1
        guard room >= 0, depth <= Definition.depthMax else { return nil }
        let content: Content
        switch node {
        case .scalar(let scalar): content = node.null == nil ? .text(scalar.string) : .nothing
        case .sequence(let sequence):
            var list: [SettingValue] = []
            for element in sequence {
                guard let value = Self(element, depth: depth + 1, room: &room) else { return nil }
                list.append(value)
            }
            content = .list(list)
        case .mapping(let mapping):
            var members: [(name: String, value: SettingValue)] = []
            for (name, element) in mapping {
                guard let value = Self(element, depth: depth + 1, room: &room) else { return nil }
                members.append((name.scalar?.string ?? "", value))
            }
            content = .object(members)
        case .alias: return nil
        }
        self.init(content, line: node.mark?.line)
    }
}

extension YamlError {
    /// The line of the problem, from 1, where the parser knows it.
    fileprivate var line: Int? {
        switch self {
        // What is not closed begins where the context says, and ends at the end.
        case .scanner(let context?, "found unexpected end of stream", _, _): context.mark.line
        case .scanner(_, _, let mark, _), .parser(_, _, let mark, _), .composer(_, _, let mark, _):
            mark.line
        case .duplicatedKeysInMapping(_, let context): context.mark.line
        default: nil
        }
    }

    /// One line about it: what libyaml says, and what to do.
    fileprivate func problem(in text: String) -> String {
        switch self {
        case .scanner(_, let problem, _, _), .parser(_, let problem, _, _),
            .composer(_, let problem, _, _), .reader(let problem, _, _, _):
            problem + (remedy(problem, text).map { ": " + $0 } ?? "")
        case .duplicatedKeysInMapping(let keys, _):
            "the same key twice: \(keys.sorted().joined(separator: ", "))"
        default: "not YAML"
        }
    }

    private func remedy(_ problem: String, _ text: String) -> String? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let hasTab = line.map { (1...lines.count).contains($0) && lines[$0 - 1].contains("\t") }
        return switch problem {
        case "found character that cannot start any token":
            hasTab ?? false
                ? "use spaces instead of the tab"
                : "put the value in quotes: YAML gives its first character a meaning"
        case "did not find expected key", "did not find expected ',' or '}'":
            "put a value in quotes that begins with { or [, or has more behind its end"
        case "could not find expected ':'":
            "a key needs a colon with a space behind it, here or on the line before"
        case "but found another document": "one definition a file: take out the line of ---"
        case "found unexpected end of stream": "close the quote or the bracket that is opened here"
        default: nil
        }
    }
}
