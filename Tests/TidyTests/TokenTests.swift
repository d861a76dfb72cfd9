// SPDX-License-Identifier: Apache-2.0

import Testing

@Suite("The tokenizer of the style tests")
struct TokenTests {
    private func words(_ text: String) -> [String] {
        Token.all(in: text).filter { $0.kind == .word }.map(\.text)
    }

    @Test("Comments are no code, nested ones neither")
    func comments() {
        #expect(words("a // Hidden\n/* Hidden /* Hidden */ Hidden */ b") == ["a", "b"])
    }

    @Test(
        "String literals are no code",
        arguments: [
            #"a("Hidden") + b"#,
            ##"a("Hid \" den") + b"##,
            ###"a(#"Hid " \(Hidden) den"#) + b"###,
            "a(\"\"\"\n  Hid \"den\" // Hidden\n  \"\"\") + b",
            "a(#/Hid \" den/#) + b",
            "a(\"\") + b",
            "a('\"') + b",
        ])
    func literals(_ text: String) {
        #expect(words(text) == ["a", "b"])
    }

    @Test(
        "What is interpolated is code",
        arguments: [
            #"a("Hidden \(Seen(x: ("Hidden"))) Hidden", b)"#,
            ##"a(#"Hidden \#(Seen(x: "Hidden")) Hidden"#, b)"##,
        ])
    func interpolation(_ text: String) {
        #expect(words(text) == ["a", "Seen", "x", "b"])
    }

    @Test("Lines are counted through comments and literals")
    func lines() {
        let text = "/*\n\n*/ let a = \"\"\"\n  x\n  \"\"\"\nb 1.5"
        let lines = Token.all(in: text).map { "\($0.text) \($0.line)" }
        #expect(lines == ["let 3", "a 3", "= 3", " 3", "b 6", "1.5 6"])
    }

    @Test("A space between two tokens is seen")
    func touching() {
        let touching = Token.all(in: "a! != \"x\"!").map(\.touchesPrevious)
        #expect(touching == [false, true, false, true, false, true])
    }
}
