// SPDX-License-Identifier: Apache-2.0

/// The value of a setting as a definition has it, and where it stands.
package struct SettingValue: Sendable {
    /// What it is. YAML does not tell a number or a flag from a text, so a `text` may be all three.
    package enum Content: Sendable {
        /// `null`, or nothing at all.
        case nothing
        case flag(Bool)
        case number(Int64)
        case text(String)
        case list([SettingValue])
        /// Names and values, in their order.
        case object([(name: String, value: SettingValue)])
    }

    package let content: Content
    /// The line, from 1, where that is known.
    package let line: Int?

    package init(_ content: Content, line: Int? = nil) {
        self.content = content
        self.line = line
    }

    /// The most characters of a wrong value that an error quotes.
    static let quotedMax = 64

    /// Says that this is not what is wanted.
    ///
    /// - Parameter problem: what is wrong, where "is not" and what is wanted would not say it.
    package func refused(wanted: String, problem: String? = nil) -> SettingError {
        SettingError(setting: "", value: words, wanted: wanted, problem: problem, line: line)
    }

    /// The value in words.
    package var words: String {
        switch content {
        case .nothing: "nothing"
        case .flag(let flag): "\(flag)"
        case .number(let number): "\(number)"
        case .text(let text):
            text.count > Self.quotedMax
                ? "\"\(text.prefix(Self.quotedMax))...\"" : "\"\(text)\""
        case .list(let list):
            list.count == 1 ? "a list of 1 value" : "a list of \(list.count) values"
        case .object(let members): Self.words(members.map(\.name))
        }
    }

    /// The most names of an object that an error quotes.
    private static let namesMax = 4

    /// An object in words: its names.
    private static func words(_ names: [String]) -> String {
        guard !names.isEmpty else { return "{}" }
        let quoted = names.prefix(namesMax).map { "\($0.prefix(quotedMax)): ..." }
        let rest = names.count > namesMax ? ["..."] : []
        return "{ " + (quoted + rest).joined(separator: ", ") + " }"
    }

    package var flag: Bool? {
        switch content {
        case .flag(let flag): flag
        case .text("true"): true
        case .text("false"): false
        default: nil
        }
    }

    package var number: Int64? {
        switch content {
        case .number(let number): number
        case .text(let text): Int64(text)
        default: nil
        }
    }

    package var text: String? {
        if case .text(let text) = content { return text }
        return nil
    }

    package var list: [SettingValue]? {
        if case .list(let list) = content { return list }
        return nil
    }

    /// Names and values: of an object, or of a list of pairs.
    var pairs: [(name: SettingValue, value: SettingValue)]? {
        switch content {
        case .object(let members):
            return members.map { (SettingValue(.text($0.name), line: $0.value.line), $0.value) }
        case .list(let list):
            var pairs: [(name: SettingValue, value: SettingValue)] = []
            for element in list {
                guard let pair = element.list, pair.count == 2 else { return nil }
                pairs.append((pair[0], pair[1]))
            }
            return pairs
        default: return nil
        }
    }

    /// The values of an object with exactly these names, in the order of the names.
    func members(_ names: String...) -> [SettingValue]? {
        guard case .object(let members) = content, members.count == names.count else { return nil }
        var values: [SettingValue] = []
        for name in names {
            guard let member = members.first(where: { $0.name == name }) else { return nil }
            values.append(member.value)
        }
        return values
    }
}
