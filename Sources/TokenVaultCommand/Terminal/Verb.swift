// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import ProviderCatalog

/// The subcommand that the first argument names. The parser looks at options first, and would
/// complain of one that a misspelt subcommand was given.
enum Verb {
    /// - Throws: `usage` where there is none of that name.
    static func check(_ arguments: [String]) throws(CommandFailure) {
        guard let verb = arguments.dropFirst().first, !verb.isEmpty, !verb.hasPrefix("-") else {
            return
        }
        let known = RootCommand.configuration.subcommands.compactMap {
            $0.configuration.commandName
        }
        guard verb != "help", !known.contains(verb) else { return }
        let hint =
            Spelling.nearest(to: verb, among: known).map { "did you mean `\($0)`? " } ?? ""
        throw CommandFailure(
            .usage, "there is no command \"\(verb)\": \(hint)See `tokenvault --help`")
    }
}
