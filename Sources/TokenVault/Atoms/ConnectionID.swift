// SPDX-License-Identifier: Apache-2.0

/// The platform's own name for one connected account; stays the same when it is reconnected.
///
/// 1 to 255 bytes of UTF-8 without control characters, compared byte by byte. It is blinded before
/// it is used as a key on disk and sealed inside the record.
public struct ConnectionID: Sendable {
    /// The longest id, in bytes of UTF-8.
    public static let byteCountMax = 255

    /// The id as text.
    public let text: String

    /// - Throws: `invalidArgument` where the text breaks the limits above.
    public init(_ text: String) throws(VaultError) {
        if let cause = Name.fault(text, byteCountMax: Self.byteCountMax) {
            throw VaultError(
                .invalidArgument, .atoms, number: cause == .tooLong ? Self.byteCountMax : 0, cause,
                .connectionID)
        }
        self.text = text
    }
}

extension ConnectionID: Hashable {
    // Not String's own ==, which equates canonically equivalent texts: two ids that differ in their
    // bytes are two connections.
    /// True where both have the same bytes.
    public static func == (left: Self, right: Self) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    /// Hashes the bytes.
    public func hash(into hasher: inout Hasher) {
        for byte in text.utf8 { hasher.combine(byte) }
    }
}

extension ConnectionID: CustomStringConvertible {
    /// The id as text.
    public var description: String { text }
}

/// The form that every name given by the platform has to have.
enum Name {
    static func isWellFormed(_ text: String, byteCountMax: Int) -> Bool {
        fault(text, byteCountMax: byteCountMax) == nil
    }

    /// Which rule it breaks; nil where none.
    static func fault(_ text: String, byteCountMax: Int) -> FailureCause? {
        let count = text.utf8.count
        guard count >= 1 else { return .empty }
        guard count <= byteCountMax else { return .tooLong }
        let isPlain = text.unicodeScalars.allSatisfy { scalar in
            scalar.value >= 0x20 && scalar.value != 0x7f && !(0x80...0x9f).contains(scalar.value)
                && scalar.value != 0x2028 && scalar.value != 0x2029
        }
        return isPlain ? nil : .controlCharacter
    }
}
