// SPDX-License-Identifier: Apache-2.0

import Testing

/// Sizes, names and the bytes around the text.
enum ShapeRule {
    static let columns = 100
    static let functionLines = 70
    static let sourceFileLines = 300

    /// Files named for what they hold together, not for one type.
    static let namedForSeveral: Set = ["Seams.swift", "RecordTags.swift"]

    static func findings(ofSizesIn file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        for (number, line) in file.lines where line.count > columns {
            findings.append(Finding(file, number, "\(line.count) columns; at most \(columns)"))
        }
        for function in Function.all(in: file.tokens) where function.lines > functionLines {
            let message = "\(function.name) has \(function.lines) lines; at most \(functionLines)"
            findings.append(Finding(file, function.firstLine, message))
        }
        let limit = sourceFileLines
        if file.isSource, file.lines.count > limit {
            findings.append(Finding(file, limit + 1, "\(file.lines.count) lines; at most \(limit)"))
        }
        return findings
    }

    static func findings(ofBytesIn file: SourceFile) -> [Finding] {
        var findings: [Finding] = []
        let mayHoldTabs = file.name == "Makefile"
        for (number, line) in file.lines {
            if line.last == " " || line.last == "\t" || line.contains("\r") {
                findings.append(Finding(file, number, "a space at the end of the line"))
            }
            if line.contains("\t"), !mayHoldTabs {
                findings.append(Finding(file, number, "a tab"))
            }
        }
        if !file.text.isEmpty, !file.text.hasSuffix("\n") || file.text.hasSuffix("\n\n") {
            findings.append(Finding(file, file.lines.count, "does not end with one newline"))
        }
        return findings
    }

    /// The licence stands in the first line, or in the second where the first must be another's.
    static func findings(ofLicenceIn file: SourceFile) -> [Finding] {
        guard file.isCode || file.name == "Makefile" else { return [] }
        let first = file.lines.first?.text ?? ""
        let isTaken = first.hasPrefix("#!") || first.hasPrefix("// swift-tools-version")
        let index = isTaken ? 1 : 0
        let line = file.lines.count > index ? file.lines[index].text : ""
        let comment = file.tokens.isEmpty && !file.isSwift ? "#" : "//"
        if line == comment + " SPDX-License-Identifier: Apache-2.0" { return [] }
        return [Finding(file, index + 1, "no SPDX line")]
    }

    /// One noun a file: `Secret.swift` and `Secret+Copy.swift` declare or extend `Secret`.
    static func findings(ofNamesIn file: SourceFile) -> [Finding] {
        guard !namedForSeveral.contains(file.name) else { return [] }
        let noun = String(file.name.prefix { $0 != "+" && $0 != "." })
        let types = Declarations.topLevelTypes(in: file.tokens)
            .union(Declarations.extendedTypes(in: file.tokens))
        if types.contains(noun) { return [] }
        return [Finding(file, 1, "declares and extends no \(noun), only \(types.sorted())")]
    }
}

/// One function with a body, of Swift or C.
private struct Function {
    var name: String
    var firstLine: Int
    var lines: Int

    static func all(in tokens: [Token]) -> [Function] {
        var functions: [Function] = []
        for index in tokens.indices {
            guard let start = start(of: index, in: tokens) else { continue }
            guard let open = body(after: index, in: tokens) else { continue }
            guard let close = matchingBrace(of: open, in: tokens) else { continue }
            let lines = tokens[close].line - start.line + 1
            functions.append(Function(name: start.text, firstLine: start.line, lines: lines))
        }
        return functions
    }

    /// The token to count from, if a function's parameters (or its body) follow this index.
    private static func start(of index: Int, in tokens: [Token]) -> Token? {
        let token = tokens[index]
        let previous = index > 0 ? tokens[index - 1].text : ""
        switch token.text {
        case "func", "subscript", "deinit":
            return previous == "." ? nil : token
        case "init":
            return previous == "." ? nil : token
        default:
            // C: a name and its parameters at the start of a declaration.
            guard token.kind == .word, index + 1 < tokens.count else { return nil }
            guard tokens[index + 1].text == "(", previous == "*" || isCType(previous) else {
                return nil
            }
            return token
        }
    }

    private static func isCType(_ text: String) -> Bool {
        ["void", "int", "long", "char", "unsigned", "bool"].contains(text) || text.hasSuffix("_t")
    }

    /// The brace that opens the body; nil where a declaration has none.
    private static func body(after index: Int, in tokens: [Token]) -> Int? {
        var depth = 0
        for later in tokens.indices.dropFirst(index + 1) {
            switch tokens[later].text {
            case "(", "[": depth += 1
            case ")", "]": depth -= 1
            case "{" where depth == 0: return later
            case "}" where depth == 0, ";" where depth == 0: return nil
            case "func", "init", "deinit", "subscript", "var", "let", "associatedtype":
                if depth == 0, tokens[later - 1].text != "func" { return nil }
            default: break
            }
            if depth < 0 { return nil }
        }
        return nil
    }

    private static func matchingBrace(of open: Int, in tokens: [Token]) -> Int? {
        var depth = 0
        for index in open..<tokens.count {
            if tokens[index].text == "{" { depth += 1 }
            if tokens[index].text == "}" { depth -= 1 }
            if depth == 0 { return index }
        }
        return nil
    }
}

