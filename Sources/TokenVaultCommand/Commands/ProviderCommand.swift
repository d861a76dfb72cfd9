// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

/// `tokenvault provider`: the catalog of providers, and definitions of one's own.
struct ProviderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "provider",
        abstract: "List, show, check, try or discover definitions. None of it needs a vault.",
        discussion: """
            EXAMPLES
              tokenvault provider list sales
              tokenvault provider show slack
              tokenvault provider show gitlab > gitlab.yaml
              tokenvault provider check *.yaml
              tokenvault provider try zendesk --set subdomain=acme
              tokenvault provider discover https://accounts.google.com
            """,
        subcommands: [
            ProviderListCommand.self, ProviderShowCommand.self, ProviderCheckCommand.self,
            ProviderTryCommand.self, ProviderDiscoverCommand.self,
        ])
}
