// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Which private keys are taken, and what they sign.
@Suite struct SigningKeyTests {
    typealias Algorithm = SigningKey.Algorithm

    static func key(
        _ text: String, _ algorithm: Algorithm? = nil, keyID: String? = nil
    ) throws(VaultError) -> SigningKey {
        try SigningKey(privateKey: text.secret(), algorithm: algorithm, keyID: keyID)
    }

    /// RFC 7515 appendix A.2 and RFC 8037 appendix A.4: both algorithms have but one signature.
    @Test(arguments: [
        (
            SigningKeys.rsa, Algorithm.rs256,
            "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
                + "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O"
                + "8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBA"
                + "rLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6"
                + "BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN"
                + "_IoypGlUPQGe77Rw"
        ),
        (
            SigningKeys.ed25519, .edDSA,
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        ),
    ])
    func signsAsTheRFCsDo(
        _ text: String, _ algorithm: Algorithm, _ message: String, _ signature: String
    ) throws {
        let signingKey = try Self.key(text)
        #expect(signingKey.algorithm == algorithm)
        let made = try message.lend { (span) throws(VaultError) in
            try PrivateKey(der: signingKey.privateKey.bytes)?.sign(span, by: algorithm)
        }
        switch made {
        case .some(let made): #expect(TextEncoding.base64URLText(made.bytes) == signature)
        case .none: Issue.record("no signature")
        }
    }

