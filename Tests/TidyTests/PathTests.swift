// SPDX-License-Identifier: Apache-2.0

import Testing

/// What the pages at the root name is there: files and folders, and tests.
enum PathRule {
    static let pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]

    static func findings(in page: SourceFile, paths: [String]) -> [Finding] {
        page.lines.flatMap { number, text in
            (words(text) + links(text)).filter { !isThere($0, paths) }.map {
                Finding(page, number, "there is no \($0)")
            }
        }
    }

    /// What stands between backquotes and is a path, or the name of tests.
    private static func words(_ line: Substring) -> [Substring] {
        let parts = line.split(separator: "`", omittingEmptySubsequences: false)
        return parts.indices.filter { $0 % 2 == 1 }.map { parts[$0] }.filter { word in
            guard !word.contains(where: { " *<(".contains($0) }) else { return false }
            let isFile = [".swift", ".md", ".py"].contains { word.hasSuffix($0) }
            return word.contains("/") || isFile || word.hasSuffix("Tests")
        }
    }

    /// Where a link leads that stays in the package.
    private static func links(_ line: Substring) -> [Substring] {
        line.split(separator: "](").dropFirst().compactMap { rest in
            let target = rest.prefix { $0 != ")" && $0 != "#" }
            return target.isEmpty || target.contains("://") ? nil : target
        }
    }

    /// From the root of the package, or from whatever folder the page speaks of.
    private static func isThere(_ word: Substring, _ paths: [String]) -> Bool {
        let isTests = word.hasSuffix("Tests") && !word.contains("/")
        return paths.contains { path in
            let inner = "/\(path)"
            return inner.hasSuffix("/\(word)") || inner.contains("/\(word)/")
                || (isTests && inner.hasSuffix("/\(word).swift"))
        }
    }
}

struct PathTests {
    @Test func whatThePagesNameIsThere() {
        let paths = Tree.files.map(\.path)
        let pages = Tree.files.filter { PathRule.pages.contains($0.path) }
        #expect(pages.count == PathRule.pages.count)
        report(pages.flatMap { PathRule.findings(in: $0, paths: paths) })
    }

    @Test func whatIsNotThereIsFound() {
        let page = SourceFile(
            "README.md",
            """
            `Vault/Vault.swift`, `Sources/A`, `make test`, `GoneTests`, `HereTests`, `and/or that`
            [here](Vault/Vault.swift#top), [gone](Gone.md), [out](https://a.example/b.md)
            """)
        let paths = ["Sources/A/Vault/Vault.swift", "Tests/ATests/HereTests.swift"]
        let found = PathRule.findings(in: page, paths: paths)
        #expect(
            found.map(\.description) == [
                "README.md:1: there is no GoneTests", "README.md:2: there is no Gone.md",
            ])
    }
}
