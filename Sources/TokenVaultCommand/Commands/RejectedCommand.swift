// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault rejected`.
struct RejectedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejected",
        abstract: "Report that the provider's API rejected a connection's token (401).",
        discussion: """
            Refreshes the token once. With --generation, which `tokenvault status --json` prints, \
            a late rejection of a token that has been replaced since does nothing: ask for the \
            generation before you ask for the token. Until another token comes, the light is red, \
            and `tokenvault token` tries to refresh it first. If nothing can renew the token, the \
            exit status is 79. `tokenvault use` takes a wrong report back.

            EXAMPLES
              generation=$(tokenvault status anna --json | jq .generation)
              tokenvault rejected anna --generation "$generation"
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @Option(
        parsing: .unconditional, help: "The version that was rejected; without it the present one.")
    var generation: UInt64?

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor {
            try await $0.ask(.rejected(id: id, generation: generation))
        }
    }
}
