// SPDX-License-Identifier: Apache-2.0

/// What an export is sealed with, or opened.
public enum ExportKey: ~Copyable, Sendable {
    /// A passphrase of 8 to 1,024 bytes, stretched by Argon2id at MODERATE: 3 passes over 256 MiB.
    case passphrase(Secret)
    /// Seals to one recipient, by his public key in 64 hexadecimal digits: X25519.
    case publicKey(String)
    /// Opens what was sealed to its public key: 64 hexadecimal digits.
    case privateKey(Secret)

    /// A new pair of keys of a recipient, in hexadecimal digits. The private one is nowhere else.
    ///
    /// - Throws: `tooManySecrets`.
    public static func makePair() throws(VaultError) -> Pair {
        precondition(Sodium.ready)
        var open = try Secret(zeroes: Sodium.keyBytes)
        var secret = try Secret(zeroes: Sodium.keyBytes)
        var openBytes = open.mutableBytes
        var secretBytes = secret.mutableBytes
        Sodium.makeKeyPair(publicKey: &openBytes, privateKey: &secretBytes)
        let text = try hex(open.bytes)
        return Pair(publicKey: text.bytes.publicText ?? "", privateKey: try hex(secret.bytes))
    }

    /// The keys of a recipient.
    public struct Pair: ~Copyable, Sendable {
        /// What others seal to.
        public let publicKey: String
        /// What opens it.
        public let privateKey: Secret
    }

    static func hex(_ bytes: RawSpan) throws(VaultError) -> Secret {
        var text = try Secret(zeroes: 2 * bytes.byteCount)
        for index in 0..<bytes.byteCount {
            text.store(TextEncoding.hexDigit(bytes.byte(at: index) >> 4), at: 2 * index)
            text.store(TextEncoding.hexDigit(bytes.byte(at: index) & 15), at: 2 * index + 1)
        }
        return text
    }

    /// The 32 bytes that 64 digits stand for; nil where they are something else.
    static func key(_ text: RawSpan) throws(VaultError) -> Secret? {
        guard text.byteCount == 2 * Sodium.keyBytes else { return nil }
        var key = try Secret(zeroes: Sodium.keyBytes)
        for index in 0..<Sodium.keyBytes {
            guard let high = TextEncoding.hexValue(text.byte(at: 2 * index)),
                let low = TextEncoding.hexValue(text.byte(at: 2 * index + 1))
            else { return nil }
            key.store(high << 4 | low, at: index)
        }
        return key
    }
}

/// Why an export cannot be made or read.
public struct ExportError: Error, Hashable, Sendable {
    /// The reason.
    @nonexhaustive
    public enum Reason: String, Sendable {
        /// The file does not begin as an export does.
        case notAnExport
        /// A version of the format that is not known here.
        case newerVersion
        /// Its first 256 bytes were changed, or are not all there.
        case headerAltered
        /// The passphrase is another one.
        case wrongPassphrase
        /// The passphrase has less than 8 bytes, or more than 1,024.
        case malformedPassphrase
        /// It was sealed to another public key.
        case wrongPrivateKey
        /// The key is not 64 hexadecimal digits, or no key of X25519.
        case malformedKey
        /// It was sealed with a passphrase, and another kind of key is given.
        case needsPassphrase
        /// It was sealed to a public key, and another kind of key is given.
        case needsPrivateKey
        /// Chunk `chunk` was changed, or is not the one that belongs there.
        case chunkAltered
        /// The file ends before its last chunk does.
        case truncated
        /// Something follows the last chunk.
        case appended
        /// There is something at the path already.
        case exists
        /// There is no memory to stretch the passphrase.
        case outOfMemory
    }

    /// The reason.
    public let reason: Reason
    /// Which chunk it is, from 0 on, where it is one.
    public let chunk: Int

    init(_ reason: Reason, chunk: Int = 0) {
        self.reason = reason
        self.chunk = chunk
    }
}
