// SPDX-License-Identifier: Apache-2.0

/// What the inside of a JSON string is made of (RFC 8259 section 7): plain bytes, escapes, and
/// characters of more than one byte. Pure functions over a span; every load is bounds-checked
/// first.
enum JSONText {
    /// Where a string ends whose inside goes on at `offset`: the offset of its closing quote. Nil
    /// where the bytes end before. Nothing but backslashes is looked at on the way.
    static func closingQuote(
        _ bytes: RawSpan, from offset: Int, hasEscapes: inout Bool
    ) -> Int? {
        var offset = offset
        while true {
            offset = quoteOrBackslash(bytes, from: offset)
            guard offset < bytes.byteCount else { return nil }
            if bytes.byte(at: offset) == UInt8(ascii: "\"") { return offset }
            hasEscapes = true
            offset += 2
        }
    }

    /// The first offset from `offset` on where a quote or a backslash is, or the end. Eight bytes
    /// at a time.
    static func quoteOrBackslash(_ bytes: RawSpan, from offset: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var offset = offset
        while offset + 8 <= bytes.byteCount {
            let word = UInt64(
                littleEndian: unsafe bytes.unsafeLoadUnaligned(
                    fromByteOffset: offset, as: UInt64.self))
            // A borrow can only raise a false mark above a true one, and the lowest mark is taken.
            let quote = word ^ (ones &* 0x22)
            let slash = word ^ (ones &* 0x5C)
            let marks = (((quote &- ones) & ~quote) | ((slash &- ones) & ~slash)) & highs
            if marks != 0 { return offset + marks.trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte == 0x22 || byte == 0x5C { break }
            offset += 1
        }
        return min(offset, bytes.byteCount)
    }

    /// The first offset from `offset` on where no white space is (RFC 8259 section 2), or the end.
    static func spaceEnd(_ bytes: RawSpan, from offset: Int) -> Int {
        var offset = offset
        while offset < bytes.byteCount {
            switch bytes.byte(at: offset) {
            case 0x20, 0x09, 0x0A, 0x0D: offset += 1
            default: return offset
            }
        }
        return offset
    }

    /// Whether a string is `text`, its escapes resolved. One that is no JSON string is no text.
    @inline(__always)
    static func isText(_ written: RawSpan, hasEscapes: Bool, _ text: StaticString) -> Bool {
        guard hasEscapes else { return written.equalsText(text) }
        return isText(
            written,
            unsafe RawSpan(_unsafeStart: text.utf8Start, byteCount: text.utf8CodeUnitCount))
    }

    /// The same with escapes in it.
    static func isText(_ written: RawSpan, _ text: RawSpan) -> Bool {
        var unescaped = Unescaped(written)
        for index in 0..<text.byteCount {
            guard unescaped.next() == text.byte(at: index) else { return false }
        }
        return unescaped.next() == nil && !unescaped.isBroken
    }

    /// An escape: the scalar that it stands for, and the offset where it ends.
    struct Escape: BitwiseCopyable {
        let scalar: UInt32
        let end: Int
    }

    /// The escape at `offset`. Nil where it is malformed:
    /// an unknown letter, a missing digit, half a surrogate pair.
    static func escape(_ bytes: RawSpan, at offset: Int) -> Escape? {
        guard offset + 2 <= bytes.byteCount else { return nil }
        let letter = bytes.byte(at: offset + 1)
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return Escape(scalar: UInt32(letter), end: offset + 2)
        case UInt8(ascii: "b"): return Escape(scalar: 0x08, end: offset + 2)
        case UInt8(ascii: "f"): return Escape(scalar: 0x0C, end: offset + 2)
        case UInt8(ascii: "n"): return Escape(scalar: 0x0A, end: offset + 2)
        case UInt8(ascii: "r"): return Escape(scalar: 0x0D, end: offset + 2)
        case UInt8(ascii: "t"): return Escape(scalar: 0x09, end: offset + 2)
        case UInt8(ascii: "u"): break
        default: return nil
        }
        guard let first = codeUnit(bytes, at: offset) else { return nil }
        switch first {
        case 0xD800...0xDBFF:
            guard let second = codeUnit(bytes, at: offset + 6), second & 0xFC00 == 0xDC00 else {
                return nil
            }
            let scalar = 0x10000 + (first & 0x3FF) << 10 + second & 0x3FF
            return Escape(scalar: scalar, end: offset + 12)
        case 0xDC00...0xDFFF: return nil
        default: return Escape(scalar: first, end: offset + 6)
        }
    }

    /// The value of `\uXXXX` at `offset`.
    private static func codeUnit(_ bytes: RawSpan, at offset: Int) -> UInt32? {
        guard offset + 6 <= bytes.byteCount, bytes.byte(at: offset) == UInt8(ascii: "\\"),
            bytes.byte(at: offset + 1) == UInt8(ascii: "u")
        else { return nil }
        var value: UInt32 = 0
        for index in 2..<6 {
            guard let digit = TextEncoding.hexValue(bytes.byte(at: offset + index)) else {
                return nil
            }
            value = value << 4 | UInt32(digit)
        }
        return value
    }

    /// Whether a byte is printable ASCII: 0x20 to 0x7E.
    static func isVisible(_ byte: UInt8) -> Bool { byte &- 0x20 <= 0x5E }

    /// Whether every byte is printable ASCII. Eight bytes at a time.
    static func isVisible(_ bytes: RawSpan) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs: UInt64 = 0x8080_8080_8080_8080
        var offset = 0
        while offset + 8 <= bytes.byteCount {
            let word = unsafe bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            // What is below 0x80 reaches it with 1 added where it is 0x7F, and borrows from it with
            // 0x20 taken away where it is below that; no carry leaves a byte that is neither.
            let marks = (word &+ ones) | (word &- ones &* 0x20) | word
            if marks & highs != 0 { return false }
            offset += 8
        }
        while offset < bytes.byteCount {
            if !isVisible(bytes.byte(at: offset)) { return false }
            offset += 1
        }
        return true
    }

    /// Resolves the escapes of a string in place, where everything it stands for is ASCII. Returns
    /// where the shorter text lies; what is behind it, up to the old end, stays.
    static func unescape(_ range: Range<Int>, of text: inout Secret) -> Range<Int> {
        var (from, end) = (range.lowerBound, range.lowerBound)
        while from < range.upperBound {
            var byte = text.bytes.byte(at: from)
            if byte == UInt8(ascii: "\\") {
                guard let escape = escape(text.bytes, at: from), escape.scalar < 0x80 else {
                    preconditionFailure("a string that was not scanned")
                }
                byte = UInt8(escape.scalar)
                from = escape.end
            } else {
                from += 1
            }
            text.store(byte, at: end)
            end += 1
        }
        return range.lowerBound..<end
    }
}
