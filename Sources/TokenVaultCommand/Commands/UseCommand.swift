// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault use`.
struct UseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use",
        abstract: "Report that a connection was used and that it worked.",
        discussion: """
            Turns its light green. At most one use a minute is written down, unless the one \
            before it failed.

            EXAMPLES
              tokenvault use anna
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { try await $0.ask(.use(id: id)) }
    }
}
