// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault app`: registrations at providers.
struct AppCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "app",
        abstract: "Add, list or remove applications: your registrations at providers.",
        discussion: """
            EXAMPLES
              tokenvault app add crm --provider crm.yaml --client-id 123 \\
                --client-secret-file crm.secret \\
                --redirect-uri http://127.0.0.1:8017/callback
              tokenvault app list --json
              tokenvault app key crm
              tokenvault app refresh-issuer idp
              tokenvault app remove crm
            """,
        subcommands: [
            AppAddCommand.self, AppListCommand.self, AppKeyCommand.self,
            AppRefreshIssuerCommand.self, AppRemoveCommand.self,
        ])
}
