// SPDX-License-Identifier: Apache-2.0

/// A JSON object written member by member. The token path uses it because it is an append to one
/// string, where a general encoder would cost more than the refresh itself.
struct JSONText {
    private var text = "{"

    /// Adds a string member.
    mutating func add(_ name: StaticString, _ value: String) {
        begin(name)
        JSONText.appendQuoted(value, to: &text)
    }

    /// Adds a number.
    mutating func add(_ name: StaticString, _ value: Int) {
        begin(name)
        text += String(value)
    }

    /// Adds a truth value.
    mutating func add(_ name: StaticString, _ value: Bool) {
        begin(name)
        text += value ? "true" : "false"
    }

    /// Adds an array of strings.
    mutating func add(_ name: StaticString, _ values: [String]) {
        begin(name)
        text += "["
        for (index, value) in values.enumerated() {
            if index > 0 { text += "," }
            JSONText.appendQuoted(value, to: &text)
        }
        text += "]"
    }

    /// The whole object.
    consuming func finished() -> String {
        text + "}"
    }

    private mutating func begin(_ name: StaticString) {
        if text.utf8.count > 1 { text += "," }
        text += "\""
        text += name.description
        text += "\":"
    }

    private static func appendQuoted(_ value: String, to text: inout String) {
        text += "\""
        if value.utf8.allSatisfy(isPlain) {
            text += value
        } else {
            for scalar in value.unicodeScalars {
                appendEscaped(scalar, to: &text)
            }
        }
        text += "\""
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func appendEscaped(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar {
        case "\"": text += "\\\""
        case "\\": text += "\\\\"
        case "\u{0}"..<" ":
            let digits = String(scalar.value, radix: 16)
            text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        default: text.unicodeScalars.append(scalar)
        }
    }
}
