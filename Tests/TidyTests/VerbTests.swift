// SPDX-License-Identifier: Apache-2.0

import Testing

/// A vault that a child process inherited is not touched: each verb asks first whose it is, those
/// that cannot throw by `isInherited`.
enum VerbRule {
    static let folder = "Sources/TokenVault/Vault/"

    static func findings(in file: SourceFile) -> [Finding] {
        let tokens = file.tokens
        var findings: [Finding] = []
        for index in tokens.indices.dropFirst()
        where tokens[index].text == "func" && tokens[index - 1].text == "public" {
            guard let open = body(after: index, in: tokens) else { continue }
            let signature = tokens[index..<open]
            let first = tokens[open...].dropFirst().prefix(3).map(\.text)
            let throwing = signature.contains { $0.text == "throws" }
            let question = throwing ? "checkProcess" : "isInherited"
            if throwing, first == ["try", question, "("] { continue }
            if !throwing, first.prefix(2) == ["if", question] || first.first == question {
                continue
            }
            let message = "\(tokens[index + 1].text) does not begin with \(question)"
            findings.append(Finding(file, tokens[index].line, message))
        }
        return findings
    }

    /// The first brace outside of parentheses.
    private static func body(after index: Int, in tokens: [Token]) -> Int? {
        var depth = 0
        for later in tokens.indices.dropFirst(index) {
            switch tokens[later].text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return later
            default: break
            }
        }
        return nil
    }
}

struct VerbTests {
    @Test func eachVerbOfTheVaultAsksWhoseItIs() {
        let files = Tree.library.filter { $0.path.hasPrefix(VerbRule.folder) }
        let verbs = files.flatMap { file in file.tokens.filter { $0.text == "checkProcess" } }
        #expect(verbs.count > 20)
        report(files.flatMap(VerbRule.findings))
    }

    @Test func aVerbThatDoesNotIsFound() {
        let verb = """
            extension Vault {
                public func get(_ id: ConnectionID = { "a" }()) throws(VaultError) -> Int {
                    GUARDtry store.get(id)
                }
                public func count() async -> Int { ASK 1 }
                func own() throws { }
            }
            """
        func findings(_ first: String, _ second: String) -> Int {
            let text = verb.replacing("GUARD", with: first).replacing("ASK", with: second)
            return VerbRule.findings(in: SourceFile(VerbRule.folder + "A.swift", text)).count
        }
        #expect(findings("", "") == 2)
        #expect(findings("try checkProcess()\n", "") == 1)
        #expect(findings("try checkProcess()\n", "if isInherited { return 0 }; return") == 0)
        #expect(findings("try checkProcess()\n", "isInherited ? 0 :") == 0)
    }
}
