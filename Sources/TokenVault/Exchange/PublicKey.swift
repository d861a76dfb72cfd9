// SPDX-License-Identifier: Apache-2.0

/// The public half of a signing key, as a JSON Web Key has it (RFC 7517, RFC 7518 section 6, RFC
/// 8037 section 2). No secret is in it.
struct PublicKey {
    /// What makes it this key, in the order of its thumbprint: by name (RFC 7638 section 3.2).
    private let members: [(name: String, value: String)]

    /// Nil where OpenSSL does not tell.
    init?(_ key: borrowing PrivateKey) {
        switch key.kind {
        case .rsa:
            guard let exponent = key.publicNumber("e"), let modulus = key.publicNumber("n") else {
                return nil
            }
            members = [("e", Self.text(exponent)), ("kty", "RSA"), ("n", Self.text(modulus))]
        case .p256:
            guard let x = key.publicNumber("qx", count: 32),
                let y = key.publicNumber("qy", count: 32)
            else { return nil }
            members = [
                ("crv", "P-256"), ("kty", "EC"), ("x", Self.text(x)), ("y", Self.text(y)),
            ]
        case .ed25519:
            guard let raw = key.rawPublicKey else { return nil }
            members = [("crv", "Ed25519"), ("kty", "OKP"), ("x", Self.text(raw))]
        case .otherCurve, .other: return nil
        }
    }

    /// SHA-256 of the key in base64url (RFC 7638 section 3).
    ///
    /// - Throws: `tooManySecrets`.
    func thumbprint() throws(VaultError) -> String {
        var digest = try Secret(zeroes: Sodium.sha256Bytes)
        var span = digest.mutableBytes
        let text = json(members)
        unsafe Sodium.sha256(text.utf8Span.span.bytes, into: &span)
        return TextEncoding.base64URLText(digest.bytes)
    }

    /// The key as a provider registers it: one JSON object.
    func jwk(_ algorithm: SigningKey.Algorithm, keyID: String) -> String {
        var all = members + [("use", "sig"), ("alg", algorithm.name)]
        if !keyID.isEmpty { all.append(("kid", keyID)) }
        return json(all)
    }

    private func json(_ members: [(name: String, value: String)]) -> String {
        let inside = members.map { "\"\($0.name)\":\"\(Self.escaped($0.value))\"" }
        return "{\(inside.joined(separator: ","))}"
    }

    /// Only a key id has anything to escape, and no control characters.
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
    }

    private static func text(_ bytes: [UInt8]) -> String {
        unsafe TextEncoding.base64URLText(bytes.span.bytes)
    }
}

extension SigningKey {
    /// The public half as a JSON Web Key (RFC 7517), to be registered at the provider: `use` is
    /// `sig`, `alg` the algorithm, `kid` the key id where there is one. No secret is in it.
    ///
    /// - Throws: `invalidArgument` where OpenSSL has no room for the key.
    public func publicKey() throws(VaultError) -> String {
        defer { MemoryHygiene.scrubLarge() }
        guard let key = PrivateKey(der: privateKey.bytes), let half = PublicKey(key) else {
            throw Self.refused(.malformedKey)
        }
        return half.jwk(algorithm, keyID: keyID)
    }
}
