// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Issuer identifiers (RFC 8414 sections 2, 3.1 and 3.3; OpenID Connect Discovery 4.1 and 4.3).
struct IssuerTests {
    /// What is no issuer, and what is said of it.
    static let refused: [(text: String, kind: DiscoveryError.Kind, words: String)] = [
        ("", .issuerMalformed, "is no URL"),
        ("a.example", .issuerMalformed, "is no URL"),
        ("http://a.example", .issuerMalformed, "is not https"),
        ("ftp://a.example", .issuerMalformed, ""),
        ("file:///etc/passwd", .issuerMalformed, ""),
        ("javascript:alert(1)", .issuerMalformed, ""),
        ("https://a.example?x=1", .issuerMalformed, "has a query or a fragment"),
        ("https://a.example/?", .issuerMalformed, "has a query or a fragment"),
        ("https://a.example/#x", .issuerMalformed, "has a query or a fragment"),
        ("https://ann:secret@a.example", .issuerMalformed, "before an @"),
        ("https://a.example.", .issuerMalformed, "neither a name nor an address"),
        ("https://a.example:0", .issuerMalformed, "is no URL"),
        ("https://a.example:70000", .issuerMalformed, "is no URL"),
        ("https://a.example:/", .issuerMalformed, "is no URL"),
        ("https:/a.example", .issuerMalformed, ""),
        ("https://a b.example", .issuerMalformed, "is no URL"),
        ("https://a.example\n.evil.example", .issuerMalformed, "is no URL"),
        ("https://a.example/\u{2028}", .issuerMalformed, "is no URL"),
        ("https://a.example/x/../y", .issuerMalformed, "has . or .. in its path"),
        ("https://a.example/x/%2E%2e/y", .issuerMalformed, "has . or .. in its path"),
        ("https://a.example/{tenantid}/v2.0", .issuerMalformed, "has a name in braces"),
        (
            "https://a.example/.well-known/openid-configuration", .issuerMalformed,
            "is the address of a document"
        ),
        ("https://127.0.0.1", .addressRefused, "is on this machine"),
        ("https://localhost:8443", .addressRefused, "is on this machine"),
        ("https://10.1.2.3", .addressRefused, "is in a private network"),
        ("https://[fd00::1]", .addressRefused, "is in a private network"),
        ("https://169.254.169.254", .addressRefused, "metadata"),
        ("https://0x7f.1", .issuerMalformed, ""),
        ("https://" + String(repeating: "a", count: 2048), .issuerMalformed, "is no URL"),
    ]

    @Test("what is no issuer is refused, with what would do", arguments: refused)
    func isRefused(text: String, kind: DiscoveryError.Kind, words: String) {
        do throws(DiscoveryError) {
            _ = try Issuer(text, AddressGuard())
            Issue.record("accepted: \(text)")
        } catch {
            #expect(error.kind == kind, "\(error)")
            #expect(error.problem.contains(words) && !error.remedy.isEmpty, "\(error)")
        }
    }

    @Test(
        "where the documents are",
        arguments: [
            ("https://a.example", ["/.well-known/oauth-authorization-server"], "", []),
            ("https://a.example/", ["/.well-known/oauth-authorization-server"], "", []),
            (
                "https://a.example:8443/x", ["/.well-known/oauth-authorization-server/x"], "/x",
                ["/.well-known/openid-configuration/x"]
            ),
            (
                "https://a.example/realms/acme/",
                ["/.well-known/oauth-authorization-server/realms/acme"], "/realms/acme",
                ["/.well-known/openid-configuration/realms/acme"]
            ),
        ])
    func locations(text: String, oauth: [String], path: String, inserted: [String]) throws {
        let issuer = try Issuer(text, AddressGuard())
        let origin =
            text.hasPrefix("https://a.example:8443")
            ? "https://a.example:8443" : "https://a.example"
        let wanted = oauth + ["\(path)/.well-known/openid-configuration"] + inserted
        #expect(issuer.locations.map(\.url) == wanted.map { origin + $0 })
        #expect(
            issuer.locations.map(\.isOpenID) == Array([false, true, true].prefix(wanted.count)))
    }

    /// Asked for, published, and whether that is the same.
    static let compared: [(asked: String, published: String, isSame: Bool)] = [
        ("https://a.example", "https://a.example", true),
        ("https://a.example", "https://a.example/", true),
        ("https://a.example/", "https://a.example", true),
        ("https://a.example/", "https://a.example//", false),
        ("https://a.example", "https://A.example", false),
        ("https://A.example", "https://a.example", false),
        ("https://a.example", "HTTPS://a.example", false),
        ("https://a.example", "http://a.example", false),
        ("https://a.example", "https://a.example:443", false),
        ("https://a.example:443", "https://a.example", false),
        ("https://a.example:443", "https://a.example:443/", true),
        ("https://a.example", "https://a.example.", false),
        ("https://a.example", "https://a.example/x", false),
        ("https://a.example/x", "https://a.example/x", true),
        ("https://a.example/x", "https://a.example/x/", false),
        ("https://a.example/x/", "https://a.example/x", false),
        ("https://a.example/x", "https://a.example/X", false),
        ("https://a.example/x", "https://a.example/%78", false),
        ("https://a.example/x", "https://a.example", false),
        ("https://a.example/x", "https://a.example/x?", false),
        ("https://a.example", "https://a.example ", false),
        ("https://a.example", "https://a.example.evil.example", false),
        ("https://a.example", "", false),
        ("https://a.example", "a.example", false),
    ]

    @Test("the same string, but for a slash at the end without a path", arguments: compared)
    func comparison(asked: String, published: String, isSame: Bool) throws {
        #expect(try Issuer(asked, AddressGuard()).isNamed(by: published) == isSame)
    }
}
