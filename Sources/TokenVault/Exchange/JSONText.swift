// SPDX-License-Identifier: Apache-2.0

/// What the inside of a JSON string is made of (RFC 8259 section 7): plain bytes, escapes, and
/// characters of more than one byte. Pure functions over a span; every load is bounds-checked
/// first.
enum JSONText {
    /// The first offset from `offset` on that needs a look: a quote, a backslash, a control
    /// character, a byte past ASCII, or the end. Eight bytes at a time.
    static func plainEnd(_ bytes: RawSpan, from offset: Int) -> Int {
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
            let marks =
                ((quote &- ones) & ~quote) | ((slash &- ones) & ~slash)
                | ((word &- ones &* 0x20) & ~word) | word
            if marks & highs != 0 { return offset + (marks & highs).trailingZeroBitCount / 8 }
            offset += 8
        }
        while offset < bytes.byteCount {
            let byte = bytes.byte(at: offset)
            if byte < 0x20 || byte >= 0x80 || byte == 0x22 || byte == 0x5C { break }
            offset += 1
        }
        return offset
    }

    /// An escape: the scalar that it stands for, and the offset where it ends.
    struct Escape: BitwiseCopyable {
        let scalar: UInt32
        let end: Int
    }

    /// The escape at `offset`. Nil where it is none:
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
            // 0x20 taken away where it is below that; no carry leaves a byte that is none of both.
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

    /// How many bytes the character at `offset` has, 2 to 4; 0 where it is not UTF-8: overlong, a
    /// surrogate, past U+10FFFF, cut short (RFC 3629 section 4).
    static func multibyteLength(_ bytes: RawSpan, at offset: Int) -> Int {
        let lead = bytes.byte(at: offset)
        let length: Int
        let second: ClosedRange<UInt8>
        switch lead {
        case 0xC2...0xDF: (length, second) = (2, 0x80...0xBF)
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (length, second) = (3, 0x80...0xBF)
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (length, second) = (4, 0x80...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        default: return 0
        }
        guard offset + length <= bytes.byteCount, second.contains(bytes.byte(at: offset + 1))
        else { return 0 }
        for index in 2..<max(2, length) where bytes.byte(at: offset + index) & 0xC0 != 0x80 {
            return 0
        }
        return length
    }
}
