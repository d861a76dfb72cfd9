// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault retry`.
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Go on with a connection whose provider gave an answer that cannot be used.",
        discussion: """
            Such an answer names a token, so it may hold the only new refresh token: it is kept, \
            sealed, and the old one is not presented again (status: replyUnread). Where this \
            version can use the answer by now, its tokens are taken over. Else the old refresh \
            token is presented again, which some providers take for theft: then they end the \
            grant, and the user connects again. With --app all such connections of an application \
            go on, and those whose refresh the provider refused or answered that it rejects the \
            application: one at a time until one succeeds.

            EXAMPLES
              tokenvault retry anna
              tokenvault retry --app crm
            """)

    @Argument(help: "The connection's id.")
    var id: String?

    @Option(name: .customLong("app"), help: "The application whose connections go on.")
    var application: String?

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard (id == nil) != (application == nil) else {
            throw ValidationError("give either a connection's id or --app")
        }
    }

    func run() async throws {
        if let id {
            try await options.withDoor { try await $0.ask(.retry(id: id)) }
            return try Outlet.output.line("\(id.printable) refreshed")
        }
        guard let application else { return }
        var failures: [CommandFailure] = []
        var recovered = 0
        try await options.withDoor { door in
            try await door.ask(.retryApplication(id: application)) { reply in
                guard case .retried(let id, let failure) = reply else { return }
                if let failure = failure.flatMap({ CommandFailure($0.error) }) {
                    failures.append(failure)
                    try Outlet.errors.line("tokenvault: \(failure.message.printable)")
                } else {
                    recovered += 1
                    try Outlet.output.line("\(id.printable) refreshed")
                }
            }
        }
        if let first = failures.first {
            throw CommandFailure(
                first.status, "\(failures.count) of \(failures.count + recovered) failed")
        }
        if recovered == 0 {
            try Outlet.output.line("no connection of \(application.printable) waits for this")
        }
    }
}
