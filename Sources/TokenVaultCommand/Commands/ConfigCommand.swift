// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault config`: the file of `serve --config`.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Show every setting of `serve`, or check a file of them. Neither needs a vault.",
        discussion: """
            EXAMPLES
              tokenvault config show > serve.yaml
              tokenvault config check serve.yaml
            """,
        subcommands: [ConfigShowCommand.self, ConfigCheckCommand.self])
}
