// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import FoundationEssentials
import ProviderCatalog
import TokenVault

/// `tokenvault provider try`.
struct ProviderTryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "try",
        abstract: "Show the requests that a definition leads to. Nothing is sent.",
        discussion: """
            Words in capitals, such as CLIENT_SECRET and REFRESH_TOKEN, stand for what a \
            connection has.

            EXAMPLES
              tokenvault provider try slack
              tokenvault provider try zendesk --set subdomain=acme
              tokenvault provider try ./crm.yaml
            """)

    @Argument(help: "A provider's name in the catalog, or the file with its definition.")
    var definition: String

    @OptionGroup var variables: VariableOptions

    func run() async throws {
        let provider = try ProviderDefinition(definition).entry().provider
        let values = try variables.values(for: provider)
        do throws(SettingError) {
            try provider.check(values: values)
        } catch {
            throw CommandFailure(.usage, "--set \(error.description.printable)")
        }
        for preview in try RequestPreview.all(provider, values: values) {
            try Outlet.output.line("\(preview.title):")
            for line in [preview.line] + preview.fields.map(Self.explained) {
                try Outlet.output.line("  \(line.printable)")
            }
            if !preview.body.isEmpty { try Outlet.output.line("\n  \(preview.body.printable)") }
            try Outlet.output.line("")
        }
    }

    /// What HTTP Basic hides in Base64.
    private static func explained(_ field: String) -> String {
        let prefix = "Authorization: Basic "
        guard field.hasPrefix(prefix),
            let data = Data(base64Encoded: String(field.dropFirst(prefix.count)))
        else { return field }
        return "\(field)  (\(String(decoding: data, as: UTF8.self)))"
    }
}
