// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderCatalog
import Testing
import TokenVault

/// The page that lists the catalog is the catalog, no more and no less.
struct CatalogPageTests {
    private static func row(_ entry: CatalogEntry) -> String {
        let provider = entry.provider
        let cells = [
            "`\(provider.name)`", entry.title,
            provider.variables.keys.sorted().map { "`\($0)`" }.joined(separator: ", "),
            provider.revocationEndpoint == nil ? "no" : "yes",
            entry.unverifiedSettings.map { "`\($0)`" }.joined(separator: ", "),
        ]
        return "| " + cells.joined(separator: " | ") + " |"
    }

    @Test func theTableIsTheCatalog() throws {
        let rows = try ProviderCatalog.names.compactMap(ProviderCatalog.entry(named:))
            .map(Self.row)
        let head = ["| name | provider | variables | revokes | unverified |"]
        let table = (head + ["|---|---|---|---|---|"] + rows).joined(separator: "\n")
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/TokenVault/TokenVault.docc/Catalog.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let found = text.split(separator: "\n\n").first { $0.hasPrefix("| name |") }
        #expect(found.map(String.init) == table, "the page must have:\n\(table)")
    }
}
