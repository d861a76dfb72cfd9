// SPDX-License-Identifier: Apache-2.0

/// Finds where a JSON value ends, and looks at nothing else of it: what is wrong inside a member
/// that nobody reads is not looked at (RFC 6749 section 5.1).
///
/// It takes the value piece by piece, and counts brackets, so neither length nor depth costs
/// memory.
struct JSONSkip {
    private enum Place { case start, scalar, string, container }

    private var place = Place.start
    private var isInString = false
    /// Whether the next byte of the string follows a backslash.
    private var isEscaped = false
    private var objects = 0
    private var arrays = 0

    /// Where the value ends that begins, or goes on, at `offset`; nil where the bytes end before.
    ///
    /// - Throws: `providerAnswerUnreadable` where there is no value.
    mutating func end(in bytes: RawSpan, from offset: Int) throws(VaultError) -> Int? {
        guard offset < bytes.byteCount else { return nil }
        switch place {
        case .start:
            switch bytes.byte(at: offset) {
            case UInt8(ascii: "\""):
                place = .string
                return stringEnd(bytes, from: offset + 1)
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                place = .container
                return try containerEnd(bytes, from: offset)
            default:
                guard Self.isScalar(bytes.byte(at: offset)) else { throw JSONScanner.unreadable }
                place = .scalar
                return try scalarEnd(bytes, from: offset)
            }
        case .scalar: return try scalarEnd(bytes, from: offset)
        case .string: return stringEnd(bytes, from: offset)
        case .container: return try containerEnd(bytes, from: offset)
        }
    }

    /// What a number, `true`, `false`, `null`, and what some servers write instead, are made of.
    private static func isScalar(_ byte: UInt8) -> Bool {
        switch byte {
        case ...0x20, UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "["),
            UInt8(ascii: "]"), UInt8(ascii: "{"), UInt8(ascii: "}"):
            false
        default: true
        }
    }

    private func scalarEnd(_ bytes: RawSpan, from offset: Int) throws(VaultError) -> Int? {
        var offset = offset
        while offset < bytes.byteCount {
            guard Self.isScalar(bytes.byte(at: offset)) else { return offset }
            offset += 1
        }
        return nil
    }

    /// Behind the closing quote.
    private mutating func stringEnd(_ bytes: RawSpan, from offset: Int) -> Int? {
        var offset = offset
        while true {
            if isEscaped {
                guard offset < bytes.byteCount else { return nil }
                isEscaped = false
                offset += 1
            }
            offset = JSONText.quoteOrBackslash(bytes, from: offset)
            guard offset < bytes.byteCount else { return nil }
            offset += 1
            if bytes.byte(at: offset - 1) == UInt8(ascii: "\"") { return offset }
            isEscaped = true
        }
    }

    private mutating func containerEnd(
        _ bytes: RawSpan, from offset: Int
    ) throws(VaultError) -> Int? {
        var offset = offset
        while offset < bytes.byteCount {
            if isInString {
                guard let end = stringEnd(bytes, from: offset) else { return nil }
                isInString = false
                offset = end
                continue
            }
            switch bytes.byte(at: offset) {
            case UInt8(ascii: "\""): isInString = true
            case UInt8(ascii: "{"): objects += 1
            case UInt8(ascii: "}"): objects -= 1
            case UInt8(ascii: "["): arrays += 1
            case UInt8(ascii: "]"): arrays -= 1
            default: break
            }
            offset += 1
            guard objects >= 0, arrays >= 0 else { throw JSONScanner.unreadable }
            if objects == 0, arrays == 0, !isInString { return offset }
        }
        return nil
    }
}
