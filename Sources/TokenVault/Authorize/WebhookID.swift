// SPDX-License-Identifier: Apache-2.0

/// Names a webhook: `wh_` and 16 hexadecimal digits, which the vault chooses.
public struct WebhookID: Hashable, Sendable, CustomStringConvertible {
    private static let prefix = "wh_"
    /// How many random bytes the digits stand for.
    static let byteCount = 8

    /// The id as text.
    public let text: String

    /// Reads one.
    ///
    /// - Throws: `invalidArgument` for anything else.
    public init(_ text: String) throws(VaultError) {
        let digits = text.utf8.dropFirst(Self.prefix.utf8.count)
        guard text.hasPrefix(Self.prefix), digits.count == 2 * Self.byteCount,
            digits.allSatisfy({ TextEncoding.hexValue($0) != nil }), text.lowercased() == text
        else { throw VaultError(.invalidArgument, .authorize) }
        self.text = text
    }

    /// One that nobody has.
    init(random: UInt64) {
        let digits = String(random, radix: 16)
        let zeros = String(repeating: "0", count: 2 * Self.byteCount - digits.utf8.count)
        text = Self.prefix + zeros + digits
    }

    /// The id.
    public var description: String { text }
}
