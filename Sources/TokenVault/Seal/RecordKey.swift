// SPDX-License-Identifier: Apache-2.0

/// The blinded name of a record: 32 bytes of keyed BLAKE2b, its key in LMDB.
struct RecordKey: Sendable {
    static let byteCount = 32

    private var stored: InlineArray<32, UInt8>

    /// All zeros: "no record".
    static let none = RecordKey(stored: InlineArray(repeating: 0))

    private init(stored: InlineArray<32, UInt8>) { self.stored = stored }

    /// The 32 bytes of `span` from `offset`.
    init(_ span: RawSpan, at offset: Int = 0) {
        stored = InlineArray { index in span.byte(at: offset + index) }
    }

    /// BLAKE2b of `part` under `key`.
    init(hashing part: RawSpan, key: borrowing Secret) {
        stored = InlineArray(repeating: 0)
        var elements = stored.mutableSpan
        var output = unsafe elements.mutableBytes
        Sodium.hash(part, key: key, into: &output)
    }

    /// BLAKE2b of `part` without a key.
    init(hashing part: RawSpan) {
        stored = InlineArray(repeating: 0)
        var elements = stored.mutableSpan
        var output = unsafe elements.mutableBytes
        Sodium.hash(part, into: &output)
    }

    /// In hexadecimal digits.
    var text: String {
        var text = ""
        for index in 0..<Self.byteCount {
            let byte = bytes.byte(at: index)
            for digit in [byte >> 4, byte & 15] {
                text.unicodeScalars.append(Unicode.Scalar(Self.hexDigit(digit)))
            }
        }
        return text
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    var bytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let elements = stored.span
            return unsafe _overrideLifetime(elements.bytes, borrowing: self)
        }
    }
}

extension RecordKey: Hashable {
    static func == (left: Self, right: Self) -> Bool {
        let (a, b) = (left.bytes, right.bytes)
        for offset in stride(from: 0, to: byteCount, by: 8)
        where a.integer(at: offset, as: UInt64.self) != b.integer(at: offset, as: UInt64.self) {
            return false
        }
        return true
    }

    // The key is a keyed hash already: eight bytes of it spread as well as all.
    func hash(into hasher: inout Hasher) { hasher.combine(bytes.integer(at: 0, as: UInt64.self)) }
}
