// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderCatalog
import Testing
import TokenVault

/// The definitions that are shipped: each can be used as it is, and says where it comes from.
struct CatalogTests {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Sources/ProviderCatalog/Providers")

    private func entry(_ name: String) throws -> CatalogEntry {
        try #require(try ProviderCatalog.entry(named: name))
    }

    @Test func theCatalogIsTheFolder() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
        #expect(files.sorted() == ProviderCatalog.names.map { $0 + ".yaml" }.sorted())
        for name in ProviderCatalog.names {
            let file = Self.folder.appending(path: name + ".yaml")
            let text = try String(contentsOf: file, encoding: .utf8)
            #expect(ProviderCatalog.text(named: name) == text)
        }
    }

    @Test func eachCanBeUsedAndSaysWhereItComesFrom() throws {
        for name in ProviderCatalog.names {
            let entry = try entry(name)
            #expect(entry.provider.name == name)
            #expect(ProviderCatalog.text(named: name)?.contains("\ntitle: ") == true, "\(name)")
            #expect(entry.factsDate?.wholeMatch(of: /20[0-9]{2}-[0-9]{2}/) != nil, "\(name)")
            #expect(!entry.sources.isEmpty, "\(name) has no sources")
            #expect(!entry.isVerified, "\(name): who connected, and when?")
            for setting in entry.unverifiedSettings {
                let text = try #require(ProviderCatalog.text(named: name))
                #expect(text.contains("\n\(setting):"), "\(name) does not give \(setting)")
            }
        }
    }

    @Test func thoseOfTheMissionAreThere() {
        let wanted = [
            "salesforce", "slack", "quickbooks", "google", "facebook", "jira", "dropbox", "github",
            "microsoft", "hubspot", "shopify", "zendesk", "xero", "stripe", "notion", "zoom",
            "linkedin", "asana", "gitlab",
        ]
        #expect(Set(wanted).isSubset(of: ProviderCatalog.names))
    }

    /// What the variables of the catalog may be.
    private static let samples = [
        "acme", "acme.example.com", "1234567", "00000000-0000-0000-0000-000000000000",
        "amzn1.sellerapps.app.1",
    ]

    /// A value for each variable that has none, of which the definition says nothing bad.
    private func values(_ provider: Provider) -> [String: String] {
        var values: [String: String] = [:]
        for (name, variable) in provider.variables where variable.defaultValue == nil {
            let suffixed = variable.hostSuffixes.map { suffix in
                "acme" + (suffix.hasPrefix(".") ? "" : ".") + suffix
            }
            let hosts = Self.hosts.map { "acme." + $0 }
            values[name] = (Self.samples + suffixed + hosts).first { value in
                (try? provider.check(given: [name: value])) != nil
            }
        }
        return values
    }

    /// Hosts of those that take nothing else.
    private static let hosts = [
        "crm.dynamics.com", "myworkday.com", "workday.com", "snowflakecomputing.com",
        "cloud.databricks.com",
    ]

    @Test func eachSaysWhatWouldBeSent() throws {
        for name in ProviderCatalog.names {
            let provider = try entry(name).provider
            let previews = try RequestPreview.all(provider, values: values(provider))
            #expect(previews.count >= 3, "\(name)")
            for preview in previews {
                let text = ([preview.line] + preview.fields + [preview.body]).joined(
                    separator: "\n")
                #expect(!text.contains("{") || preview.body.hasPrefix("{"), "\(name): \(text)")
                #expect(preview.line.contains(" https://"), "\(name): \(preview.line)")
            }
            #expect(previews.contains { $0.body.contains("REFRESH_TOKEN") || name == "facebook" })
        }
    }

    @Test func noTwoAreTheSame() throws {
        let titles = try ProviderCatalog.names.map { try entry($0).title }
        #expect(Set(titles).count == titles.count)
    }

    @Test func anotherNameIsNone() throws {
        #expect(try ProviderCatalog.entry(named: "nobody") == nil)
        #expect(ProviderCatalog.text(named: "../google") == nil)
    }

    @Test(arguments: [
        ("title: 7\n", nil),
        ("title: \"\"\n", "f:4: title: \"\" is not a text of 1 to 256 bytes"),
        ("verified: perhaps\n", "f:4: verified: \"perhaps\" is not true or false"),
        ("facts: [a]\n", "f:4: facts: a list of 1 value is not date, sources and unverified"),
        (
            "facts: { month: 7 }\n",
            "f:4: facts: \"7\" has the name \"month\": date, sources and unverified"
        ),
        (
            "facts: { unverified: [colour] }\n",
            "f:4: facts: a list of 1 value names \"colour\", which is none: the keys of settings"
        ),
    ])
    func whatIsSaidOfAProviderIsChecked(added: String, message: String?) {
        let path = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        let text = ProviderCatalogTests.minimal + added
        #expect(FileManager.default.createFile(atPath: path, contents: Data(text.utf8)))
        var found: String?
        do { _ = try ProviderCatalog.entry(file: path) } catch { found = error.description }
        #expect(found?.replacing(path, with: "f") == message)
    }
}
