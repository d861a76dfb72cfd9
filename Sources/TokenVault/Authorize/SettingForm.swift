// SPDX-License-Identifier: Apache-2.0

/// What values a setting takes, and how definitions and the sealed record write them.
///
/// A form reads what it shows: that, and the comparison with what was shown, is the whole check.
package struct SettingForm<Value: Equatable & Sendable>: Sendable {
    /// What a value is, in words that can follow "is not".
    let words: String
    /// The value that a definition gives.
    let read: @Sendable (SettingValue) throws(SettingError) -> Value
    /// The value as a definition would give it.
    let show: @Sendable (Value) -> SettingValue.Content
    /// What the fields of its tag hold.
    let kind: FieldValue.Kind
    /// The fields that hold the value; none where its absence says it.
    let store: @Sendable (Value) -> [FieldValue]
    /// The value that fields hold, at least one; nil where they are of no version that is known.
    let restore: @Sendable ([FieldValue]) -> Value?
}

extension SettingForm where Value == Bool {
    /// A flag.
    static var flag: Self {
        Self(
            words: "true or false",
            read: { value throws(SettingError) in
                guard let flag = value.flag else { throw value.refused(wanted: "true or false") }
                return flag
            },
            show: { .flag($0) }, kind: .byte, store: { [.byte($0 ? 1 : 0)] },
            restore: { fields in
                guard case .byte(let byte)? = fields.first else { return nil }
                return byte != 0
            })
    }
}

extension SettingForm where Value == Int64 {
    /// The longest time that makes sense as a number of seconds: a hundred years.
    static var secondsMax: Int64 { 100 * 366 * 86_400 }

    /// A time in seconds.
    static func seconds(_ range: ClosedRange<Int64> = 0...secondsMax) -> Self {
        let words = "a number of seconds, \(range.lowerBound) to \(range.upperBound)"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let number = value.number, range.contains(number) else {
                    throw value.refused(wanted: words)
                }
                return number
            },
            show: { .number($0) }, kind: .seconds, store: { [.seconds($0)] },
            restore: { fields in
                guard case .seconds(let seconds)? = fields.first else { return nil }
                return seconds
            })
    }
}

extension SettingForm where Value == Int {
    /// A number, 0 to 4,294,967,295 at most.
    static func count(_ range: ClosedRange<Int>) -> Self {
        let words = "a number, \(range.lowerBound) to \(range.upperBound)"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let number = value.number.flatMap({ Int(exactly: $0) }),
                    range.contains(number)
                else { throw value.refused(wanted: words) }
                return number
            },
            show: { .number(Int64($0)) }, kind: .count,
            store: { [.count(UInt32(clamping: $0))] },
            restore: { fields in
                guard case .count(let count)? = fields.first else { return nil }
                return Int(count)
            })
    }
}

extension SettingForm where Value: RawRepresentable, Value.RawValue == UInt8 {
    /// One of a few, by its name in definitions and by its number in records.
    static func choice(_ names: KeyValuePairs<String, Value>) -> Self {
        let names = names.map { $0 }
        let list = names.map(\.key)
        let words = list.dropLast().joined(separator: ", ") + " or " + (list.last ?? "")
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let found = names.first(where: { $0.key == value.text }) else {
                    throw value.refused(wanted: words)
                }
                return found.value
            },
            show: { value in .text(names.first { $0.value == value }?.key ?? "") },
            kind: .byte, store: { [.byte($0.rawValue)] },
            restore: { fields in
                guard case .byte(let byte)? = fields.first else { return nil }
                return Value(rawValue: byte)
            })
    }
}

extension SettingForm where Value == String {
    /// A text; `refuse` says what would do where a particular one would not.
    static func text(
        _ words: String, refuse: @escaping @Sendable (String) -> String?
    ) -> Self {
        Self(
            words: words,
            read: { value throws(SettingError) in
                guard let text = value.text else { throw value.refused(wanted: words) }
                if let wanted = refuse(text) { throw value.refused(wanted: wanted) }
                return text
            },
            show: { .text($0) }, kind: .text, store: { [.text($0)] },
            restore: { fields in
                guard case .text(let text)? = fields.first else { return nil }
                return text
            })
    }

    /// A text for people or machines, without control characters.
    static func text(byteCountMax: Int) -> Self {
        let words = "a text of 1 to \(byteCountMax) bytes without control characters"
        return text(words) { Name.isWellFormed($0, byteCountMax: byteCountMax) ? nil : words }
    }

    /// An absolute URL, or the template of one. Whether it may be called is decided when it is.
    static var url: Self {
        let words = "an absolute URL (https://...) of at most \(Provider.endpointBytesMax) bytes"
        return text(words) { text in
            let schemes = ["https://", "http://"]
            let isAbsolute = schemes.contains { scheme in
                text.utf8.count > scheme.utf8.count
                    && text.prefix(scheme.count).lowercased() == scheme
            }
            let isURL =
                (isAbsolute || text.hasPrefix("{")) && !text.utf8.contains(UInt8(ascii: " "))
                && Name.isWellFormed(text, byteCountMax: Provider.endpointBytesMax)
            return isURL ? nil : words
        }
    }
}

extension SettingForm {
    /// A list of what has another form; a field of the record for each.
    static func list<Element: Equatable & Sendable>(
        of element: SettingForm<Element>, countMax: Int
    ) -> Self where Value == [Element] {
        let words = "a list of at most \(countMax), each \(element.words)"
        return Self(
            words: words,
            read: { value throws(SettingError) in
                guard let list = value.list, list.count <= countMax else {
                    throw value.refused(wanted: words)
                }
                var values: [Element] = []
                for value in list { values.append(try element.read(value)) }
                return values
            },
            show: { values in .list(values.map { SettingValue(element.show($0)) }) },
            kind: element.kind, store: { $0.flatMap(element.store) },
            restore: { fields in
                var values: [Element] = []
                for field in fields {
                    guard let value = element.restore([field]) else { return nil }
                    values.append(value)
                }
                return values
            })
    }
}
