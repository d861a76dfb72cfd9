// SPDX-License-Identifier: Apache-2.0

/// A private key with which an application signs what it says of itself: JSON Web Tokens (RFC 7519)
/// for `private_key_jwt` (RFC 7523 section 2.2, OpenID Connect Core section 9), and to ask for
/// tokens with (RFC 7523 section 2.1).
///
/// It lies in a ``Secret`` and leaves it for the time of one signature: OpenSSL then holds it on a
/// heap that wipes what it frees (``MemoryHygiene/install()``).
public struct SigningKey: ~Copyable, Sendable {
    /// How it signs (RFC 7518 section 3.1, RFC 8037 section 3.1).
    @nonexhaustive
    public enum Algorithm: UInt8, Sendable, CaseIterable {
        /// RSASSA-PKCS1-v1_5 with SHA-256.
        case rs256 = 1
        /// RSASSA-PSS with SHA-256.
        case ps256 = 2
        /// ECDSA on P-256 with SHA-256.
        case es256 = 3
        /// Ed25519.
        case edDSA = 4

        /// As `alg` has it: `RS256`, `PS256`, `ES256` or `EdDSA`.
        public var name: String {
            switch self {
            case .rs256: "RS256"
            case .ps256: "PS256"
            case .es256: "ES256"
            case .edDSA: "EdDSA"
            }
        }

        /// The one with this name, exactly.
        public init?(name: String) {
            guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
            self = found
        }
    }

    /// How it signs.
    public let algorithm: Algorithm
    /// The `kid` of what it signs, by which the provider finds the public key; empty where there is
    /// none.
    public let keyID: String
    /// PKCS#8, PKCS#1 or SEC1, in DER.
    let privateKey: Secret

    /// One that was checked, such as one from the vault's own record.
    init(checked privateKey: consuming Secret, algorithm: Algorithm, keyID: String) {
        (self.algorithm, self.keyID) = (algorithm, keyID)
        self.privateKey = privateKey
    }

    /// Another one with the same content, in a block of its own.
    func copy() throws(VaultError) -> SigningKey {
        SigningKey(checked: try privateKey.copy(), algorithm: algorithm, keyID: keyID)
    }

    /// The longest private key, in bytes, PEM or not: one of RSA with 8,192 bits has 6,400.
    public static let bytesMax = 16_384
    /// The longest key id, in bytes.
    public static let keyIDBytesMax = 256
    /// How long the modulus of an RSA key is, in bits: RFC 7518 section 3.3 has the least; longer
    /// ones take too long.
    public static let rsaBits = 2048...8192
}
