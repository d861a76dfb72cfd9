// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TokenVault

/// The table of settings in the documentation is the rows, no more and no less.
struct ProvidersPageTests {
    static var table: String {
        let rows = ProviderSetting.all.map { row in
            "| `\(row.key)` | \(row.words) | \(row.defaultWords) | \(row.sentence) |"
        }
        return (["| key | takes | default | what it says |", "|---|---|---|---|"] + rows)
            .joined(separator: "\n")
    }

    @Test func theTableIsTheRows() throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/TokenVault/TokenVault.docc/Providers.md")
        let text = try String(contentsOf: page, encoding: .utf8)
        let found = text.split(separator: "\n\n").first { $0.hasPrefix("| key |") }
        #expect(found.map(String.init) == Self.table, "the page must have:\n\(Self.table)")
    }
}
