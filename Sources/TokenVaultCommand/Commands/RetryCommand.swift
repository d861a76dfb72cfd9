// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault retry`.
struct RetryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retry",
        abstract: "Go on with a connection whose provider gave an answer that cannot be used.",
        discussion: """
            Such an answer names a token, so it may hold the only refresh token that still works. \
            It is kept, sealed, and the old refresh token is not presented again (status: \
            replyUnread). If this version can use the answer, its tokens are taken from it. \
            Otherwise the old refresh token is presented again. Some providers take that for \
            theft and end the grant; then the user has to connect again. --app does the same for \
            all such connections of an application, and for those whose refresh the provider \
            refused, or answered that it rejects the application: one at a time until one succeeds.

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
