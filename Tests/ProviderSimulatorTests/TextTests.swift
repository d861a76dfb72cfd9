// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import ProviderSimulator

struct TextTests {
    @Test func formsAreReadAsWritten() throws {
        let form = try #require(Form(encoded: "a=1+2&b=%C3%A9%26&c&d=x=y".utf8))
        #expect(form["a"] == "1 2")
        #expect(form["b"] == "é&")
        #expect(form["c"] == "")
        #expect(form["d"] == "x=y")
        #expect(form["e"] == nil)
    }

    @Test(arguments: ["a=1&a=2", "a=%4", "a=%zz", "a=%FF"])
    func brokenFormsAreRefused(text: String) {
        #expect(Form(encoded: text.utf8) == nil)
    }

    @Test func formsHaveALimit() {
        let fields = (0...Form.fieldsMax).map { "f\($0)=" }
        #expect(Form(encoded: fields.joined(separator: "&").utf8) == nil)
        #expect(Form(encoded: fields.dropLast().joined(separator: "&").utf8) != nil)
    }

    @Test func jsonIsEscaped() {
        var json = JSONText()
        json.add("text", "a\"b\\c\n\u{1}é")
        json.add("list", ["x", "y"])
        json.add("number", -1)
        json.add("truth", true)
        #expect(
            json.finished()
                == #"{"text":"a\"b\\c\u000a\u0001é","list":["x","y"],"number":-1,"truth":true}"#)
    }

    @Test func base64ReadsWhatItWrites() {
        #expect(Base64.url([0xfb, 0xff]) == "-_8")
        #expect(Base64.decode("+/8=") == [0xfb, 0xff])
        #expect(Base64.decode("a*b") == nil)
    }
}
