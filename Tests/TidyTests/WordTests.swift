// SPDX-License-Identifier: Apache-2.0

import Testing

/// Words that must not stand in the sources.
enum WordRule {
    private static let notes = ["TODO", "FIXME", "XXX"]
    private static let calls: Set = ["fatalError", "print", "debugPrint", "dump"]

    /// In the library: nothing that traps on input, prints, or was left for later.
    static func findings(inLibrary file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        for (previous, token) in zip(file.tokens, file.tokens.dropFirst()) {
            if previous.text == "try", token.text == "!" {
                findings.append(Finding(file, token.line, "try! in the library"))
            }
            if previous.kind == .word, calls.contains(previous.text), token.text == "(" {
                findings.append(Finding(file, token.line, "\(previous.text)( in the library"))
            }
            if previous.text == "import", token.text.hasPrefix("Foundation") {
                findings.append(Finding(file, token.line, "\(token.text) in the library"))
            }
        }
        for (number, line) in file.lines {
            let words = line.split { !$0.isLetter && !$0.isNumber }
            for note in notes where words.contains(Substring(note)) {
                findings.append(Finding(file, number, "\(note) in the library"))
            }
        }
        return findings
    }

    /// In all sources: no forced cast, no forced unwrap, no erasing that a compiler may drop.
    static func findings(inSource file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        for index in file.tokens.indices {
            let token = file.tokens[index]
            if token.kind == .word, token.text == "memset" {
                findings.append(Finding(file, token.line, "memset; use explicit_bzero"))
            }
            guard file.isSwift, index > 0, token.text == "!", token.touchesPrevious else {
                continue
            }
            let previous = file.tokens[index - 1]
            let next = index + 1 < file.tokens.count ? file.tokens[index + 1] : nil
            if let next, next.text == "=", next.touchesPrevious { continue }
            if previous.text == "as" {
                findings.append(Finding(file, token.line, "as!"))
            } else if previous.text != "try", isOperand(previous) {
                findings.append(Finding(file, token.line, "forced unwrap of \(previous.text)"))
            }
        }
        return findings
    }

    private static func isOperand(_ token: Token) -> Bool {
        token.kind != .symbol || [")", "]", "}", ">", "?", "!"].contains(token.text)
    }

    /// A path that exists on one machine only.
    static func findings(ofPathsIn file: SourceFile) -> [Finding] {
        let folders = ["work", "root", "home"].map { "/\($0)/" }
        return file.lines.flatMap { number, line in
            folders.filter { holds(line, path: $0) }.map { folder in
                Finding(file, number, "\(folder) is a path of one machine")
            }
        }
    }

    /// Whether the path begins in the line, and does not merely go on there (`a.example/home/`).
    private static func holds(_ line: Substring, path: String) -> Bool {
        line.ranges(of: path).contains { range in
            guard range.lowerBound > line.startIndex else { return true }
            let before = line[line.index(before: range.lowerBound)]
            return !before.isLetter && !before.isNumber && !"._-)}]*".contains(before)
        }
    }

    /// Each C library is imported by one file, which shows the rest of the package Swift.
    static func findings(ofModule module: String, in files: [SourceFile]) -> [Finding] {
        var imports: [Finding] = []
        for file in files where file.isSwift {
            for (previous, token) in zip(file.tokens, file.tokens.dropFirst())
            where previous.text == "import" && token.text == module {
                imports.append(Finding(file, token.line, "a second file that imports \(module)"))
            }
        }
        if imports.isEmpty {
            let manifest = SourceFile("Package.swift", "")
            return [Finding(manifest, 1, "no file of Sources imports \(module)")]
        }
        return Array(imports.dropFirst())
    }
}

@Suite("Words that do not belong")
struct WordTests {
    @Test("The library neither traps on input nor prints nor imports Foundation")
    func library() {
        report(Tree.library.flatMap(WordRule.findings(inLibrary:)))
    }

    @Test("The sources force nothing and do not erase with memset")
    func sources() {
        report(Tree.sources.flatMap(WordRule.findings(inSource:)))
    }

    @Test("No file holds a path of one machine")
    func paths() {
        report(Tree.files.flatMap(WordRule.findings(ofPathsIn:)))
    }

    @Test(
        "Each C library is imported in one file",
        arguments: ["CSodium", "CLMDB", "CCurl", "CCrypto"])
    func imports(module: String) {
        report(WordRule.findings(ofModule: module, in: Tree.sources))
    }

    @Test(
        "What the library may not hold is found",
        arguments: [
            "let a = try! b()", "fatalError(\"x\")", "print(1)", "// TODO: later", "/// FIXME",
            "// XXX", "import Foundation", "internal import FoundationEssentials", "debugPrint(a)",
        ])
    func found(_ text: String) {
        #expect(WordRule.findings(inLibrary: SourceFile("A.swift", text)).map(\.line) == [1])
    }

    @Test(
        "What force can do is found",
        arguments: [
            "a as! B", "a!", "a!.b", "f()!", "a[0]!", "var a: Int!", "a?.b!", "[a!]",
            "memset(p, 0, 1)",
        ])
    func forced(_ text: String) {
        #expect(WordRule.findings(inSource: SourceFile("A.swift", text)).map(\.line) == [1])
    }

    @Test(
        "What only looks like it passes",
        arguments: [
            "a != b", "a !== b", "a!=b", "!a", "(!a)", "a && !b", "// a!", "\"a!\"", "try? a()",
            "try a()", "a as? B", "#if !DEBUG", "fingerprint(a)", "// \\uXXXX",
        ])
    func harmless(_ text: String) {
        let file = SourceFile("A.swift", text)
        #expect(WordRule.findings(inSource: file).isEmpty)
        #expect(WordRule.findings(inLibrary: file).isEmpty)
    }

    @Test("A path is told from the middle of an address")
    func pathOrAddress() {
        func count(_ text: String) -> Int {
            WordRule.findings(ofPathsIn: SourceFile("a.md", text)).count
        }
        for name in ["work", "root", "home"] {
            #expect(count("cd /\(name)/x") == 1)
            #expect(count("/\(name)/x") == 1)
            #expect(count("\"/\(name)/x\"") == 1)
            #expect(count("https://a.example/\(name)/x") == 0)
        }
    }

    @Test("A second import of a C library is found, and a missing one")
    func secondImport() {
        let first = SourceFile("Sources/A.swift", "internal import CCurl")
        let second = SourceFile("Sources/B.swift", "import CCurl")
        #expect(WordRule.findings(ofModule: "CCurl", in: [first]).isEmpty)
        #expect(
            WordRule.findings(ofModule: "CCurl", in: [first, second]).map(\.path) == [second.path])
        #expect(WordRule.findings(ofModule: "CCurl", in: []).count == 1)
    }
}
