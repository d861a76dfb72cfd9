// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault config show`.
struct ConfigShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print a file with every setting, its default, and what it takes.",
        discussion: """
            EXAMPLES
              tokenvault config show > serve.yaml
            """)

    func run() async throws { try Outlet.output.line(ServeFile.template) }
}
