// SPDX-License-Identifier: Apache-2.0

package import TokenVault
internal import Yams

/// A YAML file of keys and values, each with the line on which it stands.
package struct YAMLMapping: Sendable {
    /// The longest file, in bytes.
    package static let fileBytesMax = 65_536
    /// The most values in one file, those in lists and objects too: an alias in YAML is short
    /// and may stand for many.
    static let valuesMax = 4096
    /// How deep lists and objects may nest.
    static let depthMax = 8

    /// The file, as errors name it.
    package let file: String
    /// In their order. Lines are from 1; no name is there twice.
    package let members: [(name: String, line: Int?, value: SettingValue)]

    /// - Parameter file: only names the text in errors.
    /// - Throws: what is wrong with it, and on which line.
    package init(_ text: String, file: String) throws(DefinitionError) {
        guard text.utf8.count <= Self.fileBytesMax else {
            throw DefinitionError(file: file, message: "longer than \(Self.fileBytesMax) bytes")
        }
        // The mark that some editors put first; it is no part of the text.
        let mark: Unicode.Scalar = "\u{feff}"
        let isMarked = text.unicodeScalars.first == mark
        let root = try Self.compose(
            isMarked ? String(text.unicodeScalars.dropFirst()) : text, file: file)
        guard case .mapping(let mapping) = root else {
            throw DefinitionError(file: file, line: 1, message: "not a list of keys and values")
        }
        var members: [(name: String, line: Int?, value: SettingValue)] = []
        var room = Self.valuesMax
        for (key, value) in mapping {
            let line = key.mark?.line
            guard let name = key.scalar?.string else {
                throw DefinitionError(file: file, line: line, message: "a key is a plain word")
            }
            guard let value = SettingValue(value, depth: 1, room: &room) else {
                throw DefinitionError(
                    file: file, line: line,
                    message: "\(name): more than \(Self.valuesMax) values, or too deep a nesting")
            }
            members.append((name, line, value))
        }
        self.file = file
        self.members = members
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
        guard room >= 0, depth <= YAMLMapping.depthMax else { return nil }
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
        case "but found another document": "one document a file: take out the line of ---"
        case "found unexpected end of stream": "close the quote or the bracket that is opened here"
        default: nil
        }
    }
}
