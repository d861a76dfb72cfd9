// SPDX-License-Identifier: Apache-2.0

import Crypto
import CryptoExtras
import Foundation

extension ProviderSimulator {
    /// A key that a client has registered: a JSON Web Key (RFC 7517) of RSA, P-256 or Ed25519.
    public struct PublicKey: Sendable, Equatable {
        /// Its `kid`.
        public let keyID: String?
        /// The only `alg` that it is for; nil where it does not say.
        public let algorithm: String?
        private let members: [String: String]

        /// Reads a JSON Web Key. Whether its numbers are a key is seen when something is verified.
        public init(jwk: String) throws(SettingsError) {
            let decoded = try? JSONDecoder().decode([String: String].self, from: Data(jwk.utf8))
            guard let decoded, decoded["kty"] != nil, decoded["d"] == nil else {
                throw SettingsError(description: "no public key as a JSON Web Key")
            }
            members = decoded
            keyID = decoded["kid"]
            algorithm = decoded["alg"]
        }

        /// Whether a signature (RFC 7515) is this key's.
        public func verifies(
            _ signature: [UInt8], of message: some Sequence<UInt8>, algorithm: String
        ) -> Bool {
            guard self.algorithm == nil || self.algorithm == algorithm else { return false }
            let message = Data(message)
            switch (algorithm, members["kty"], members["crv"]) {
            case ("RS256", "RSA", _):
                return verifiesRSA(signature, message, .insecurePKCS1v1_5)
            case ("PS256", "RSA", _): return verifiesRSA(signature, message, .PSS)
            case ("ES256", "EC", "P-256"):
                guard let x = number("x"), let y = number("y"), x.count == 32, y.count == 32,
                    let key = try? P256.Signing.PublicKey(rawRepresentation: x + y),
                    let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
                else { return false }
                return key.isValidSignature(signature, for: message)
            case ("EdDSA", "OKP", "Ed25519"):
                guard let x = number("x"),
                    let key = try? Curve25519.Signing.PublicKey(rawRepresentation: x)
                else { return false }
                return key.isValidSignature(signature, for: message)
            default: return false
            }
        }

        private func verifiesRSA(
            _ signature: [UInt8], _ message: Data, _ padding: _RSA.Signing.Padding
        ) -> Bool {
            guard let n = number("n"), let e = number("e"),
                let key = try? _RSA.Signing.PublicKey(n: n, e: e)
            else { return false }
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: message), padding: padding)
        }

        private func number(_ name: String) -> Data? {
            members[name].flatMap { Base64URL.bytes($0) }.map { Data($0) }
        }
    }
}

/// Base64url without padding (RFC 7515 section 2).
enum Base64URL {
    /// Nil where the text is something else.
    static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        guard !text.contains(where: { "+/=".contains($0) }) else { return nil }
        let plain = String(text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 })
        let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
        return Data(base64Encoded: plain + padding).map { Array($0) }
    }
}
