// SPDX-License-Identifier: Apache-2.0

internal import CCrypto

/// A private key as OpenSSL holds it, and the only place that imports it. It is made for one
/// signature and freed after it, so that what OpenSSL works out of a key is never on its heap for
/// longer; whoever used one scrubs the stack.
@safe
struct PrivateKey: ~Copyable {
    private let key: OpaquePointer

    /// Of PKCS#8, PKCS#1 or SEC1, in DER. Nil where OpenSSL cannot read it, or something follows.
    init?(der: RawSpan) {
        let (parsed, isWhole) = unsafe der.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            var end = unsafe start
            let parsed = unsafe d2i_AutoPrivateKey(nil, &end, bytes.count)
            return unsafe (parsed, start.map { unsafe $0 + bytes.count } == end)
        }
        // Else the next one on this thread who asks for errors is told of ours.
        ERR_clear_error()
        guard let parsed = unsafe parsed else { return nil }
        guard isWhole else {
            unsafe EVP_PKEY_free(parsed)
            return nil
        }
        unsafe key = parsed
    }

    deinit { unsafe EVP_PKEY_free(key) }

    /// What kind of key it is.
    enum Kind: Equatable {
        case rsa(bits: Int)
        /// The only curve of ES256 (RFC 7518 section 3.4).
        case p256
        case otherCurve
        case ed25519
        /// One that signs in no way that is known here.
        case other
    }

    /// What it is.
    var kind: Kind {
        if unsafe EVP_PKEY_is_a(key, "RSA") == 1 {
            return .rsa(bits: Int(unsafe EVP_PKEY_get_bits(key)))
        }
        if unsafe EVP_PKEY_is_a(key, "ED25519") == 1 { return .ed25519 }
        guard unsafe EVP_PKEY_is_a(key, "EC") == 1 else { return .other }
        var name = [CChar](repeating: 0, count: 64)
        var count = 0
        guard unsafe EVP_PKEY_get_group_name(key, &name, name.count, &count) == 1 else {
            return .otherCurve
        }
        let text = String(decoding: name.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text == "prime256v1" ? .p256 : .otherCurve
    }

    /// The signature as JSON Web Signature has it (RFC 7518 section 3, RFC 8037 section 3.1), at
    /// most 1,024 bytes; nil where the algorithm does not fit the key, or memory runs out.
    ///
    /// - Throws: as `Secret.init(zeroes:)`.
    func sign(
        _ message: RawSpan, by algorithm: SigningKey.Algorithm
    ) throws(VaultError) -> Secret? {
        defer { ERR_clear_error() }
        guard let context = unsafe EVP_MD_CTX_new() else { return nil }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe begin(context, algorithm, EVP_DigestSignInit) else { return nil }
        var signature = try Secret(zeroes: Self.signatureBytesMax)
        var count = signature.count
        var span = signature.mutableBytes
        let isSigned = unsafe span.withUnsafeMutableBytes { signature in
            unsafe message.withUnsafeBytes { message in
                unsafe EVP_DigestSign(
                    context, signature.baseAddress?.assumingMemoryBound(to: UInt8.self), &count,
                    message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count) == 1
            }
        }
        guard isSigned else { return nil }
        signature.shorten(to: count)
        guard algorithm == .es256 else { return signature }
        return try Self.raw(signature.bytes)
    }

    /// Whether a signature as `sign` makes it is one that its public half expects: a file may hold
    /// halves of two keys.
    func verifies(
        _ signature: RawSpan, of message: RawSpan, by algorithm: SigningKey.Algorithm
    ) -> Bool {
        defer { ERR_clear_error() }
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer { unsafe EVP_MD_CTX_free(context) }
        guard unsafe begin(context, algorithm, EVP_DigestVerifyInit) else { return false }
        guard algorithm != .es256 else {
            return Self.der(ofRaw: signature).map { der in
                unsafe message.withUnsafeBytes { message in
                    unsafe EVP_DigestVerify(
                        context, der, der.count,
                        message.baseAddress?.assumingMemoryBound(to: UInt8.self), message.count)
                        == 1
                }
            } ?? false
        }
        return unsafe signature.withUnsafeBytes { signature in
            unsafe message.withUnsafeBytes { message in
                unsafe EVP_DigestVerify(
                    context, signature.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    signature.count, message.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    message.count) == 1
            }
        }
    }

    private typealias Begin = (
        OpaquePointer, UnsafeMutablePointer<OpaquePointer?>, OpaquePointer?, OpaquePointer?,
        OpaquePointer
    ) -> Int32

    private func begin(
        _ context: OpaquePointer, _ algorithm: SigningKey.Algorithm, _ begin: Begin
    ) -> Bool {
        var details: OpaquePointer?
        let digest = unsafe algorithm == .edDSA ? nil : EVP_sha256()
        guard unsafe begin(context, &details, digest, nil, key) == 1 else { return false }
        guard algorithm == .ps256 else { return true }
        // RFC 7518 section 3.5: the salt is as long as the hash.
        return unsafe EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1
    }

    /// As long as the longest modulus.
    private static let signatureBytesMax = SigningKey.rsaBits.upperBound / 8

    /// The two numbers of an ECDSA signature, 32 bytes each, out of their DER.
    private static func raw(_ der: RawSpan) throws(VaultError) -> Secret? {
        let pair = unsafe der.withUnsafeBytes { bytes in
            var start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe d2i_ECDSA_SIG(nil, &start, bytes.count)
        }
        guard let pair = unsafe pair else { return nil }
        defer { unsafe ECDSA_SIG_free(pair) }
        var raw = try Secret(zeroes: 2 * coordinateBytes)
        var span = raw.mutableBytes
        let fits = unsafe span.withUnsafeMutableBytes { raw in
            guard let start = unsafe raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                return false
            }
            let count = Int32(coordinateBytes)
            return unsafe BN_bn2binpad(ECDSA_SIG_get0_r(pair), start, count) == count
                && BN_bn2binpad(ECDSA_SIG_get0_s(pair), start + coordinateBytes, count) == count
        }
        guard fits else { return nil }
        return raw
    }

    /// The inverse of `raw`.
    private static func der(ofRaw raw: RawSpan) -> [UInt8]? {
        guard raw.byteCount == 2 * coordinateBytes, let pair = unsafe ECDSA_SIG_new() else {
            return nil
        }
        defer { unsafe ECDSA_SIG_free(pair) }
        let isSet = unsafe raw.withUnsafeBytes { raw in
            guard let start = unsafe raw.baseAddress?.assumingMemoryBound(to: UInt8.self) else {
                return false
            }
            let count = Int32(coordinateBytes)
            // From here on the pair has both.
            return unsafe ECDSA_SIG_set0(
                pair, BN_bin2bn(start, count, nil),
                BN_bin2bn(start + coordinateBytes, count, nil)) == 1
        }
        let byteCount = Int(unsafe i2d_ECDSA_SIG(pair, nil))
        guard isSet, byteCount > 0 else { return nil }
        var der = [UInt8](repeating: 0, count: byteCount)
        let written = unsafe der.withUnsafeMutableBufferPointer { der in
            var end = der.baseAddress
            return unsafe i2d_ECDSA_SIG(pair, &end)
        }
        return Int(written) == byteCount ? der : nil
    }

    private static let coordinateBytes = 32

    // MARK: The public half

    /// A number of the public half by OpenSSL's name for it, big-endian; nil where it has none.
    ///
    /// - Parameter count: how many bytes it has, with zeros in front; nil for as few as will do.
    func publicNumber(_ name: String, count: Int? = nil) -> [UInt8]? {
        defer { ERR_clear_error() }
        var number: OpaquePointer?
        guard unsafe EVP_PKEY_get_bn_param(key, name, &number) == 1, let number = unsafe number
        else { return nil }
        defer { unsafe BN_free(number) }
        let least = (Int(unsafe BN_num_bits(number)) + 7) / 8
        var bytes = [UInt8](repeating: 0, count: count ?? least)
        let most = Int32(bytes.count)
        return unsafe BN_bn2binpad(number, &bytes, most) == most ? bytes : nil
    }

    /// The public half of an Ed25519 key.
    var rawPublicKey: [UInt8]? {
        defer { ERR_clear_error() }
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        let isThere = unsafe EVP_PKEY_get_raw_public_key(key, &bytes, &count) == 1
        return isThere && count == bytes.count ? bytes : nil
    }
}
