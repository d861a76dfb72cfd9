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

    @Test func onlyUnreservedCharactersStayAsTheyAre() {
        #expect("a-Z_0.~".isUnreserved && !"a+b".isUnreserved && !"é".isUnreserved)
        #expect("a b+é/~".percentEncoded == "a%20b%2B%C3%A9%2F~")
    }

    @Test(arguments: [
        ("read write", #""read write""#), ("a\"b\\c\n\u{1}é", #""a\"b\\c\n\u0001é""#),
    ])
    func scopesAreEscaped(scope: String, json: String) {
        let reply = TokenReply(accessToken: "at", accessLifetime: .seconds(9), scope: scope)
        #expect(
            reply.json(expiryStyle: .secondsAsText, unixNow: 0)
                == #"{"access_token":"at","token_type":"Bearer","expires_in":"9","scope":\#(json)}"#
        )
    }
}
