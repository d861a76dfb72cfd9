// SPDX-License-Identifier: Apache-2.0

/// What was granted beside what was asked for (RFC 6749 section 3.3): the order of scopes means
/// nothing, and case does. Where nothing was asked for by name the provider chose, and nothing is
/// missing; where it does not say what it granted, that is what was asked for (section 5.1).
struct ScopeDifference: Hashable, Sendable {
    /// What was asked for and not granted, in the order in which it was asked for.
    let missing: [String]
    /// What was granted and not asked for, in the order in which it was granted.
    let extra: [String]

    /// - Parameter separators: what scopes are separated by, beside spaces and commas: some
    ///   providers answer with others than those that they want to be asked with.
    init(requested: String?, granted: String?, separators: [String] = []) {
        guard let requested, let granted else {
            (missing, extra) = ([], [])
            return
        }
        let wanted = Self.names(in: requested, separators)
        let given = Self.names(in: granted, separators)
        missing = Self.names(wanted, without: given)
        extra = Self.names(given, without: wanted)
    }

    /// Whether both are the same.
    var isNone: Bool { missing.isEmpty && extra.isEmpty }

    private static func names(in text: String, _ separators: [String]) -> [String] {
        let spaced = separators.reduce(text) { $1.isEmpty ? $0 : $0.replacing($1, with: " ") }
        return spaced.split { $0 == "," || $0.isWhitespace }.map(String.init)
    }

    /// Each once. Compared byte by byte: a scope is no text in a language.
    private static func names(_ names: [String], without others: [String]) -> [String] {
        var seen = Set(others.map { Array($0.utf8) })
        return names.filter { seen.insert(Array($0.utf8)).inserted }
    }
}
