// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ProviderCatalog
import TokenVault

/// `tokenvault provider check`.
struct ProviderCheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check definitions: what is wrong, on which line, and what would do.",
        discussion: """
            Every file is looked at; of each the first thing that is wrong is told. The exit \
            status is 0 where nothing is.

            EXAMPLES
              tokenvault provider check crm.yaml
              tokenvault provider check definitions/*.yaml
            """)

    @Argument(help: "Files with definitions (YAML or JSON).")
    var files: [String]

    func run() async throws {
        var failures: [CommandFailure] = []
        for file in files {
            let entry: CatalogEntry
            do throws(DefinitionError) {
                entry = try ProviderCatalog.entry(file: file)
            } catch {
                let failure = CommandFailure(error) ?? CommandFailure(.badData, error.description)
                try Outlet.errors.line("tokenvault: \(failure.message.printable)")
                failures.append(failure)
                continue
            }
            try Outlet.output.line("\(file.printable): \(entry.provider.name.printable): good")
        }
        guard let first = failures.first else { return }
        throw CommandFailure(
            failures.allSatisfy { $0.status == first.status } ? first.status : .badData,
            "\(failures.count) of \(files.count) definitions cannot be used")
    }
}
