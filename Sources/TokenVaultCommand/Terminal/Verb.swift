// SPDX-License-Identifier: Apache-2.0

import ArgumentParser

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
        let nearest = known.min { distance($0, verb) < distance($1, verb) }
        let hint =
            nearest.flatMap { distance($0, verb) <= 2 ? "did you mean `\($0)`? " : nil } ?? ""
        throw CommandFailure(
            .usage, "there is no command \"\(verb)\": \(hint)See `tokenvault --help`")
    }

    /// How many characters have to be changed, put in or taken out to make one of the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right)
        var row = Array(0...right.count)
        for (line, character) in left.enumerated() {
            var corner = row[0]
            row[0] = line + 1
            for index in right.indices {
                let changed = corner + (right[index] == character ? 0 : 1)
                corner = row[index + 1]
                row[index + 1] = min(changed, row[index] + 1, row[index + 1] + 1)
            }
        }
        return row[right.count]
    }
}
