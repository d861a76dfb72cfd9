// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault app refresh-issuer`.
struct AppRefreshIssuerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "refresh-issuer",
        abstract: "Fetch anew what an application's issuer publishes, and adopt it.",
        discussion: """
            Nothing does so by itself. Settings that a definition gave stay as they are. Where \
            secrets would go elsewhere than before, the client would authenticate otherwise, \
            tokens would no longer be revoked, or a check would be given up, the changes are \
            shown and nothing is adopted: ask the provider, then give --accept-change.

            EXAMPLES
              tokenvault app refresh-issuer idp
              tokenvault app refresh-issuer idp --accept-change
            """)

    @Argument(help: "The application's id.")
    var id: String

    @Flag(
        name: .customLong("accept-change"),
        help: "Adopt changes that need approval, too.")
    var acceptChange = false

    @Flag(help: "One JSON object.")
    var json = false

    @OptionGroup var options: VaultOptions

    func run() async throws {
        var found: IssuerRefreshForm?
        try await options.withDoor { door in
            try await door.ask(.refreshIssuer(id: id, acceptsChange: acceptChange)) { reply in
                if case .issuerRefresh(let form) = reply { found = form }
            }
        }
        guard let form = found else {
            throw CommandFailure(
                .internalFault, "the serving process is of another version: restart it")
        }
        if json { try Outlet.output.line(JSONLine.of(form)) }
        try AppAddCommand.warn(form.warnings)
        guard form.isAdopted else { throw AppAddCommand.unaccepted(form.changes) }
        guard !json else { return }
        for change in form.changes { try Outlet.output.line(change.line.printable) }
        let count = form.changes.count
        try Outlet.output.line(
            "application \(id.printable): "
                + (count == 0
                    ? "the issuer says what it said before"
                    : "\(count == 1 ? "1 setting" : "\(count) settings") changed"))
    }
}
