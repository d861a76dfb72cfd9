// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault log`.
struct LogCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "Show what happened to a connection or an application, also to one that is gone.",
        discussion: """
            EXAMPLES
              tokenvault log anna
              tokenvault log anna --limit 10 --json
              tokenvault log --app demo
              tokenvault log --all --after 41-1767225600000 --json
            """)

    @Argument(help: "The connection's id.")
    var id: String?

    @Option(help: "The application's id, in place of a connection's.")
    var app: String?

    @Flag(
        help: """
            What happened in the whole vault, the oldest first. Connections that are gone are \
            called by their reference, which `status --json` shows of those that are there.
            """)
    var all = false

    @Option(
        help: """
            With --all, only what comes behind this place: the `cursor` of an event of --json. \
            Where the log does not have that any more, the exit status is 66.
            """)
    var after: String?

    @Option(
        parsing: .unconditional,
        help: """
            The most entries, the newest ones, or with --all the oldest; up to \
            \(Vault.loggedEventsMax).
            """)
    var limit = 1000

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var reading: ReadOptions
    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard (1...Vault.loggedEventsMax).contains(limit) else {
            throw ValidationError("--limit is 1 to \(Vault.loggedEventsMax)")
        }
        guard [id != nil, app != nil, all].count(where: { $0 }) == 1 else {
            throw ValidationError(
                "a connection's id is needed, or --app with an application's, or --all")
        }
        guard let after else { return }
        guard all else { throw ValidationError("--after needs --all") }
        guard (try? EventCursor(after)) != nil else {
            throw ValidationError("--after is the cursor of an event, such as 41-1767225600000")
        }
    }

    func run() async throws {
        var isEmpty = true
        try await options.withDoor(readsUnverified: reading.readUnverified) { door in
            let request: Request =
                if all {
                    .events(after: after, limit: limit)
                } else if let app {
                    .applicationLog(id: app, limit: limit)
                } else {
                    .log(id: id ?? "", limit: limit)
                }
            try await door.ask(request) { reply in
                guard case .event(let event) = reply else { return }
                isEmpty = false
                if json { return try Outlet.output.line(JSONLine.of(event)) }
                let detail = event.detail?.detail ?? FailureDetail()
                let text = EventNumber.text(event.event, event.number ?? 0, detail)
                let number = text.map { "  \($0)" } ?? ""
                let name = event.connection ?? event.application ?? event.reference ?? ""
                let whose = all ? "  \(name.printable)" : ""
                try Outlet.output.line("\(event.time.time.text)\(whose)  \(event.event)\(number)")
            }
            guard isEmpty, !all else { return }
            // An application with an empty log was never rejected, if it is there.
            if let app { _ = try await door.application(id: app) }
            guard let id else { return }
            // A connection that was never there is told to be missing.
            do {
                _ = try await door.status(id: id)
            } catch let error as VaultError where error.code == .notFound {
                guard try await Self.isApplication(id, door) else { throw error }
                throw CommandFailure(
                    .missing,
                    "\(id): there is no such connection, but an application: its log is "
                        + "`tokenvault log --app \(id)`")
            }
            throw CommandFailure(
                .missing,
                "\(id): the connection is there, and its log is empty: it was salvaged from "
                    + "another vault, whose log stays behind; or nothing could be written (was "
                    + "the disk full?); or newer entries have pushed its own out: the vault keeps "
                    + "the last \(Vault.loggedEventsMax)")
        }
    }

    private static func isApplication(_ id: String, _ door: any VaultDoor) async throws -> Bool {
        var isThere = false
        try await door.ask(.applications) { reply in
            if case .application(let form) = reply, form.id == id { isThere = true }
        }
        return isThere
    }
}
