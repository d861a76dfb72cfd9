// SPDX-License-Identifier: Apache-2.0

extension JSONScanner {
    /// The bytes of a value as they are written; a string without its quotes. An object's can be
    /// walked with a scanner of their own.
    @_lifetime(copy self)
    func written(_ value: Value) -> RawSpan {
        bytes.extracting(value.range)
    }

    /// How many bytes a string has, escapes resolved, where each of them is 0x20 to 0x7E; else nil.
    func visibleByteCount(_ value: Value) -> Int? {
        precondition(value.kind == .string)
        guard value.hasEscapes else {
            return JSONText.isVisible(written(value)) ? value.range.count : nil
        }
        var text = Unescaped(written(value))
        var count = 0
        while let byte = text.next() {
            guard JSONText.isVisible(byte) else { return nil }
            count += 1
        }
        return count
    }

    /// A string that is no secret, as text.
    func publicText(_ value: Value) -> String {
        precondition(value.kind == .string)
        guard value.hasEscapes else { return written(value).publicText ?? "" }
        var bytes: [UInt8] = []
        var text = Unescaped(written(value))
        while let byte = text.next() { bytes.append(byte) }
        return String(validating: bytes, as: UTF8.self) ?? ""
    }

    /// Whether a string is `text`, with its escapes resolved.
    @inline(__always)
    func isText(_ value: Value, _ text: StaticString) -> Bool {
        guard value.hasEscapes else {
            return Int(value.end - value.start) == text.utf8CodeUnitCount
                && written(value).equalsText(text)
        }
        return isText(
            value,
            unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
    }

    /// Whether a string or a number is written as `text`, escapes resolved.
    func isText(_ value: Value, _ text: RawSpan) -> Bool {
        guard value.hasEscapes || value.range.count == text.byteCount else { return false }
        var unescaped = Unescaped(written(value))
        for index in 0..<text.byteCount {
            guard unescaped.next() == text.byte(at: index) else { return false }
        }
        return unescaped.next() == nil
    }

    /// Whether two strings are the same, with their escapes resolved.
    func isSameText(_ left: Value, _ right: Value) -> Bool {
        if !left.hasEscapes && !right.hasEscapes && left.end - left.start != right.end - right.start
        {
            return false
        }
        var first = Unescaped(written(left))
        var second = Unescaped(written(right))
        var byte: UInt8?
        repeat {
            byte = first.next()
            if second.next() != byte { return false }
        } while byte != nil
        return true
    }

    /// A number, or a string that holds nothing but a number: rounded down, at most `Int64.max`.
    /// Nil for anything else and for what is below zero.
    func wholeNumber(_ value: Value) -> Int64? {
        guard value.kind == .number || value.kind == .string && !value.hasEscapes else {
            return nil
        }
        return JSONNumber.roundedDown(written(value))
    }

    /// Where a name lies, in four bytes: all of them are made and moved with the scanner.
    struct Name: BitwiseCopyable {
        var start: UInt16 = 0
        var byteCount: UInt16 = 0

        private static let escapesFlag: UInt16 = 0x8000

        init() {}

        init(_ value: Value) {
            start = UInt16(value.start)
            byteCount = UInt16(value.range.count) | (value.hasEscapes ? Self.escapesFlag : 0)
        }

        var value: Value {
            Value(
                kind: .string, hasEscapes: byteCount & Self.escapesFlag != 0, start: UInt32(start),
                end: UInt32(start) + UInt32(byteCount & ~Self.escapesFlag))
        }
    }

    /// Reads a string that the scanner has found valid, byte by byte, escapes resolved.
    private struct Unescaped: ~Escapable {
        private let bytes: RawSpan
        private var offset = 0
        /// Bytes of a resolved escape that are still to come, the next one lowest.
        private var pending: UInt32 = 0
        private var pendingCount = 0

        @_lifetime(copy bytes)
        init(_ bytes: RawSpan) { self.bytes = bytes }

        @_lifetime(self: copy self)
        mutating func next() -> UInt8? {
            if pendingCount > 0 {
                let byte = UInt8(truncatingIfNeeded: pending)
                pending >>= 8
                pendingCount -= 1
                return byte
            }
            guard offset < bytes.byteCount else { return nil }
            let byte = bytes.byte(at: offset)
            guard byte == UInt8(ascii: "\\") else {
                offset += 1
                return byte
            }
            resolve(JSONText.escape(bytes, at: offset))
            return next()
        }

        @_lifetime(self: copy self)
        private mutating func resolve(_ escape: JSONText.Escape?) {
            guard let escape, let scalar = Unicode.Scalar(escape.scalar),
                let encoded = UTF8.encode(scalar)
            else { preconditionFailure("a string that was not scanned") }
            offset = escape.end
            for unit in encoded {
                pending |= UInt32(unit) << UInt32(8 * pendingCount)
                pendingCount += 1
            }
        }
    }
}
