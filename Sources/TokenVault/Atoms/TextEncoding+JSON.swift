// SPDX-License-Identifier: Apache-2.0

extension TextEncoding {
    /// Appends the inside of a JSON string (RFC 8259 section 7) that stands for UTF-8 text. False
    /// where the secret is full.
    static func appendJSONEscaped(_ span: RawSpan, to secret: inout Secret) -> Bool {
        var offset = 0
        while offset < span.byteCount {
            let end = plainEnd(span, from: offset)
            if end > offset, !secret.append(span.extracting(offset..<end)) { return false }
            guard end < span.byteCount else { break }
            let byte = span.byte(at: end)
            guard secret.append(byte: UInt8(ascii: "\\")) else { return false }
            if byte < 0x20 {
                guard secret.append("u00"), secret.append(byte: hexDigit(byte >> 4)),
                    secret.append(byte: hexDigit(byte & 15))
                else { return false }
            } else {
                guard secret.append(byte: byte) else { return false }
            }
            offset = end + 1
        }
        return true
    }

    /// How many bytes `appendJSONEscaped` makes of `span`.
    static func jsonEscapedByteCount(_ span: RawSpan) -> Int {
        var count = span.byteCount
        var offset = plainEnd(span, from: 0)
        while offset < span.byteCount {
            count += span.byte(at: offset) < 0x20 ? 5 : 1
            offset = plainEnd(span, from: offset + 1)
        }
        return count
    }

    /// Where the next byte is that a string must escape, from `offset` on, or the end.
    private static func plainEnd(_ span: RawSpan, from offset: Int) -> Int {
        var offset = offset
        while offset < span.byteCount {
            let byte = span.byte(at: offset)
            if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { break }
            offset += 1
        }
        return offset
    }
}
