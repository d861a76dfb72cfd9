// SPDX-License-Identifier: Apache-2.0

/// Text with `{name}` in it, where the value of that name goes. No value is a secret.
enum Template {
    /// What the values are put into.
    enum Place {
        /// A URL: they are percent-encoded, so that none of them can lead elsewhere.
        case url
        /// A parameter, or a header field: they go as they are.
        case plain
    }

    /// The names in a text, in their order; nil where a brace has no other.
    static func names(_ text: String) -> [String]? {
        var names: [String] = []
        let isWhole = walk(text, literal: { _ in }) { name in
            names.append(String(name))
            return true
        }
        return isWhole ? names : nil
    }

    /// The text with its values; nil where one is not known, or cannot stand there: nothing, and
    /// `.` or `..` in a URL, which would name another path.
    static func filled(
        _ text: String, _ values: [String: String], in place: Place
    ) -> String? {
        var result = ""
        let isWhole = walk(text, literal: { result += $0 }) { name in
            guard let value = values[String(name)], !value.isEmpty else { return false }
            if place == .url, value.utf8.allSatisfy({ $0 == UInt8(ascii: ".") }) { return false }
            result += place == .url ? TextEncoding.percentEncoded(value) : value
            return true
        }
        return isWhole ? result : nil
    }

    /// A URL with a letter for each value, for a look at its form before any value is known; the
    /// text itself where a brace has no other.
    static func sample(_ text: String) -> String {
        var result = ""
        let isWhole = walk(text, literal: { result += $0 }) { _ in
            result += "x"
            return true
        }
        return isWhole ? result : text
    }

    private static func walk(
        _ text: String, literal: (Substring) -> Void, name: (Substring) -> Bool
    ) -> Bool {
        var rest = text[...]
        while let open = rest.firstIndex(where: { $0 == "{" || $0 == "}" }) {
            literal(rest[..<open])
            guard rest[open] == "{" else { return false }
            rest = rest[rest.index(after: open)...]
            guard let close = rest.firstIndex(where: { $0 == "{" || $0 == "}" }),
                rest[close] == "}", close > rest.startIndex, name(rest[..<close])
            else { return false }
            rest = rest[rest.index(after: close)...]
        }
        literal(rest)
        return true
    }
}
