// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault app remove`.
struct AppRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Erase an application and its client secret.",
        discussion: """
            Its connections stay, but can no longer be refreshed: disconnect them first.

            EXAMPLES
              tokenvault app remove crm
            """)

    @Argument(help: "The application's id.")
    var id: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { try await $0.ask(.removeApplication(id: id)) }
        try Outlet.output.line("application \(id.printable) removed")
    }
}
