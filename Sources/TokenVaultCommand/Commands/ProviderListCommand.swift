// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ProviderCatalog
import TokenVault

/// `tokenvault provider list`.
struct ProviderListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the providers of the catalog.",
        discussion: """
            Words narrow the list to those whose name, title or addresses have each of them.

            EXAMPLES
              tokenvault provider list
              tokenvault provider list atlassian
              tokenvault provider list --json | jq -r .name
            """)

    @Argument(help: "What to look for.")
    var words: [String] = []

    @Flag(help: "One JSON object a line.")
    var json = false

    func run() async throws {
        let entries = try ProviderCatalog.names.compactMap(ProviderCatalog.entry(named:))
            .filter(fits)
        guard !entries.isEmpty else {
            throw CommandFailure(
                .missing,
                "the catalog has no provider with \"\(words.joined(separator: " "))\" in its name, "
                    + "title or addresses; write a definition, see `tokenvault app add --help`")
        }
        if json {
            for entry in entries { try Outlet.output.line(JSONLine.of(CatalogEntryForm(entry))) }
            return
        }
        let rows = entries.map { entry in
            [
                entry.provider.name, entry.title, entry.isVerified ? "verified" : "unverified",
                entry.provider.variables.keys.sorted().joined(separator: " "),
            ]
        }
        try Table(["NAME", "TITLE", "FACTS", "VARIABLES"], rows).write()
    }

    private func fits(_ entry: CatalogEntry) -> Bool {
        let text = [
            entry.provider.name, entry.title, entry.provider.authorizationEndpoint,
            entry.provider.tokenEndpoint,
        ].joined(separator: " ").lowercased()
        return words.allSatisfy { text.contains($0.lowercased()) }
    }
}
