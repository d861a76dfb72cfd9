// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// What values a setting of `serve` takes.
struct SettingKind<Value: Sendable>: Sendable {
    /// What a value is, in words that can follow "is not".
    let words: String
    /// The value that a file gives; nil where it is refused, which is said then.
    let read: @Sendable (SettingValue, inout SettingReading) -> Value?
    /// The value as a file would give it.
    let show: @Sendable (Value) -> String
    /// What is wrong with what the value names outside of the file; nil where nothing is.
    var look: @Sendable (Value) -> String? = { _ in nil }
}

extension SettingKind where Value == Bool {
    static var flag: Self {
        let words = "true or false"
        return Self(
            words: words,
            read: { value, reading in
                guard let flag = value.flag else {
                    reading.refuse(value, wanted: words)
                    return nil
                }
                return flag
            },
            show: { "\($0)" })
    }
}

extension SettingKind where Value == Int64 {
    /// A number of some unit.
    static func number(of unit: String, _ range: ClosedRange<Int64>) -> Self {
        let words = "a number of \(unit), \(range.lowerBound) to \(range.upperBound)"
        return Self(
            words: words,
            read: { value, reading in
                guard let number = value.number, range.contains(number) else {
                    reading.refuse(value, wanted: words)
                    return nil
                }
                return number
            },
            show: { "\($0)" })
    }
}

extension SettingKind where Value == String {
    /// A text that `fits`.
    static func text(
        _ words: String, _ fits: @escaping @Sendable (String) -> Bool
    ) -> Self {
        Self(
            words: words,
            read: { value, reading in
                guard let text = value.text, fits(text) else {
                    reading.refuse(value, wanted: words)
                    return nil
                }
                return text
            },
            show: quoted)
    }

    /// A text for people.
    static func line(byteCountMax: Int) -> Self {
        text("a text of 1 to \(byteCountMax) bytes without control characters") {
            isLine($0, byteCountMax: byteCountMax)
        }
    }

    /// One of a few words.
    static func choice(_ names: String...) -> Self {
        text(names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")) {
            names.contains($0)
        }
    }

    static var applicationID: Self {
        text("the id of an application") { (try? ApplicationID($0)) != nil }
    }

    private static func isLine(_ text: String, byteCountMax: Int) -> Bool {
        (1...byteCountMax).contains(text.utf8.count) && text.printable == text
    }

    /// A text as YAML, in quotes where it could be taken for something else.
    private static func quoted(_ text: String) -> String {
        let marks = Set("/._~:-".utf8)
        let isPlain =
            text.unicodeScalars.allSatisfy { scalar in
                scalar.isASCII
                    && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                        || marks.contains(UInt8(truncatingIfNeeded: scalar.value)))
            } && !text.isEmpty && !text.hasPrefix("-") && !text.hasSuffix(":")
        guard !isPlain else { return text }
        let inner = text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
        return "\"\(inner)\""
    }
}

extension SettingKind where Value == ListenAddress {
    static var address: Self {
        let words = "an address and a port, such as 127.0.0.1:8080 or \"[::1]:8080\""
        return Self(
            words: words,
            read: { value, reading in
                guard let address = value.text.flatMap({ try? ListenAddress($0) }) else {
                    reading.refuse(value, wanted: words)
                    return nil
                }
                return address
            },
            show: { "\"\($0.text)\"" })
    }
}

extension SettingKind where Value == APIAddress {
    static var api: Self {
        Self(
            words: APIAddress.words,
            read: { value, reading in
                guard let address = value.text.flatMap({ try? APIAddress($0) }) else {
                    reading.refuse(value, wanted: APIAddress.words)
                    return nil
                }
                return address
            },
            show: { "\"\($0.text)\"" })
    }
}

extension SettingKind {
    /// A list of what is of another kind.
    static func list<Element: Sendable>(
        of element: SettingKind<Element>, countMax: Int
    ) -> Self where Value == [Element] {
        let words = "a list of at most \(countMax), each \(element.words)"
        return Self(
            words: words,
            read: { value, reading in
                guard let list = value.list, list.count <= countMax else {
                    reading.refuse(value, wanted: words)
                    return nil
                }
                return list.compactMap { element.read($0, &reading) }
            },
            show: { "[\($0.map(element.show).joined(separator: ", "))]" },
            look: { values in
                let found = values.compactMap(element.look)
                return found.isEmpty ? nil : found.joined(separator: "; ")
            })
    }
}
