// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What the whole of a variable's value must match: a POSIX extended regular expression.
///
/// Back references are refused, since matching them may take time without limit, and so are
/// repetitions that would make the expression too large to hold.
enum ValuePattern {
    /// The longest expression, in bytes.
    static let byteCountMax = 128
    /// The most that all counts of repetitions come to, multiplied.
    private static let repetitionsMax = 4096

    /// Whether a text is an expression that can be used.
    static func isValid(_ pattern: String) -> Bool {
        guard (1...byteCountMax).contains(pattern.utf8.count),
            pattern.utf8.allSatisfy({ (0x20...0x7e).contains($0) }), isSmall(pattern)
        else { return false }
        return unsafe withCompiled(pattern) { _ in true } ?? false
    }

    /// Whether the whole of a text matches; false where the expression cannot be used.
    static func matches(_ pattern: String, _ text: String) -> Bool {
        unsafe withCompiled(pattern) { expression in
            var match = regmatch_t()
            // POSIX: of the leftmost matches, the longest.
            let end = unsafe regexec(&expression, text, 1, &match, 0)
            return end == 0 && match.rm_so == 0 && Int(match.rm_eo) == text.utf8.count
        } ?? false
    }

    private static func withCompiled<Result>(
        _ pattern: String, _ body: (inout regex_t) -> Result
    ) -> Result? {
        var expression = unsafe regex_t()
        guard unsafe regcomp(&expression, pattern, REG_EXTENDED) == 0 else { return nil }
        defer { unsafe regfree(&expression) }
        return unsafe body(&expression)
    }

    private static func isSmall(_ pattern: String) -> Bool {
        var product = 1
        var rest = pattern[...]
        while let character = rest.popFirst() {
            if character == "\\" {
                guard let escaped = rest.popFirst(), !escaped.isNumber else { return false }
            } else if character == "{" {
                let counts = rest.prefix { $0 != "}" }.split(separator: ",")
                let most = counts.compactMap { Int($0) }.max() ?? 1
                let (next, isOver) = product.multipliedReportingOverflow(by: max(most, 1))
                guard !isOver, next <= repetitionsMax else { return false }
                product = next
            }
        }
        return true
    }
}
