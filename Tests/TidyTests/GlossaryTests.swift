// SPDX-License-Identifier: Apache-2.0

import Testing

/// The page `Glossary.md`: a row for each word, with the types that have it in code font.
enum GlossaryRule {
    static let path = "Sources/TokenVault/TokenVault.docc/Glossary.md"

    static func findings(in page: SourceFile, types: Set<String>) -> [Finding] {
        var findings: [Finding] = []
        var before = ""
        for (number, line) in page.lines where line.hasPrefix("| ") {
            let entry = line.dropFirst(2).prefix { $0 != "|" }
            if entry.hasPrefix("word ") { continue }
            let word = entry.lowercased()
            if word <= before {
                findings.append(Finding(page, number, "\(entry)does not follow the word before it"))
            }
            before = word
            let parts = line.split(separator: "`", omittingEmptySubsequences: false)
            for (index, name) in parts.enumerated() where index % 2 == 1 {
                guard name.first?.isUppercase == true, !types.contains(String(name)) else {
                    continue
                }
                findings.append(Finding(page, number, "there is no type \(name)"))
            }
        }
        return findings
    }
}

@Suite("The glossary")
struct GlossaryTests {
    @Test("Its words are in order, and the types that it names are there")
    func page() throws {
        let page = try #require(Tree.files.first { $0.path == GlossaryRule.path })
        let types = Tree.library.reduce(into: Set<String>()) { types, file in
            types.formUnion(Declarations.allTypes(in: file.tokens))
        }
        report(GlossaryRule.findings(in: page, types: types))
        #expect(page.lines.count { $0.text.hasPrefix("| ") } > 50)
    }

    @Test("A type that is gone is found, and a word out of order")
    func found() {
        func lines(_ text: String) -> [Int] {
            GlossaryRule.findings(in: SourceFile("Glossary.md", text), types: ["Fence"]).map(\.line)
        }
        #expect(lines("| word | meaning |\n| fence (`Fence`) | what `diesAt` is |").isEmpty)
        #expect(lines("| fence (`Hedge`) | a mark |") == [1])
        #expect(lines("| fence | a mark of `Hedge` |") == [1])
        #expect(lines("| queue (`Fence`, `Row`) | a mark |") == [1])
        #expect(lines("| grant | one |\n| fence | two |\n| lent token | three |") == [2])
    }
}
