// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What was granted beside what was asked for.
@Suite("Scopes that were granted otherwise") struct ScopeDifferenceTests {
    @Test(
        "Order means nothing, case does, and separators may differ",
        arguments: [
            ("read write", "write read", [], []),
            ("read write", "read", ["write"], []),
            ("read", "read admin", [], ["admin"]),
            ("read", "Read", ["read"], ["Read"]),
            ("a,b c", "a b", ["c"], []),
            ("a b", "a,b", [], []),
            ("a b", "a, b", [], []),
            ("a b b", "", ["a", "b"], []),
            ("a", "b b a", [], ["b"]),
            // Two spellings of one letter.
            ("caf\u{e9}", "cafe\u{301}", ["caf\u{e9}"], ["cafe\u{301}"]),
        ] as [(String, String, [String], [String])])
    func compared(_ asked: String, _ granted: String, _ missing: [String], _ extra: [String]) {
        let difference = ScopeDifference(requested: asked, granted: granted)
        #expect(difference.missing == missing && difference.extra == extra)
        #expect(difference.isNone == (missing.isEmpty && extra.isEmpty))
    }

    @Test("Who does not say what was granted has granted all; who was not asked has chosen")
    func unsaid() {
        #expect(ScopeDifference(requested: "a b", granted: nil).isNone)
        #expect(ScopeDifference(requested: nil, granted: "a").isNone)
    }

    @Test("A provider's own separator")
    func ownSeparator() {
        let asked = "a;b;c"
        let plain = ScopeDifference(requested: asked, granted: "c b")
        #expect(plain.missing == ["a;b;c"])
        let known = ScopeDifference(requested: asked, granted: "c b", separators: [";", ""])
        #expect(known.missing == ["a"] && known.extra.isEmpty)
    }
}
