// SPDX-License-Identifier: Apache-2.0

import Testing

/// What `OneRefresh.md` says of the lock of the upkeep: nothing is opened, committed, sent or told
/// to a caller while it is held.
enum LockRule {
    private static let members: Set = [
        "cancelIfUnsent", "publish", "resume", "ring", "scanEvents", "submit",
    ]

    static func findings(in file: SourceFile) -> [Finding] {
        let tokens = file.tokens
        var findings: [Finding] = []
        for index in tokens.indices.dropFirst(2)
        where tokens[index].text == "withLock" && tokens[index - 2].text == "shared" {
            guard let start = tokens[index...].firstIndex(where: { $0.text == "{" }) else {
                continue
            }
            var depth = 0
            for inner in tokens[start...].indices {
                let token = tokens[inner]
                if token.text == "{" { depth += 1 }
                if token.text == "}" { depth -= 1 }
                if depth == 0 { break }
                let isOfStore = token.text == "open" && tokens[inner - 2].text == "store"
                if isOfStore || token.kind == .word && members.contains(token.text) {
                    findings.append(Finding(file, token.line, "\(token.text) under the lock"))
                }
            }
        }
        return findings
    }
}

@Suite("The lock of the upkeep") struct LockTests {
    @Test("Nothing is opened, committed, sent or told while it is held")
    func tree() {
        let files = Tree.library.filter { $0.text.contains("shared.withLock") }
        #expect(files.count > 10)
        report(files.flatMap(LockRule.findings))
    }

    @Test("The rule finds what is done under the lock, and not what follows it")
    func rule() {
        let file = SourceFile(
            "a.swift",
            """
            let a = shared.withLock { shared in shared.upkeep.end(attempt) }
            caller.resume(a)
            shared.withLock { if $0.isClosed { caller.resume(.failure(error)) } }
            let b = shared.withLock({ _ in try store.open(key) })
            """)
        #expect(LockRule.findings(in: file).map(\.line) == [3, 4])
    }
}
