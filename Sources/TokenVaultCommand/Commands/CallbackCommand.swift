// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault callback`.
struct CallbackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "callback",
        abstract: "What to register at each provider as the callback URL (redirect URI).",
        discussion: """
            EXAMPLES
              tokenvault callback list
              tokenvault callback list --config /etc/tokenvault/serve.yaml
            """,
        subcommands: [CallbackListCommand.self])
}
