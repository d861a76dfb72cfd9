// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault key revoke`.
struct KeyRevokeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke",
        abstract: "Erase a key of the JSON API: its next request is refused.",
        discussion: """
            EXAMPLES
              tokenvault key revoke 6f1e0b5c2a9d4e83
            """)

    @Argument(help: "The key's id: the first column of `tokenvault key list`.")
    var id: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { door in
            do {
                try await door.ask(.revokeAPIKey(id: id))
            } catch let error as VaultError where error.code == .notFound {
                throw CommandFailure(
                    .missing,
                    "there is no key \(id.printable): see `tokenvault key list` (an id is the 16 "
                        + "digits behind tv_)")
            }
        }
        try Outlet.output.line("key \(id.printable) revoked")
    }
}
