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
        var left = 0
        try await options.withDoor { door in
            try await door.ask(.removeApplication(id: id))
            try await door.ask(.list) { reply in
                if case .status(let status) = reply, status.application == id { left += 1 }
            }
        }
        try Outlet.output.line("application \(id.printable) removed")
        guard left > 0 else { return }
        try Outlet.output.line(
            "\(left == 1 ? "1 connection is" : "\(left) connections are") left, and nothing "
                + "refreshes them: add the application again, or disconnect them")
    }
}
