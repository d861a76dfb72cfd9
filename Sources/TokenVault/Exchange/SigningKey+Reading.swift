// SPDX-License-Identifier: Apache-2.0

// A private key as files have it.
extension SigningKey {
    /// Reads a private key: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) or SEC1 (RFC 5915), as PEM (RFC
    /// 7468) or as DER. RSA, P-256 or Ed25519; not encrypted.
    ///
    /// It is tried out by a signature that its own public half has to take: about a millisecond.
    ///
    /// - Parameters:
    ///   - privateKey: what the file holds, at most `bytesMax` bytes. In PEM the first private key
    ///     counts.
    ///   - algorithm: nil for the usual one: RS256 for RSA, ES256 for P-256, EdDSA for Ed25519.
    ///   - keyID: the `kid`, at most `keyIDBytesMax` bytes without control characters; nil for the
    ///     thumbprint of the public key (RFC 7638), empty for none.
    /// - Throws: `invalidArgument`, and `limitExceeded` for what is too long: `detail` says what is
    ///   wrong with the key, or that its id or algorithm is; `tooManySecrets`.
    public init(
        privateKey: consuming Secret, algorithm: Algorithm? = nil, keyID: String? = nil
    ) throws(VaultError) {
        // A host may make one before it opens a vault: OpenSSL, once it has allocated, takes no
        // allocator any more.
        MemoryHygiene.install()
        defer { MemoryHygiene.scrubLarge() }
        guard privateKey.count <= Self.bytesMax else {
            throw VaultError(
                .limitExceeded, .exchange, number: Self.bytesMax, .tooLong, .signingKey)
        }
        if let keyID, !keyID.isEmpty,
            let cause = Name.fault(keyID, byteCountMax: Self.keyIDBytesMax)
        {
            throw VaultError(.invalidArgument, .exchange, cause, .signingKey)
        }
        let der = try Self.der(privateKey)
        let (chosen, thumbprint) = try Self.tried(der, algorithm)
        self.init(checked: der, algorithm: chosen, keyID: keyID ?? thumbprint)
    }

    /// How a key that can be used signs, and the thumbprint of its public half.
    private static func tried(
        _ der: borrowing Secret, _ algorithm: Algorithm?
    ) throws(VaultError) -> (Algorithm, String) {
        guard let key = PrivateKey(der: der.bytes) else { throw refused(.malformedKey) }
        let usual = try usualAlgorithm(key)
        let chosen = algorithm ?? usual
        guard chosen == usual || chosen == .ps256 && usual == .rs256 else {
            throw refused(.algorithmOfOtherKey)
        }
        let sample = try Secret("sample")
        let signature = try key.sign(sample.bytes, by: chosen)
        switch signature {
        case .some(let signature)
        where key.verifies(signature.bytes, of: sample.bytes, by: chosen): break
        default: throw refused(.malformedKey)
        }
        guard let half = PublicKey(key) else { throw refused(.malformedKey) }
        return (chosen, try half.thumbprint())
    }

    static func refused(_ cause: FailureCause, number: Int = 0) -> VaultError {
        VaultError(.invalidArgument, .exchange, number: number, cause, .signingKey)
    }

    private static func usualAlgorithm(
        _ key: borrowing PrivateKey
    ) throws(VaultError) -> Algorithm {
        switch key.kind {
        case .p256: return .es256
        case .ed25519: return .edDSA
        case .rsa(let bits):
            guard bits >= rsaBits.lowerBound else {
                throw refused(.keyTooShort, number: rsaBits.lowerBound)
            }
            guard bits <= rsaBits.upperBound else {
                throw refused(.keyTooLong, number: rsaBits.upperBound)
            }
            return .rs256
        case .otherCurve: throw refused(.otherCurve)
        case .other: throw refused(.otherKindOfKey)
        }
    }

    /// The key in DER, whichever way it is written.
    private static func der(_ file: borrowing Secret) throws(VaultError) -> Secret {
        let bytes = file.bytes
        var der: Secret
        if let block = try PEM.privateKey(in: bytes) {
            der = try Secret(capacity: block.byteCount)
            guard TextEncoding.appendBase64Decoded(block, to: &der) else {
                throw refused(.malformedKey)
            }
        } else {
            der = try file.copy()
        }
        switch DERKey.form(of: der.bytes) {
        case .privateKey: return der.compacted()
        case .encrypted: throw refused(.keyEncrypted)
        case .publicKey: throw refused(.publicKey)
        case nil: throw refused(.malformedKey)
        }
    }
}

