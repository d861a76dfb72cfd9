// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault rejected`.
struct RejectedCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rejected",
        abstract: "Report that the provider's API rejected a connection's token (401).",
        discussion: """
            Refreshes it, once. With --generation, which `tokenvault status --json` gives, a late \
            rejection of a token that was replaced meanwhile costs nothing: ask for the generation \
            before the token. Until another token comes, the light is red, and `tokenvault token` \
            does not print the one that was rejected: it tries to refresh it. Where nothing can \
            renew it, the exit status is 79. `tokenvault use` takes a wrong report back.

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
