// SPDX-License-Identifier: Apache-2.0

/// An answer that is a form (RFC 6749 appendix B) where the RFC has JSON: what GitHub sends to whom
/// does not ask for JSON, Stack Exchange to everybody, and Facebook sent once.
enum FormReply {
    /// The object with the same members, each a text, in a block of its own. Nil where the body is
    /// no form, an escape in it is malformed, or no block is free.
    static func object(of body: borrowing Secret) -> Secret? { object(of: body.bytes) }

    private static func object(of body: RawSpan) -> Secret? {
        let form = UnreadReply.form(body)
        guard form.byteCount > 0, var object = Secret(roomFor: byteCountMax(form)) else {
            return nil
        }
        var fits = object.append(byte: UInt8(ascii: "{"))
        var start = 0
        while start < form.byteCount {
            guard let pair = UnreadReply.pair(form, from: start) else { return nil }
            let value = min(pair.name.upperBound + 1, pair.end)..<pair.end
            if start > 0 { fits = object.append(byte: UInt8(ascii: ",")) && fits }
            fits =
                append(form.extracting(pair.name), to: &object)
                && object.append(byte: UInt8(ascii: ":"))
                && append(form.extracting(value), to: &object) && fits
            guard fits else { return nil }
            start = pair.end + 1
        }
        guard object.append(byte: UInt8(ascii: "}")) else { return nil }
        return object
    }

    /// The most that the object has: each byte escaped, and four quotes, a colon and a comma for
    /// each pair.
    private static func byteCountMax(_ form: RawSpan) -> Int {
        var pairCount = 1
        for index in 0..<form.byteCount where form.byte(at: index) == UInt8(ascii: "&") {
            pairCount += 1
        }
        return min(2 * form.byteCount + 6 * pairCount + 2, SecretArena.secretBytesMax)
    }

    /// Appends a string. Of what can stand in one, only quotes and backslashes are escaped (RFC
    /// 8259 section 7).
    private static func append(_ encoded: RawSpan, to object: inout Secret) -> Bool {
        var fits = object.append(byte: UInt8(ascii: "\""))
        var index = 0
        while index < encoded.byteCount {
            guard let byte = decoded(encoded, &index) else { return false }
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                fits = object.append(byte: UInt8(ascii: "\\")) && fits
            }
            fits = object.append(byte: byte) && fits
        }
        return object.append(byte: UInt8(ascii: "\"")) && fits
    }

    /// The next byte that form-encoded text stands for (WHATWG URL section 5.1); nil where an
    /// escape is malformed, or it is a control character.
    private static func decoded(_ text: RawSpan, _ index: inout Int) -> UInt8? {
        var byte = text.byte(at: index)
        index += 1
        if byte == UInt8(ascii: "%") {
            guard index + 1 < text.byteCount,
                let high = TextEncoding.hexValue(text.byte(at: index)),
                let low = TextEncoding.hexValue(text.byte(at: index + 1))
            else { return nil }
            byte = high << 4 | low
            index += 2
        } else if byte == UInt8(ascii: "+") {
            byte = 0x20
        }
        return byte < 0x20 || byte == 0x7f ? nil : byte
    }
}
