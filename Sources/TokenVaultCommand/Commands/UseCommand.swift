// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault use`.
struct UseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use",
        abstract: "Report that a connection was used and that it worked.",
        discussion: """
            Turns its light green. Written at most once a minute, unless the use before failed.

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
