// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// Where a private key is read from, and how it signs.
struct SigningKeyOptions: ParsableArguments {
    @Option(
        name: .customLong("signing-key-file"),
        help: """
            File with the private key (PEM or DER, not encrypted) of private_key_jwt, readable by \
            you alone.
            """)
    var file: String?

    @Option(
        name: .customLong("signing-key-fd"), parsing: .unconditional,
        help: "Inherited descriptor that yields the private key.")
    var descriptor: Int32?

    @Option(
        name: .customLong("signing-algorithm"),
        help: """
            RS256 (default for RSA), PS256, ES256 (default for P-256) or EdDSA (default for \
            Ed25519).
            """)
    var algorithm: String?

    @Option(
        name: .customLong("key-id"),
        help: """
            The kid by which the provider finds the public key; by default its thumbprint (RFC \
            7638), none where it is empty.
            """)
    var keyID: String?

    func validate() throws {
        guard file == nil || descriptor == nil else {
            throw ValidationError("give one of --signing-key-file and --signing-key-fd")
        }
        guard isGiven || algorithm == nil && keyID == nil else {
            throw ValidationError(
                "--signing-algorithm and --key-id go with a key: give --signing-key-file")
        }
        guard algorithm.map({ SigningKey.Algorithm(name: $0) != nil }) ?? true else {
            throw ValidationError("--signing-algorithm is RS256, PS256, ES256 or EdDSA")
        }
    }

    /// Whether there is a key.
    var isGiven: Bool { file != nil || descriptor != nil }

    /// Nil where there is none.
    func read() throws -> Secret? {
        let what = "the signing key"
        if let file {
            return try SecretInput.read(
                file: file, what: what, pipe: "--signing-key-fd", isBinary: true)
        }
        if let descriptor {
            try SecretInput.check(descriptor: descriptor, "--signing-key-fd")
            return try SecretInput.read(descriptor: descriptor, what: what, isBinary: true)
        }
        return nil
    }
}