    /// RFC 8037 appendix A.3, and the same worked out by jwcrypto for the others.
    @Test(arguments: [
        (SigningKeys.rsa, "IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8"),
        (SigningKeys.p256, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U"),
        (SigningKeys.ed25519, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    ])
    func isKnownByItsThumbprint(_ text: String, _ thumbprint: String) throws {
        let key = try Self.key(text)
        #expect(key.keyID == thumbprint)
        let named = try Self.key(text, keyID: "k\"1")
        #expect(try named.publicKey().contains(#""kid":"k\"1"}"#))
        let nameless = try Self.key(text, keyID: "")
        #expect(try !nameless.publicKey().contains("kid"))
    }

    @Test func showsThePublicHalfAlone() throws {
        let ed25519 = try Self.key(SigningKeys.ed25519, keyID: "1")
        #expect(
            try ed25519.publicKey()
                == #"{"crv":"Ed25519","kty":"OKP","#
                + #""x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","alg":"EdDSA","#
                + #""kid":"1"}"#)
        let p256 = try Self.key(SigningKeys.p256, keyID: "1")
        #expect(
            try p256.publicKey()
                == #"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
                + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","use":"sig","alg":"ES256","#
                + #""kid":"1"}"#)
        let rsa = try Self.key(SigningKeys.rsa, .ps256)
        let jwk = try rsa.publicKey()
        #expect(jwk.hasPrefix(#"{"e":"AQAB","kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_"#))
        #expect(jwk.contains(#""alg":"PS256""#))
        #expect(!jwk.contains(#""d":"#))
    }

    /// PKCS#1, SEC1 behind its parameters, and DER.
    @Test func readsWhatOpenSSLWrites() async throws {
        let pkcs1 = try await SigningKeys.openssl(["rsa", "-traditional"], input: SigningKeys.rsa)
        #expect(pkcs1.contains("BEGIN RSA PRIVATE KEY"))
        #expect(try Self.key(pkcs1).algorithm == .rs256)
        let sec1 = try await SigningKeys.openssl(
            ["ecparam", "-genkey", "-name", "prime256v1"])
        #expect(sec1.contains("BEGIN EC PARAMETERS") && sec1.contains("BEGIN EC PRIVATE KEY"))
        #expect(try Self.key(sec1).algorithm == .es256)
        let windows = SigningKeys.p256.replacing("\n", with: "\r\n")
        #expect(try Self.key("A comment\r\n" + windows).algorithm == .es256)
        let key = try Self.key(SigningKeys.ed25519)
        let again = try SigningKey(privateKey: key.privateKey.copy())
        #expect(again.algorithm == .edDSA)
        #expect(again.keyID == key.keyID)
    }

    struct Refused: Sendable {
        let arguments: [String]
        var input = ""
        var algorithm: Algorithm?
        let cause: FailureCause
        var number = 0
    }

    @Test(arguments: [
        Refused(
            arguments: ["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:2040"],
            cause: .keyTooShort, number: 2048),
        Refused(
            arguments: ["genpkey", "-algorithm", "rsa", "-pkeyopt", "rsa_keygen_bits:1024"],
            algorithm: .ps256, cause: .keyTooShort, number: 2048),
        Refused(
            arguments: ["ecparam", "-genkey", "-name", "secp384r1", "-noout"], cause: .otherCurve),
        Refused(
            arguments: ["ecparam", "-genkey", "-name", "secp256k1"], cause: .otherCurve),
        Refused(arguments: ["genpkey", "-algorithm", "ed448"], cause: .otherKindOfKey),
        Refused(arguments: ["genpkey", "-algorithm", "x25519"], cause: .otherKindOfKey),
        Refused(
            arguments: ["genpkey", "-algorithm", "rsa-pss"], algorithm: .ps256,
            cause: .otherKindOfKey),
        Refused(arguments: ["pkey", "-pubout"], input: SigningKeys.p256, cause: .publicKey),
        Refused(
            arguments: ["rsa", "-RSAPublicKey_out"], input: SigningKeys.rsa, cause: .publicKey),
        Refused(
            arguments: ["req", "-x509", "-key", "/dev/stdin", "-subj", "/CN=a"],
            input: SigningKeys.p256, cause: .publicKey),
        Refused(
            arguments: ["pkcs8", "-topk8", "-passout", "pass:secret"], input: SigningKeys.rsa,
            cause: .keyEncrypted),
        Refused(
            arguments: ["rsa", "-traditional", "-aes128", "-passout", "pass:secret"],
            input: SigningKeys.rsa, cause: .keyEncrypted),
        Refused(
            arguments: ["pkey"], input: SigningKeys.rsa, algorithm: .es256,
            cause: .algorithmOfOtherKey),
        Refused(
            arguments: ["pkey"], input: SigningKeys.p256, algorithm: .rs256,
            cause: .algorithmOfOtherKey),
        Refused(
            arguments: ["pkey"], input: SigningKeys.ed25519, algorithm: .ps256,
            cause: .algorithmOfOtherKey),
        Refused(arguments: ["version"], cause: .malformedKey),
    ])
    func isRefused(_ refused: Refused) async throws {
        let text = try await SigningKeys.openssl(refused.arguments, input: refused.input)
        try #require(!text.isEmpty)
        do throws(VaultError) {
            _ = try Self.key(text, refused.algorithm)
            Issue.record("it was taken")
        } catch {
            #expect(error.detail.subject == .signingKey)
            #expect(error.detail.cause == refused.cause)
            #expect(error.number == refused.number)
        }
    }

    /// The same without armour: OpenSSL would ask the terminal for a passphrase.
    @Test func isRefusedAsDER() throws {
        let encrypted: [UInt8] = [0x30, 0x06, 0x30, 0x00, 0x04, 0x02, 1, 2]
        let publicKey: [UInt8] = [0x30, 0x06, 0x30, 0x00, 0x03, 0x02, 0, 2]
        for (bytes, cause) in [
            (encrypted, FailureCause.keyEncrypted), (publicKey, .publicKey),
            ([0x30, 0x03, 0x02, 0x01, 0x00], .malformedKey), ([0x30, 0x82, 0xff], .malformedKey),
            ([0x30], .malformedKey), ([], .malformedKey),
        ] {
            let found = Self.cause {
                try bytes.lend { (span) throws(VaultError) in try Secret(copying: span) }
            }
            #expect(found == cause, "\(bytes)")
        }
        let long = Self.cause { try Secret(zeroes: SigningKey.bytesMax + 1) }
        #expect(long == .tooLong)
        let damaged = Self.cause { try SigningKeys.p256.replacing("MIGH", with: "MIGG").secret() }
        #expect(damaged == .malformedKey)
    }

    private static func cause(_ secret: () throws -> Secret) -> FailureCause? {
        do {
            let key = try secret()
            _ = try SigningKey(privateKey: key)
            return nil
        } catch { return (error as? VaultError)?.detail.cause }
    }

    /// A file that holds the halves of two keys signs what nobody can verify.
    @Test func aKeyOfTwoHalvesIsRefused() async throws {
        let other = try await SigningKeys.openssl(["ecparam", "-genkey", "-name", "prime256v1"])
        let theirs = try Self.key(other)
        let ours = try Self.key(SigningKeys.p256)
        // The public half is the end of both.
        var mixed = try ours.privateKey.copy()
        let tail = theirs.privateKey.bytes.extracting(
            theirs.privateKey.count - 64..<theirs.privateKey.count)
        mixed.store(tail, at: mixed.count - 64)
        do throws(VaultError) {
            _ = try SigningKey(privateKey: mixed)
            Issue.record("it was taken")
        } catch { #expect(error.detail.cause == .malformedKey) }
    }
}
