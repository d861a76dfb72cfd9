// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault key`: who may use the JSON API.
struct KeyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make, list or revoke keys of the JSON API.",
        discussion: """
            A key is shown once, when it is made; the vault keeps a hash of it. `tokenvault serve \
            --api` knows it from then on, and no more from the moment when it is revoked.

            EXAMPLES
              tokenvault key create --name billing --scope tokens:read \\
                --connection 'customer-7/*' --expires-in 90d > billing.key
              tokenvault key list
              tokenvault key revoke 6f1e0b5c2a9d4e83
            """,
        subcommands: [
            KeyCreateCommand.self, KeyListCommand.self, KeyRevokeCommand.self,
        ])
}
