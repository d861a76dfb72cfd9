// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault token`.
struct TokenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "token",
        abstract: "Print a connection's access token, refreshed first where it is no good.",
        discussion: """
            A token that has expired, or that was reported `rejected` and can be renewed, is \
            refreshed first, and not printed where that fails. The token and a line end go to \
            stdout. To a terminal they go only with --reveal: a terminal keeps what it has shown, \
            and others may look on.

            EXAMPLES
              echo "Authorization: Bearer $(tokenvault token anna)" |
                curl -H @- https://api.example.com/
              tokenvault token anna --min-ttl 300 > /run/user/1000/token
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @Option(
        name: .customLong("min-ttl"), parsing: .unconditional,
        help: "How many seconds the token must live at least, up to 86400.")
    var minimumSeconds = 0

    @Flag(help: "Print it even to a terminal.")
    var reveal = false

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard (0...86_400).contains(minimumSeconds) else {
            throw ValidationError("--min-ttl is 0 to 86400 seconds")
        }
    }

    func run() async throws {
        // Asked before the vault is: nothing is opened that will not be used.
        guard reveal || !Outlet.output.isTerminal else {
            throw CommandFailure(
                .refused, "a token is not shown on a terminal: give --reveal, or use a pipe")
        }
        try await options.withDoor(readsUnverified: reading.readUnverified) { door in
            try await door.withToken(id: id, minimumSeconds: minimumSeconds) { token in
                try Outlet.output.line(token)
            }
        }
    }
}
