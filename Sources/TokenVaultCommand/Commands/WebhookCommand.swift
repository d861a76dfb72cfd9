// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault webhook`: where events are sent.
struct WebhookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "webhook",
        abstract: "Have events sent to a URL: add, list, test, rotate, resume or remove webhooks.",
        discussion: """
            While `tokenvault serve` runs, what happens to connections is sent to each webhook by \
            the Standard Webhooks convention (https://www.standardwebhooks.com), at least once and \
            in order. What is not answered by a status of 200 to 299 is tried again for three \
            days, and holds back what comes after it. No message has a token in it.

            EXAMPLES
              tokenvault webhook add https://platform.example.com/events > webhook.secret
              tokenvault webhook list
              tokenvault webhook test wh_0123456789abcdef
              tokenvault webhook rotate wh_0123456789abcdef > webhook.secret
              tokenvault webhook remove wh_0123456789abcdef
            """,
        subcommands: [
            WebhookAddCommand.self, WebhookListCommand.self, WebhookTestCommand.self,
            WebhookRotateCommand.self, WebhookResumeCommand.self, WebhookRemoveCommand.self,
        ])

    /// - Throws: where a key would be shown on a terminal.
    static func checkOutput(reveal: Bool) throws(CommandFailure) {
        guard reveal || !Outlet.output.isTerminal else {
            throw CommandFailure(
                .refused,
                "a webhook's key is not shown on a terminal: give --reveal, or use a pipe or a "
                    + "file")
        }
    }

    /// What an id that nobody has means.
    static func named<Result>(
        _ id: String, _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch let error as VaultError where error.code == .notFound {
            throw CommandFailure(
                .missing, "\(id): there is no such webhook: see `tokenvault webhook list`")
        }
    }
}

/// `tokenvault webhook add`.
struct WebhookAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Have events sent to a URL from now on, and print its key, this once.",
        discussion: """
            The key (whsec_...) goes to stdout, and the webhook's id to stderr. Give the key to \
            the library with which the receiver verifies messages. To a terminal it goes only \
            with --reveal.

            TYPES
            \(WebhookType.all.map { "  \($0.name)" }.joined(separator: "\n"))

            EXAMPLES
              tokenvault webhook add https://platform.example.com/events > webhook.secret
              tokenvault webhook add https://platform.example.com/events \\
                --type connection.reconnect_needed --type connection.expires_soon > webhook.secret
            """)

    @Argument(help: "Where messages are POSTed: https, under the rules for endpoints.")
    var url: String

    @Option(
        name: .customLong("type"),
        help: """
            A type of event that it is told of; repeats. By default all but those that the \
            platform itself causes (tokens_put, token_rejected, use_failed).
            """)
    var types: [String] = []

    @Flag(help: "Print the key even to a terminal.")
    var reveal = false

    @OptionGroup var options: VaultOptions

    func validate() throws {
        for type in types where WebhookType(type) == nil {
            throw ValidationError("there is no type \"\(type)\": see --help")
        }
    }

    func run() async throws {
        try WebhookCommand.checkOutput(reveal: reveal)
        try await options.withDoor { door in
            let request = Request.addWebhook(url: url, types: types.isEmpty ? nil : types)
            try await door.askForKey(request) { reply in
                guard case .webhookKey(let id) = reply else { return }
                try Outlet.errors.line("webhook \(id.printable) added")
            } _: { key in
                try Outlet.output.line(key)
            }
        }
    }
}

/// `tokenvault webhook rotate`.
struct WebhookRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate",
        abstract: "Give a webhook another key, and print it, this once.",
        discussion: """
            Messages are signed with the key before as well for --keep seconds, so that the \
            receiver has time to take the new one over. Give --keep 0 where the one before became \
            known to somebody.

            EXAMPLES
              tokenvault webhook rotate wh_0123456789abcdef > webhook.secret
            """)

    @Argument(help: "The webhook's id.")
    var id: String

    @Option(
        parsing: .unconditional,
        help: "For how many seconds the key before signs, too; up to 2592000.")
    var keep: Int64 = 86_400

    @Flag(help: "Print the key even to a terminal.")
    var reveal = false

    @OptionGroup var options: VaultOptions

    func validate() throws {
        guard (0...2_592_000).contains(keep) else {
            throw ValidationError("--keep is 0 to 2592000 seconds")
        }
    }

    func run() async throws {
        try WebhookCommand.checkOutput(reveal: reveal)
        try await options.withDoor { door in
            try await WebhookCommand.named(id) {
                let request = Request.rotateWebhook(id: id, keepSeconds: keep)
                try await door.askForKey(request) { _ in
                } _: { key in
                    try Outlet.output.line(key)
                }
            }
        }
    }
}
