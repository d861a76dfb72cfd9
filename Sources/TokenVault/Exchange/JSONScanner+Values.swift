// SPDX-License-Identifier: Apache-2.0

// What a member says, for whoever reads it: strict, where the scanner is not.
extension JSONScanner {
    /// The bytes of a value as they are written; a string without its quotes. An object's can be
    /// walked with a scanner of their own.
    @_lifetime(copy self)
    func written(_ value: Value) -> RawSpan {
        bytes.extracting(value.range)
    }

    /// Whether it holds nothing: `null`, `false`, and an empty string, array or object, as some
    /// servers write what is absent.
    func isEmpty(_ value: Value) -> Bool {
        switch value.kind {
        case .null, .false: true
        case .string: value.range.isEmpty
        case .object, .array:
            JSONText.spaceEnd(written(value), from: 1) == value.range.count - 1
        case .number, .true, .other: false
        }
    }

    /// How many bytes a string has, escapes resolved, where each of them is 0x20 to 0x7E; else nil.
    func visibleByteCount(_ value: Value) -> Int? {
        precondition(value.kind == .string)
        guard value.hasEscapes else {
            return JSONText.isVisible(written(value)) ? value.range.count : nil
        }
        var text = JSONText.Unescaped(written(value))
        var count = 0
        while let byte = text.next() {
            guard JSONText.isVisible(byte) else { return nil }
            count += 1
        }
        return text.isBroken ? nil : count
    }

    /// A string, a number or a flag that is no secret, as text. Nil for anything else.
    func plainText(_ value: Value) -> String? {
        switch value.kind {
        case .string: publicText(value)
        case .number, .true, .false: written(value).publicText
        default: nil
        }
    }

    /// A string that is no secret, as text. Nil where it has a malformed escape, or is not
    /// UTF-8.
    func publicText(_ value: Value) -> String? {
        precondition(value.kind == .string)
        guard value.hasEscapes else { return written(value).publicText }
        var bytes: [UInt8] = []
        var text = JSONText.Unescaped(written(value))
        while let byte = text.next() { bytes.append(byte) }
        return text.isBroken ? nil : String(validating: bytes, as: UTF8.self)
    }

    /// Whether a string is `text`, with its escapes resolved.
    @inline(__always)
    func isText(_ value: Value, _ text: StaticString) -> Bool {
        JSONText.isText(written(value), hasEscapes: value.hasEscapes, text)
    }

    /// Whether a string or a number is written as `text`, escapes resolved.
    func isText(_ value: Value, _ text: RawSpan) -> Bool {
        guard value.hasEscapes || value.range.count == text.byteCount else { return false }
        return JSONText.isText(written(value), text)
    }

    /// A number, or a string that holds nothing but a number: rounded down, at most `Int64.max`.
    /// Nil for anything else and for what is below zero.
    func wholeNumber(_ value: Value) -> Int64? {
        guard value.kind == .number || value.kind == .string && !value.hasEscapes else {
            return nil
        }
        return JSONNumber.roundedDown(written(value))
    }
}
