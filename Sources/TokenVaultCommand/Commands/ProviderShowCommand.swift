// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ProviderCatalog

/// `tokenvault provider show`.
struct ProviderShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show a definition of the catalog, as it is written.",
        discussion: """
            What is shown can be saved, changed and given to `app add --provider` as a file.

            EXAMPLES
              tokenvault provider show slack
              tokenvault provider show slack --json | jq .provider.token_endpoint
            """)

    @Argument(help: "The provider's name in the catalog.")
    var name: String

    @Flag(help: "One JSON object, with the default of every setting that is not given.")
    var json = false

    func run() async throws {
        let definition = ProviderDefinition(name)
        if json {
            try Outlet.output.line(JSONLine.of(CatalogEntryForm(try definition.entry())))
            return
        }
        guard let text = ProviderCatalog.text(named: name) else { throw definition.missing }
        try Outlet.output.write(text.printableLines)
    }
}
