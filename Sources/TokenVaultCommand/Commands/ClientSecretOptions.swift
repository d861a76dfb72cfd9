// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// Where a client secret is read from.
struct ClientSecretOptions: ParsableArguments {
    @Option(
        name: .customLong("client-secret-file"),
        help: "File with the client secret, readable by you alone.")
    var file: String?

    @Option(
        name: .customLong("client-secret-fd"), parsing: .unconditional,
        help: "Inherited descriptor that yields the client secret.")
    var descriptor: Int32?

    /// How many of them are given.
    var count: Int { (file == nil ? 0 : 1) + (descriptor == nil ? 0 : 1) }

    /// Nil where neither is given.
    func read() throws -> Secret? {
        if let file {
            return try SecretInput.read(
                file: file, what: "the client secret", pipe: "--client-secret-fd")
        }
        if let descriptor {
            try SecretInput.check(descriptor: descriptor, "--client-secret-fd")
            return try SecretInput.read(descriptor: descriptor, what: "the client secret")
        }
        return nil
    }
}
