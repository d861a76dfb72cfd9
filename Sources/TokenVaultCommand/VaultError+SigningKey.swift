// SPDX-License-Identifier: Apache-2.0

import TokenVault

// What to say of a signing key.
extension VaultError {
    var signingKey: KnownCause {
        let rule =
            switch detail.cause {
            case .empty:
                "is missing, and the application authenticates with one (private_key_jwt): give "
                    + "--signing-key-file"
            case .keyUnused:
                "is given, and the application authenticates otherwise: leave it out, or say "
                    + "private_key_jwt as client_authentication"
            case .keyEncrypted:
                "is encrypted: decrypt it first, into a file that only you can read (`openssl pkey "
                    + "-in KEY -out NEW`); the vault seals it"
            case .publicKey:
                "is a public key or a certificate: give the private key that belongs to it"
            case .keyTooShort:
                "has fewer than \(number) bits, which no provider should accept: make a new one "
                    + "(`openssl genpkey -algorithm ed25519`)"
            case .keyTooLong:
                "has more than \(number) bits, and each signature takes too long: make a shorter "
                    + "one"
            case .otherCurve:
                "lies on another curve than P-256, the one of ES256: make a new one (`openssl "
                    + "genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256`)"
            case .otherKindOfKey:
                "is of a kind that signs no tokens: make one of RSA, P-256 or Ed25519"
            case .algorithmOfOtherKey:
                "does not sign by that algorithm: RS256 and PS256 take an RSA key, ES256 one on "
                    + "P-256, EdDSA one of Ed25519"
            case .tooLong where code == .limitExceeded:
                "is longer than \(number) bytes: give the private key alone"
            case .tooLong, .controlCharacter:
                "has an id (--key-id) with a control character in it, or of more than "
                    + "\(SigningKey.keyIDBytesMax) bytes"
            default:
                "cannot be read: give it as PKCS#8, PKCS#1 or SEC1, PEM or DER, undamaged "
                    + "(`openssl pkey -in KEY -out NEW` makes PKCS#8)"
            }
        return KnownCause("the signing key \(rule)", .usage)
    }
}
