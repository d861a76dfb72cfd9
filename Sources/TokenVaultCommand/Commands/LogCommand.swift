// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault log`.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Show what happened to a connection, also to one that is gone.",
        discussion: """
            EXAMPLES
              tokenvault log anna
              tokenvault log anna --limit 10 --json
            """)

    @Argument(help: "The connection's id.")
    var id: String

    @Option(help: "The most entries, the newest ones; up to \(Vault.loggedEventsMax).")
    var limit = 1000

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard (1...Vault.loggedEventsMax).contains(limit) else {
            throw ValidationError("--limit is 1 to \(Vault.loggedEventsMax)")
        }
    }

    func run() async throws {
        var isEmpty = true
        try await options.withDoor(readsUnverified: reading.readUnverified) { door in
            try await door.ask(.log(id: id, limit: limit)) { reply in
                guard case .event(let event) = reply else { return }
                isEmpty = false
                if json { return try Outlet.output.line(JSONLine.of(event)) }
                let number = event.number.map { "  " + EventNumber.text(event.event, $0) } ?? ""
                try Outlet.output.line("\(event.time.time.text)  \(event.event)\(number)")
            }
            guard isEmpty else { return }
            // Of one that never was, that is the answer.
            _ = try await door.status(id: id)
            throw CommandFailure(
                .missing,
                "\(id): it is there, but no entry is left of it: the vault keeps its newest "
                    + "\(Vault.loggedEventsMax), and older ones are gone")
        }
    }
}
