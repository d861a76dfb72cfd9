// SPDX-License-Identifier: Apache-2.0

/// What one field of a sealed record holds of a setting, as `RecordFormat` writes it.
package enum FieldValue: Hashable, Sendable {
    /// A flag or a small number: 1 byte.
    case byte(UInt8)
    /// 4 bytes.
    case count(UInt32)
    /// 8 bytes.
    case seconds(Int64)
    case text(String)
    /// A name and a value.
    case pair(String, String)

    /// Which of them the fields of one tag are.
    package enum Kind: Sendable {
        case byte, count, seconds, text, pair

        /// Whether a tag may have more than one field of it.
        var isRepeatable: Bool { self == .text || self == .pair }
    }
}

/// A number that a field holds.
struct FieldNumber: Sendable {
    let byteCount: Int
    let value: UInt64

    /// The only one of these values, where it is a number.
    init?(_ values: [FieldValue]) {
        guard values.count == 1 else { return nil }
        switch values[0] {
        case .byte(let byte): (byteCount, value) = (1, UInt64(byte))
        case .count(let count): (byteCount, value) = (4, UInt64(count))
        case .seconds(let seconds): (byteCount, value) = (8, UInt64(bitPattern: seconds))
        case .text, .pair: return nil
        }
    }
}