@Suite("The shape of the files")
struct ShapeTests {
    @Test("The files of the package were found")
    func found() {
        let paths = Set(Tree.files.map(\.path))
        for path in [
            "Package.swift", "Makefile", ".ci/run", "Sources/TokenVault/Atoms/Secret.swift",
        ] {
            #expect(paths.contains(path))
        }
    }

    @Test("Lines, functions and files are short")
    func sizes() {
        report(Tree.files.filter(\.isCode).flatMap(ShapeRule.findings(ofSizesIn:)))
    }

    @Test("Files end with one newline, lines with no space, and only Makefile holds tabs")
    func bytes() {
        report(Tree.files.flatMap(ShapeRule.findings(ofBytesIn:)))
    }

    @Test("Code names its licence first")
    func licence() {
        report(Tree.files.flatMap(ShapeRule.findings(ofLicenceIn:)))
    }

    @Test("A file of the library is named for the type it declares or extends")
    func names() {
        report(Tree.library.flatMap(ShapeRule.findings(ofNamesIn:)))
    }

    @Test("What is built or resolved is not committed")
    func ignored() throws {
        let file = try #require(Tree.files.first { $0.path == ".gitignore" })
        #expect(file.lines.contains { $0.text == ".build/" })
        #expect(file.lines.contains { $0.text == "Package.resolved" })
    }

    private func sizes(_ text: String, at path: String = "Sources/TokenVault/A.swift") -> [Int] {
        ShapeRule.findings(ofSizesIn: SourceFile(path, text)).map(\.line)
    }

    @Test("A line of 101 columns is found, one of 100 passes")
    func longLine() {
        #expect(sizes("\n" + String(repeating: "é", count: 101)) == [2])
        #expect(sizes(String(repeating: "é", count: 100)).isEmpty)
    }

    @Test(
        "A function of 71 lines is found, one of 70 passes",
        arguments: [
            "func a() {", "init(a: Int = 1) throws {", "deinit {", "subscript(a: Int) -> Int {",
            "func a<B>(b: () -> Void = {}) -> [B] where B: C {", "static size_t a(char *b) {",
            "protocol P { func b() ; init() }\nfunc a() {",
        ])
    func longFunction(_ head: String) {
        let first = head.split(separator: "\n").count
        #expect(sizes("\(head)\(String(repeating: "\n", count: 70))}") == [first])
        #expect(sizes("\(head)\(String(repeating: "\n", count: 69))}").isEmpty)
    }

    @Test("A long type of short functions passes")
    func longType() {
        let body = String(repeating: "func a() {\n}\n", count: 50)
        #expect(sizes("struct A {\n\(body)}\nprotocol B { func c()\n}\n").isEmpty)
    }

    @Test("A file above its limit is found")
    func longFile() {
        let text = String(repeating: "\n", count: 300)
        #expect(sizes(text).isEmpty)
        #expect(sizes(text + "\n") == [301])
        #expect(sizes(text + "\n", at: "Sources/CallbackFront/A.swift") == [301])
        #expect(sizes(text + "\n", at: "Tests/ATests/A.swift").isEmpty)
    }

    @Test("Bytes around the text are found", arguments: ["a", "a\n\n", "a \n", "a\tb\n", "a\r\n"])
    func strayBytes(_ text: String) {
        #expect(!ShapeRule.findings(ofBytesIn: SourceFile("a.md", text)).isEmpty)
    }

    @Test("Plain text passes")
    func plainText() {
        #expect(ShapeRule.findings(ofBytesIn: SourceFile("a.md", "a\n\nb\n")).isEmpty)
        #expect(ShapeRule.findings(ofBytesIn: SourceFile("Makefile", "a:\n\tb\n")).isEmpty)
    }

    @Test("A missing licence line is found")
    func missingLicence() {
        func count(_ path: String, _ text: String) -> Int {
            ShapeRule.findings(ofLicenceIn: SourceFile(path, text)).count
        }
        let line = "SPDX-License-Identifier: Apache-2.0\n"
        #expect(count("a.swift", "import A\n// " + line) == 1)
        #expect(count("a.c", "") == 1)
        #expect(count("scripts/a", "#!/bin/sh\n") == 1)
        #expect(count("a.swift", "// " + line) == 0)
        #expect(count("Package.swift", "// swift-tools-version: 6.2\n// " + line) == 0)
        #expect(count("scripts/a", "#!/bin/sh\n# " + line) == 0)
        #expect(count("a.py", "# " + line) == 0)
        #expect(count("README.md", "") == 0)
    }

    @Test("A file named for another type is found")
    func misnamed() {
        func count(_ name: String, _ text: String) -> Int {
            ShapeRule.findings(ofNamesIn: SourceFile("Sources/TokenVault/Atoms/" + name, text))
                .count
        }
        #expect(count("A.swift", "struct B { struct A {} }") == 1)
        #expect(count("A+B.swift", "extension B {}") == 1)
        #expect(count("A.swift", "package final class A: B {}") == 0)
        #expect(count("A+B.swift", "extension A {}") == 0)
    }
}
