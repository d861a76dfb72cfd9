// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault app key`.
struct AppKeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Show the public half of an application's signing key, to register it.",
        discussion: """
            One JSON Web Key (RFC 7517), with the key id and the algorithm that go with what the \
            vault signs. Nothing of the private key is in it.

            EXAMPLES
              tokenvault app key crm
              tokenvault app key crm | jq '{keys: [.]}' > jwks.json
            """)

    @Argument(help: "The application's id.")
    var id: String

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func run() async throws {
        var key: String?
        try await options.withDoor(readsUnverified: reading.readUnverified) { door in
            try await door.ask(.applicationKey(id: id)) { reply in
                if case .publicKey(let jwk) = reply { key = jwk }
            }
        }
        guard let key else {
            throw CommandFailure(
                .missing,
                "application \(id.printable) has no signing key: one is given by `tokenvault app "
                    + "add --signing-key-file`")
        }
        try Outlet.output.line(key)
    }
}
