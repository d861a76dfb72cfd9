// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault refresh`.
struct RefreshCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh",
        abstract: "Refresh a connection now, whatever its expiry.",
        discussion: """
            Ends when the new tokens are safely on disk. A refresh that is under way is joined.

            EXAMPLES
              tokenvault refresh anna
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { try await $0.ask(.refresh(id: id)) }
        try Outlet.output.line("\(id.printable) refreshed")
    }
}
