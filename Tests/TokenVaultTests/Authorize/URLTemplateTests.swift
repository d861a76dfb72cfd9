// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// A value fills the place that its name has in a URL, and leads nowhere else.
@Suite struct URLTemplateTests {
    private func filled(
        _ template: String, _ values: [String: String], hosts: [String] = []
    ) -> String? {
        do throws(TemplateFault) {
            return try URLTemplate(template).filled({ values[$0] }, hosts: { _ in hosts })
        } catch {
            return nil
        }
    }

    @Test func aValueStandsWhereItsNameDoes() {
        #expect(
            filled("https://{shop}.myshopify.com/admin?x={y}", ["shop": "a-1", "y": "b"])
                == "https://a-1.myshopify.com/admin?x=b")
        #expect(
            filled("https://{host}/token", ["host": "a.b.example"]) == "https://a.b.example/token")
        #expect(filled("https://{host}:8443", ["host": "h"]) == "https://h:8443")
        #expect(filled("https://a.example/{v}/t", ["v": "v22.0"]) == "https://a.example/v22.0/t")
        #expect(filled("https://a.example/t", [:]) == "https://a.example/t")
        #expect(filled("https://{a}.{b}.example/", ["a": "x", "b": "y"]) == "https://x.y.example/")
        #expect(filled("https://{host}/", [:]) == nil)
    }

    /// None of these is a shop.
    @Test(
        arguments: [
            "evil.example/#", "evil.example/", "evil.example#", "evil.example?", "evil.example\\",
            "user@evil.example", "user:pw@evil.example", "evil.example:443", "", ".", "..", "...",
            "a..b", ".a", "a.", "a b", "a\tb", "a\nb", "a\u{0}b", "a\u{7f}", "%2e", "a%2fb",
            "shöp", "\u{ff0e}", "\u{3002}", "xn--\u{e9}", "[::1]", "a,b", "a;b", "{shop}", "a~b",
            String(repeating: "a", count: 256),
        ])
    func noHostButAHost(_ value: String) {
        #expect(filled("https://{shop}.myshopify.com/", ["shop": value]) == nil, "\(value)")
        #expect(
            filled("https://{shop}/", ["shop": value], hosts: ["myshopify.com"]) == nil, "\(value)")
    }

    @Test func onlyAWholeHostOfAnyNameMayHaveAPort() {
        let hosts = ["host": "git.example:8443"]
        #expect(filled("https://{host}/token", hosts) == "https://git.example:8443/token")
        #expect(filled("https://{host}", hosts) == "https://git.example:8443")
        #expect(filled("https://{host}:80/token", hosts) == nil)
        #expect(filled("https://a.{host}/token", hosts) == nil)
        #expect(filled("https://{host}.example/token", hosts) == nil)
        #expect(filled("https://{host}/token", hosts, hosts: ["git.example"]) == nil)
        for value in ["a:", "a:b", "a:0", "a:65536", "a:1:2", ":1", "a:443/x", "a:443@b"] {
            #expect(filled("https://{host}/token", ["host": value]) == nil, "\(value)")
        }
    }

    @Test func aHostIsHeldToItsSuffixes() {
        func host(_ value: String, _ hosts: [String]) -> Bool {
            filled("https://{host}/", ["host": value], hosts: hosts) != nil
        }
        for value in ["salesforce.com", "a.salesforce.com", "A.b.SalesForce.com"] {
            #expect(host(value, ["salesforce.com"]), "\(value)")
        }
        let others = [
            "evilsalesforce.com", "salesforce.com.evil.example", "evil.example", "com",
            "salesforce.co", "alesforce.com", "salesforce.com.",
        ]
        for value in others { #expect(!host(value, ["salesforce.com"]), "\(value)") }
        #expect(host("eu.example.com", [".example.com"]))
        #expect(!host("example.com", [".example.com"]) && !host("xexample.com", [".example.com"]))
        #expect(host("b.org", ["a.com", "b.org"]))
    }

    @Test func anOriginIsHTTPSAndAHostOfTheList() {
        func origin(_ value: String, _ hosts: [String] = ["zoho.eu"]) -> String? {
            filled("{server}/oauth/v2/token", ["server": value], hosts: hosts)
        }
        #expect(origin("https://accounts.zoho.eu") == "https://accounts.zoho.eu/oauth/v2/token")
        #expect(origin("https://zoho.eu:8443") == "https://zoho.eu:8443/oauth/v2/token")
        let wrong = [
            "http://accounts.zoho.eu", "accounts.zoho.eu", "https://evil.example",
            "https://accounts.zoho.eu/", "https://accounts.zoho.eu/x", "https://a@zoho.eu",
            "https://zoho.eu@evil.example", "https://evil.example/zoho.eu", "https://zoho.eu#",
            "https://evil.example#.zoho.eu", "https://evil.example?.zoho.eu", "https://zoho.eu:0",
            "https://zoho.eu:99999", "https://zoho.eu:", "https://", "ftp://zoho.eu",
            "https:zoho.eu", "https:///zoho.eu", "https://evilzoho.eu", "javascript:zoho.eu",
            "https://evil.example\\.zoho.eu", "https://zoho.eu:80:80", "https://.zoho.eu",
        ]
        for value in wrong { #expect(origin(value) == nil, "\(value)") }
        // Without a list nobody may choose.
        #expect(origin("https://accounts.zoho.eu", []) == nil)
        // This machine, for tests; the guard decides.
        #expect(origin("http://127.0.0.1:80", ["127.0.0.1"]) != nil)
        #expect(origin("http://10.0.0.1", ["10.0.0.1"]) == nil)
    }

    @Test func behindTheHostItIsEncoded() {
        func path(_ value: String) -> String? { filled("https://a.example/{t}/x", ["t": value]) }
        #expect(path("a/b") == "https://a.example/a%2Fb/x")
        #expect(path("a?b=c&d#e") == "https://a.example/a%3Fb%3Dc%26d%23e/x")
        #expect(path("%2e%2e") == "https://a.example/%252e%252e/x")
        #expect(path("..") == nil && path(".") == nil && path("") == nil)
        #expect(path("a\r\nb") == nil && path("ä") == nil)
        #expect(
            filled("https://a.example/x?y={t}&z=1", ["t": "1&client_id=2"])
                == "https://a.example/x?y=1%26client_id%3D2&z=1")
    }

    @Test(
        arguments: [
            "https://{a", "https://a}/", "https://{}/", "https://{A}/", "https://{1a}/",
            "https://{a b}/", "htt{a}://b.example/", "{a}b.example/", "{a}:443/",
            "https://a.example:{a}/", "https://x@{a}/", "https://[{a}]/",
            "https://a.example/?{a}=1",
            "https://a.example/?x=1&{a}", "https://{a{b}}/", "{a}{b}/",
            "https://{\(String(repeating: "a", count: 33))}/",
        ])
    func whatIsNoTemplateIsRefused(_ text: String) {
        #expect((try? URLTemplate(text)) == nil, "\(text)")
    }

    /// Whatever a value is, the host is that of the template, or one of the list.
    @Test func whatAnyBytesMake() throws {
        var random = SystemRandomNumberGenerator()
        let alphabet = Array("abc.-/\\#?@:%[]{}&=;, \u{e9}\u{ff0e}\u{0}\r\n019_~".unicodeScalars)
        let addressGuard = AddressGuard()
        var filledCount = 0
        for _ in 0..<20_000 {
            var value = ""
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                value.unicodeScalars.append(
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)])
            }
            for template in ["https://{a}.example.com/t", "https://x.example.com/{a}/t?y={a}"] {
                guard let url = filled(template, ["a": value]) else { continue }
                filledCount += 1
                guard case .target = addressGuard.judge(url), let parts = Curl.parse(url) else {
                    continue
                }
                #expect(parts.host.hasSuffix(".example.com"), "\(value)")
            }
            guard let url = filled("https://{a}/t", ["a": value + ".a.org"], hosts: ["a.org"]),
                let parts = Curl.parse(url)
            else { continue }
            #expect(parts.host.hasSuffix(".a.org"), "\(value)")
        }
        #expect(filledCount > 1000)
    }

    @Test func aPatternMatchesTheWhole() {
        #expect(ValuePattern.matches("[a-z0-9-]+", "a-1"))
        for text in ["a_1", "A", "a b", "", "a\n"] {
            #expect(!ValuePattern.matches("[a-z0-9-]+", text), "\(text)")
        }
        #expect(ValuePattern.matches("common|organizations|[0-9a-f]{8}", "organizations"))
        #expect(!ValuePattern.matches("a)|(b", "b") && !ValuePattern.matches("a|ab", "abc"))
        #expect(ValuePattern.matches("a|ab", "ab"))
        let wrong = [
            "", "(", "[", "a{3000}{3000}", "(a)\\1", "ä", "a\n", "a\\",
            String(repeating: "a", count: 129),
        ]
        for pattern in wrong { #expect(!ValuePattern.isValid(pattern), "\(pattern)") }
        for pattern in ["[^/]+", "v[0-9]+\\.[0-9]+", "a{2,3}"] {
            #expect(ValuePattern.isValid(pattern), "\(pattern)")
        }
    }
}
