// SPDX-License-Identifier: Apache-2.0

/// The text of a new key of the JSON API, to be shown once: `tv_`, its id, `_`, and 43 characters
/// of base64url for 256 random bits.
///
/// The vault keeps BLAKE2b of the last part. A slow hash would gain nothing: it makes a guess at a
/// password dear, and there is no guess at 256 random bits.
public struct APIKeySecret: ~Copyable, Sendable {
    /// The id within it, which is no secret.
    public let id: String
    /// All of it; wiped where this goes.
    public let text: Secret

    private static let prefix = "tv_"
    private static let secretBytes = 32
    /// How long the part is that is secret, as text.
    private static let secretTextBytes = 43
    private static let textBytes = prefix.utf8.count + APIKey.idBytes + 1 + secretTextBytes

    /// A new one.
    ///
    /// - Throws: `tooManySecrets`.
    public init() throws(VaultError) {
        let number = try Secret(random: APIKey.idBytes / 2)
        let secret = try Secret(random: Self.secretBytes)
        var id = ""
        for index in 0..<number.count {
            let byte = number.bytes.byte(at: index)
            for digit in [byte >> 4, byte & 15] { id += String(digit, radix: 16) }
        }
        var text = try Secret(capacity: Self.textBytes)
        guard text.append(Self.prefix), text.append(id), text.append("_"),
            TextEncoding.appendBase64URL(secret.bytes, to: &text)
        else { throw VaultError(.limitExceeded, .authorize, number: Self.textBytes) }
        self.id = id
        self.text = text
    }

    /// What the vault keeps of it.
    ///
    /// - Throws: `tooManySecrets`.
    package borrowing func hash() throws(VaultError) -> Secret {
        try Self.hash(of: text.bytes.extracting(last: Self.secretTextBytes))
    }

    private static func hash(of secret: RawSpan) throws(VaultError) -> Secret {
        var hash = try Secret(zeroes: Sodium.hashBytes)
        var output = hash.mutableBytes
        Sodium.hash(secret, into: &output)
        return hash
    }

    /// The id in what somebody shows as a key; nil where it has not a key's form.
    static func id(in shown: RawSpan) -> String? {
        let start = prefix.utf8.count
        let end = start + APIKey.idBytes
        guard shown.byteCount == textBytes, shown.extracting(0..<start).equals(prefix),
            shown.byte(at: end) == UInt8(ascii: "_")
        else { return nil }
        return shown.extracting(start..<end).publicText
    }

    /// The hash of the rest of what has a key's form.
    static func hash(in shown: RawSpan) throws(VaultError) -> Secret {
        try hash(of: shown.extracting(last: secretTextBytes))
    }
}