/// The blocks of a PEM file (RFC 7468, and RFC 1421 for those that are encrypted).
private enum PEM {
    /// The base64 of the first private key; nil where the file is no PEM.
    ///
    /// - Throws: where it is PEM and holds none that can be read.
    @_lifetime(copy bytes)
    static func privateKey(in bytes: RawSpan) throws(VaultError) -> RawSpan? {
        guard var offset = end(of: begins, in: bytes, from: 0) else { return nil }
        var holdsPublicKey = false
        while true {
            guard let label = end(of: dashes, in: bytes, from: offset),
                let next = end(of: ends, in: bytes, from: label)
            else { throw SigningKey.refused(.malformedKey) }
            let name = bytes.extracting(offset..<label - dashes.utf8CodeUnitCount)
            let block = bytes.extracting(label..<next - ends.utf8CodeUnitCount)
            if name.equalsText("ENCRYPTED PRIVATE KEY") {
                throw SigningKey.refused(.keyEncrypted)
            }
            if name.equalsText("PRIVATE KEY") || name.equalsText("RSA PRIVATE KEY")
                || name.equalsText("EC PRIVATE KEY")
            {
                // `Proc-Type: 4,ENCRYPTED`: base64 has no colon.
                guard end(of: ":", in: block, from: 0) == nil else {
                    throw SigningKey.refused(.keyEncrypted)
                }
                return block
            }
            holdsPublicKey =
                holdsPublicKey || end(of: "PUBLIC KEY", in: name, from: 0) != nil
                || end(of: "CERTIFICATE", in: name, from: 0) != nil
            guard let following = end(of: begins, in: bytes, from: next) else {
                throw SigningKey.refused(holdsPublicKey ? .publicKey : .malformedKey)
            }
            offset = following
        }
    }

    private static let begins: StaticString = "-----BEGIN "
    private static let ends: StaticString = "-----END "
    private static let dashes: StaticString = "-----"

    /// Where the first such text from `offset` on ends.
    private static func end(
        of text: StaticString, in bytes: RawSpan, from offset: Int
    ) -> Int? {
        var offset = offset
        while offset + text.utf8CodeUnitCount <= bytes.byteCount {
            let end = offset + text.utf8CodeUnitCount
            if bytes.extracting(offset..<end).equalsText(text) { return end }
            offset += 1
        }
        return nil
    }
}

/// What a key in DER is, by its first elements alone (X.690 section 8.1): OpenSSL would ask for a
/// passphrase where it is encrypted.
private enum DERKey {
    enum Form { case privateKey, publicKey, encrypted }

    /// Nil where it is none of them.
    static func form(of bytes: RawSpan) -> Form? {
        guard let outer = element(bytes, at: 0), outer.tag == sequence,
            let first = element(bytes, at: outer.content)
        else { return nil }
        switch first.tag {
        case integer:
            // A version, or the modulus of a public key (RFC 8017 appendix A.1.1).
            return first.end - first.content == 1 ? .privateKey : .publicKey
        case sequence:
            guard let second = element(bytes, at: first.end) else { return nil }
            return second.tag == octets ? .encrypted : .publicKey
        default: return nil
        }
    }

    private static let integer: UInt8 = 0x02
    private static let octets: UInt8 = 0x04
    private static let sequence: UInt8 = 0x30

    private static func element(
        _ bytes: RawSpan, at offset: Int
    ) -> (tag: UInt8, content: Int, end: Int)? {
        guard offset + 2 <= bytes.byteCount else { return nil }
        var length = Int(bytes.byte(at: offset + 1))
        var content = offset + 2
        if length >= 0x80 {
            let count = length & 0x7f
            guard (1...2).contains(count), content + count <= bytes.byteCount else { return nil }
            length = 0
            for _ in 0..<count {
                length = length << 8 | Int(bytes.byte(at: content))
                content += 1
            }
        }
        guard content + length <= bytes.byteCount else { return nil }
        return (bytes.byte(at: offset), content, content + length)
    }
}
