// SPDX-License-Identifier: Apache-2.0

import Glibc
import ProviderCatalog
import TokenVault

/// What an argument means that names a provider: one of the catalog, or a file with a definition.
struct ProviderDefinition {
    let argument: String

    init(_ argument: String) { self.argument = argument }

    /// A word without a dot or a slash is a name; a file of that name is `./NAME`.
    var isName: Bool { !argument.contains { $0 == "/" || $0 == "." } }

    func entry() throws -> CatalogEntry {
        guard isName else { return try ProviderCatalog.entry(file: argument) }
        guard let entry = try ProviderCatalog.entry(named: argument) else { throw missing }
        return entry
    }

    /// The same, for a definition that may leave out what is known without it.
    func entry(over base: Provider) throws -> CatalogEntry {
        let entry = try ProviderCatalog.entry(file: argument, isName: isName, over: base)
        guard let entry else { throw missing }
        return entry
    }

    /// That the catalog has no provider of this name.
    var missing: CommandFailure {
        let near = Spelling.nearest(to: argument, among: ProviderCatalog.names)
        let isFile = unsafe access(argument, F_OK) == 0
        let hint =
            isFile
            ? "the file of that name is ./\(argument)"
            : near.map { "did you mean \"\($0)\"?" }
                ?? "`tokenvault provider list` shows what there is; a file's name has a dot or a "
                + "slash"
        return CommandFailure(.missing, "the catalog has no provider \"\(argument)\": \(hint)")
    }

    /// Where a setting stands, for an error about what it says.
    func place(of setting: String) -> String {
        isName ? "\(argument): \(setting)" : ProviderCatalog.place(of: setting, in: argument)
    }
}
