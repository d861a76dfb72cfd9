// SPDX-License-Identifier: Apache-2.0

/// The encodings that OAuth needs, written straight into a secret or out of one.
///
/// Foundation has them all, but leaves copies behind.
package enum TextEncoding {
    private static let base64: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let base64URL: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    /// Appends `span` in base64 with padding (RFC 4648 section 4). False where the secret is full.
    static func appendBase64(_ span: RawSpan, to secret: inout Secret) -> Bool {
        append(span, alphabet: base64, pads: true) { secret.append(byte: $0) }
    }

    /// Appends `span` in base64url without padding (RFC 4648 section 5). False where it is full.
    static func appendBase64URL(_ span: RawSpan, to secret: inout Secret) -> Bool {
        append(span, alphabet: base64URL, pads: false) { secret.append(byte: $0) }
    }

    /// Something that is no secret, in base64url without padding.
    package static func base64URLText(_ span: RawSpan) -> String {
        var text = ""
        _ = append(span, alphabet: base64URL, pads: false) { byte in
            text.unicodeScalars.append(Unicode.Scalar(byte))
            return true
        }
        return text
    }

    /// Appends `span` as `application/x-www-form-urlencoded` has it, a space as `+` (WHATWG URL
    /// section 5.2). False where the secret is full.
    ///
    /// - Parameter spaceAsPlus: false for `%20`, which is the same to who decodes forms, and also a
    ///   space to who only resolves escapes.
    static func appendFormEncoded(
        _ span: RawSpan, spaceAsPlus: Bool = true, to secret: inout Secret
    ) -> Bool {
        var offset = 0
        while offset < span.byteCount {
            // Most of a token stays as it is.
            let end = unreservedEnd(span, from: offset)
            if end > offset, !secret.append(span.extracting(offset..<end)) { return false }
            guard end < span.byteCount else { break }
            let fits = putEncoded(span.byte(at: end), spaceAsPlus: spaceAsPlus) {
                secret.append(byte: $0)
            }
            if !fits { return false }
            offset = end + 1
        }
        return true
    }

    /// How many bytes `appendFormEncoded` makes of `span`.
    static func formEncodedByteCount(_ span: RawSpan) -> Int {
        var count = span.byteCount
        var offset = unreservedEnd(span, from: 0)
        while offset < span.byteCount {
            if span.byte(at: offset) != 0x20 { count += 2 }
            offset = unreservedEnd(span, from: offset + 1)
        }
        return count
    }

    /// What form-encoded text stands for (WHATWG URL section 5.1), in a block of its own. Nil where
    /// an escape is malformed, or there is a control character.
    ///
    /// - Throws: as `Secret.init(zeroes:)`.
    static func formDecoded(_ text: RawSpan) throws(VaultError) -> Secret? {
        var value = try Secret(zeroes: text.byteCount)
        value.shorten(to: 0)
        var index = 0
        while index < text.byteCount {
            var byte = text.byte(at: index)
            if byte == UInt8(ascii: "%") {
                guard index + 2 < text.byteCount, let high = hexValue(text.byte(at: index + 1)),
                    let low = hexValue(text.byte(at: index + 2))
                else { return nil }
                byte = high << 4 | low
                index += 2
            } else if byte == UInt8(ascii: "+") {
                byte = 0x20
            }
            guard byte >= 0x20, byte != 0x7f, value.append(byte: byte) else { return nil }
            index += 1
        }
        return value
    }

    private static func unreservedEnd(_ span: RawSpan, from offset: Int) -> Int {
        var offset = offset
        // Most of a token is letters and digits: eight bytes at a time.
        while offset + 8 <= span.byteCount, isAlphanumeric(span.integer(at: offset)) { offset += 8 }
        while offset < span.byteCount, isUnreserved(span.byte(at: offset)) { offset += 1 }
        return offset
    }

    /// Appends what unpadded base64url text stands for. False where it is malformed or the secret
    /// is full; what was appended until then stays.
    static func appendBase64URLDecoded(_ text: RawSpan, to secret: inout Secret) -> Bool {
        var group: UInt32 = 0
        var bits = 0
        for index in 0..<text.byteCount {
            guard let value = base64URLValue(text.byte(at: index)) else { return false }
            group = group << 6 | UInt32(value)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            if !secret.append(byte: UInt8(truncatingIfNeeded: group >> UInt32(bits))) {
                return false
            }
        }
        // One letter of a last group holds no byte, and what is left over must be zero.
        return bits < 6 && group & (1 << UInt32(bits) - 1) == 0
    }

    /// Appends what base64 (RFC 4648 section 4) in lines stands for. False where it is malformed or
    /// the secret is full; what was appended until then stays.
    static func appendBase64Decoded(_ text: RawSpan, to secret: inout Secret) -> Bool {
        var group: UInt32 = 0
        var (letters, pads) = (0, 0)
        for index in 0..<text.byteCount {
            let letter = text.byte(at: index)
            switch letter {
            case 0x20, 0x09, 0x0A, 0x0D: continue
            case UInt8(ascii: "="): pads += 1
            default:
                guard pads == 0, let value = base64Value(letter) else { return false }
                letters += 1
                group = group << 6 | UInt32(value)
                let bits = 6 * letters % 8
                guard letters % 4 != 1 else { continue }
                let byte = UInt8(truncatingIfNeeded: group >> UInt32(bits))
                if !secret.append(byte: byte) { return false }
            }
        }
        return (letters + pads) % 4 == 0 && pads <= 2 && letters % 4 != 1
    }

    private static func base64Value(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        case UInt8(ascii: "-"), UInt8(ascii: "_"): nil
        default: base64URLValue(letter)
        }
    }

    private static func base64URLValue(_ letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): letter - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): letter - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): letter - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// Text that is no secret, percent-encoded; a space becomes `%20`, which every server reads.
    package static func percentEncoded(_ text: String) -> String {
        var encoded = ""
        let span = text.utf8Span.span
        for index in 0..<span.count {
            let byte = span[index]
            func put(_ byte: UInt8) -> Bool {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
                return true
            }
            _ = isUnreserved(byte) ? put(byte) : putEncoded(byte, spaceAsPlus: false, put)
        }
        return encoded
    }

    private static func putEncoded(
        _ byte: UInt8, spaceAsPlus: Bool, _ put: (UInt8) -> Bool
    ) -> Bool {
        if byte == 0x20 && spaceAsPlus { return put(UInt8(ascii: "+")) }
        return put(UInt8(ascii: "%")) && put(hexDigit(byte >> 4)) && put(hexDigit(byte & 15))
    }

    /// Whether all eight bytes are letters, digits, hyphens or underscores.
    private static func isAlphanumeric(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let highs = ones << 7
        // In the high bit of each byte below 128: whether it is not below `least`.
        func reaches(_ bytes: UInt64, _ least: UInt64) -> UInt64 { bytes &+ ones &* (128 - least) }
        func lies(_ bytes: UInt64, _ range: ClosedRange<Unicode.Scalar>) -> UInt64 {
            reaches(bytes, UInt64(range.lowerBound.value))
                & ~reaches(bytes, UInt64(range.upperBound.value) + 1)
        }
        guard word & highs == 0 else { return false }
        let found =
            lies(word | ones << 5, "a"..."z") | lies(word, "0"..."9") | lies(word, "-"..."-")
            | lies(word, "_"..."_")
        return found & highs == highs
    }

    // A bit for each byte below 64, and for each from 64 to 127, that stays as it is.
    private static let unreservedLow: UInt64 = 0x03FF_6000_0000_0000
    private static let unreservedHigh: UInt64 = 0x47FF_FFFE_87FF_FFFE

    /// RFC 3986 section 2.3.
    package static func isUnreserved(_ byte: UInt8) -> Bool {
        let bits = byte < 64 ? unreservedLow : byte < 128 ? unreservedHigh : 0
        return bits >> UInt64(byte & 63) & 1 == 1
    }

    static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    /// The value of a hexadecimal digit, in either case.
    static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }

    private static func append(
        _ span: RawSpan, alphabet: StaticString, pads: Bool, _ put: (UInt8) -> Bool
    ) -> Bool {
        func letter(_ value: UInt32) -> UInt8 {
            unsafe alphabet.utf8Start[Int(value & 63)]
        }
        var index = 0
        while index < span.byteCount {
            let left = min(3, span.byteCount - index)
            var group: UInt32 = 0
            for offset in 0..<3 {
                let byte =
                    offset < left
                    ? unsafe span.unsafeLoad(fromByteOffset: index + offset, as: UInt8.self) : 0
                group = group << 8 | UInt32(byte)
            }
            for position in 0..<4 {
                if position <= left {
                    if !put(letter(group >> UInt32(18 - 6 * position))) { return false }
                } else if pads {
                    if !put(UInt8(ascii: "=")) { return false }
                }
            }
            index += 3
        }
        return true
    }
}
