// SPDX-License-Identifier: Apache-2.0

import Testing

/// The folders of the library in the order of a token's life. A file names only types of its own
/// folder or of a folder before it.
enum FolderRule {
    static let walk = ["Atoms", "Authorize", "Exchange", "Seal", "Store", "Upkeep", "Vault"]

    static func findings(in files: [SourceFile]) -> [Finding] {
        var findings: [Finding] = []
        var earliestFolder: [String: Int] = [:]
        var placed: [(file: SourceFile, folder: Int)] = []
        for file in files {
            let parts = file.path.split(separator: "/")
            guard parts.count >= 4, let folder = walk.firstIndex(of: String(parts[2])) else {
                findings.append(Finding(file, 1, "stands in no folder of the walk \(walk)"))
                continue
            }
            placed.append((file, folder))
            for type in Declarations.topLevelTypes(in: file.tokens) {
                earliestFolder[type] = min(earliestFolder[type] ?? folder, folder)
            }
        }
        for (file, folder) in placed {
            for token in foreignWords(in: file.tokens) {
                guard let declared = earliestFolder[token.text], declared > folder else { continue }
                let message = "names \(token.text), a type of the later folder \(walk[declared])"
                findings.append(Finding(file, token.line, message))
            }
        }
        return findings
    }

    /// The words that may name a type from elsewhere: neither members (`x.Name`, unless `x` is the
    /// module) nor names the file gives to types and parameters of its own.
    private static func foreignWords(in tokens: [Token]) -> [Token] {
        let own = Declarations.allTypes(in: tokens)
        return tokens.indices.compactMap { index in
            let token = tokens[index]
            guard token.kind == .word, !own.contains(token.text) else { return nil }
            let isMember = index >= 2 && tokens[index - 1].text == "."
            if isMember, tokens[index - 2].kind == .word, tokens[index - 2].text != "TokenVault" {
                return nil
            }
            return token
        }
    }
}

/// Finds declarations by their keywords and braces alone.
enum Declarations {
    private static let keywords: Set = [
        "struct", "class", "enum", "protocol", "actor", "typealias",
    ]

    static func topLevelTypes(in tokens: [Token]) -> Set<String> {
        names(after: keywords, in: tokens, topLevelOnly: true)
    }

    static func allTypes(in tokens: [Token]) -> Set<String> {
        names(after: keywords.union(["associatedtype"]), in: tokens, topLevelOnly: false)
    }

    static func extendedTypes(in tokens: [Token]) -> Set<String> {
        names(after: ["extension"], in: tokens, topLevelOnly: true)
    }

    private static func names(
        after keywords: Set<String>, in tokens: [Token], topLevelOnly: Bool
    ) -> Set<String> {
        var names: Set<String> = []
        var depth = 0
        for (token, next) in zip(tokens, tokens.dropFirst()) {
            if token.text == "{" { depth += 1 }
            if token.text == "}" { depth -= 1 }
            guard token.kind == .word, keywords.contains(token.text) else { continue }
            guard next.kind == .word, next.text.first?.isUppercase == true else { continue }
            if depth == 0 || !topLevelOnly { names.insert(next.text) }
        }
        return names
    }
}

@Suite("A file names only types of its own folder or an earlier one")
struct FolderRuleTests {
    @Test("The library keeps the rule")
    func library() {
        report(FolderRule.findings(in: Tree.library))
    }

    private let writer = SourceFile(
        "Sources/TokenVault/Store/Writer.swift", "struct Writer { enum Mode {} }")

    private func findings(in text: String, at path: String = "Seal/Key.swift") -> [String] {
        let file = SourceFile("Sources/TokenVault/" + path, text)
        return FolderRule.findings(in: [writer, file]).map(\.description)
    }

    @Test(
        "A type of a later folder is found where it is named",
        arguments: [
            "// Key\nfunc seal(into writer: Writer) {}",
            "// Key\nlet mode = Writer.Mode()",
            "// Key\nlet mode = TokenVault.Writer()",
            "// Key\nlet text = \"for \\(Writer())\"",
            "// Key\nextension Writer {}",
            "// Key\nlet writers: [Int: Array<Writer>]",
        ])
    func later(_ text: String) {
        let expected =
            "Sources/TokenVault/Seal/Key.swift:2: names Writer, a type of the later folder Store"
        #expect(findings(in: text) == [expected])
    }

    @Test(
        "What names no type of a later folder passes",
        arguments: [
            "/// Used by `Writer`.\nstruct Key {}",
            "let name = \"Writer\"",
            "struct Key { enum Writer {} ; var writer: Writer }",
            "let writer = Key.Writer()",
        ])
    func harmless(_ text: String) {
        #expect(findings(in: text).isEmpty)
    }

    @Test("Its own and a later folder may name it, and extend it")
    func sameOrLater() {
        #expect(findings(in: "let a: Writer", at: "Store/Root.swift").isEmpty)
        #expect(findings(in: "extension Writer {}", at: "Vault/Vault.swift").isEmpty)
    }

    @Test("A file outside the walk is found")
    func outside() {
        #expect(findings(in: "", at: "Key.swift").count == 1)
        #expect(findings(in: "", at: "Utilities/Key.swift").count == 1)
    }
}
