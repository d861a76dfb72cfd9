// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault app remove`.
struct AppRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Erase an application and its client secret.",
        discussion: """
            Its connections stay, but can no longer be refreshed, and without it nobody can revoke \
            their tokens at the provider: disconnect them first.

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
        let (connections, them) =
            left == 1 ? ("1 connection is", "it") : ("\(left) connections are", "them")
        try Outlet.output.line(
            "\(connections) left; without the application nothing refreshes \(them), and a "
                + "disconnect erases the tokens here, but cannot revoke them at the provider: "
                + "add the application again, disconnect \(them), and remove it then")
    }
}
