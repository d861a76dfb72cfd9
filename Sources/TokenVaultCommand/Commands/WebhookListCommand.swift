// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import TokenVault

/// `tokenvault webhook list`.
struct WebhookListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List webhooks, how they are, and how many events wait; never their keys.",
        discussion: """
            EXAMPLES
              tokenvault webhook list
              tokenvault webhook list --json | jq 'select(.stopped)'
            """)

    @Flag(help: "One JSON object a line.")
    var json = false

    @OptionGroup var options: VaultOptions

    func run() async throws {
        var forms: [WebhookForm] = []
        try await options.withDoor { door in
            try await door.ask(.webhooks) { reply in
                if case .webhook(let form) = reply { forms.append(form) }
            }
        }
        if json {
            for form in forms { try Outlet.output.line(JSONLine.of(form)) }
            return
        }
        let now = SystemTime().now()
        let rows = forms.map { form in
            [
                form.id, form.url, "\(form.pending)",
                form.lastSuccess?.time.distance(from: now) ?? "never",
                form.lastFailure?.time.distance(from: now) ?? "never", form.state(now),
            ]
        }
        try Table(["ID", "URL", "WAITING", "LAST SUCCESS", "LAST FAILURE", "STATE"], rows).write()
        for form in forms where form.missed > 0 {
            try Outlet.output.line(
                "\(form.id.printable): \(form.missed) entries were gone from the log before it "
                    + "came to them: look at the connections themselves (`tokenvault list`)")
        }
    }
}

/// `tokenvault webhook test`.
struct WebhookTestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Send a message of type webhook.test now, and say what came of it.",
        discussion: """
            EXAMPLES
              tokenvault webhook test wh_0123456789abcdef
            """)

    @Argument(help: "The webhook's id.")
    var id: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { door in
            try await WebhookCommand.named(id) {
                try await door.ask(.testWebhook(id: id)) { reply in
                    guard case .webhookOutcome(let outcome) = reply else { return }
                    guard outcome.delivered else {
                        throw CommandFailure(
                            .providerUnavailable,
                            "\(id): the message was not taken: \(outcome.text): see at the "
                                + "receiver why, and that the URL is right")
                    }
                    try Outlet.output.line("delivered: \(outcome.text)")
                }
            }
        }
    }
}

/// `tokenvault webhook resume`.
struct WebhookResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Go on with a webhook that has stopped, or is waiting to try again.",
        discussion: """
            It goes on with the event that was not taken, as far as the log still has it.

            EXAMPLES
              tokenvault webhook resume wh_0123456789abcdef
            """)

    @Argument(help: "The webhook's id.")
    var id: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { door in
            try await WebhookCommand.named(id) { try await door.ask(.resumeWebhook(id: id)) }
        }
        try Outlet.output.line("webhook \(id.printable) goes on")
    }
}

/// `tokenvault webhook remove`.
struct WebhookRemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "remove",
        abstract: "Erase a webhook and its key.",
        discussion: """
            EXAMPLES
              tokenvault webhook remove wh_0123456789abcdef
            """)

    @Argument(help: "The webhook's id.")
    var id: String

    @OptionGroup var options: VaultOptions

    func run() async throws {
        try await options.withDoor { door in
            try await WebhookCommand.named(id) { try await door.ask(.removeWebhook(id: id)) }
        }
        try Outlet.output.line("webhook \(id.printable) removed")
    }
}
