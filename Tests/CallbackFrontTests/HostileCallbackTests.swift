// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

/// Callbacks as an attacker or a broken provider writes them.
@Suite struct HostileCallbackTests {
    /// A flow that waits for its callback, and its state.
    private func state(_ site: Site, _ browser: Browser) async throws -> String {
        let location = try await site.open(site.link(), in: browser)
        let start = try #require(location.range(of: "state="))
        return String(location[start.upperBound...].prefix { $0 != "&" })
    }

    @Test("C7: a denial ends the flow of its browser, and with a guessed state nothing")
    func aRefusalEndsTheFlow() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let query = "?error=access_denied&iss=\(encoded(site.provider.baseURL))&state="
            let url = site.url + "/callback/demo" + query
            let mine = url + (try await state(site, browser))
            #expect(try await browser.get(mine).location == "/failed/flowDenied")
            #expect(try await browser.get(mine).location == "/failed/callbackRejected")
            let guessed = url + String(repeating: "A", count: 43)
            #expect(try await browser.get(guessed).location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    private func encoded(_ text: String) -> String {
        text.replacingOccurrences(of: ":", with: "%3A").replacingOccurrences(of: "/", with: "%2F")
    }

    @Test(
        "C7: what a provider writes is on no page",
        arguments: [
            "<script>alert(1)</script>", "%3Cscript%3Ealert(1)%3C/script%3E",
            "\"><svg/onload=alert(1)>", "%22%3E%3Csvg%2Fonload%3Dalert(1)%3E",
            "%1b%5B31mred", "%ff%fe%80", "%0d%0aSet-Cookie:%20evil=1", "%00", "%", "%zz",
            "javascript:alert(1)", "%E2%80%AEtxt.exe",
        ])
    func aProvidersTextIsNowhereOnThePage(_ text: String) async throws {
        try await Site.run { site in
            for name in ["error", "error_description", "error_uri", "state", "code", "iss", "x"] {
                let browser = try Browser()
                let state = try await state(site, browser)
                let issuer = encoded(site.provider.baseURL)
                let queries = [
                    "?error=access_denied&iss=\(issuer)&state=\(state)&\(name)=\(text)",
                    "?\(name)=\(text)",
                ]
                for query in queries {
                    var reply: Browser.Reply
                    do {
                        reply = try await browser.get(site.url + "/callback/demo" + query)
                    } catch is Browser.NoReply {
                        continue  // curl itself would not send it
                    }
                    let location = try #require(reply.location)
                    #expect(location.hasPrefix("/failed/"))
                    #expect(reply.headers["set-cookie"] == nil)
                    let page = try await browser.get(site.url + location)
                    for part in [reply.text, page.text] {
                        #expect(!part.contains("alert") && !part.contains("<script"))
                        #expect(!part.contains("\u{1b}") && !part.contains("evil"))
                        #expect(!part.contains("txt.exe"))
                    }
                }
            }
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test func rawBytesThatAreNoText() async throws {
        try await Site.run { site in
            let browser = try Browser()
            _ = try await state(site, browser)
            let start = Array("\(site.url)/callback/demo?error=".utf8)
            for bytes: [UInt8] in [
                [0xff, 0xfe], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xe2, 0x80],
            ] {
                let reply = try await browser.send("GET", start + bytes)
                #expect(
                    reply.status == 400 || reply.location == "/failed/callbackRejected",
                    "\(bytes): \(reply.status)")
                #expect(!reply.text.contains("\u{fffd}"))
            }
        }
    }

    @Test("C2: a parameter that comes twice", arguments: ["code", "state", "iss", "error"])
    func aParameterThatComesTwice(_ name: String) async throws {
        try await Site.run { site in
            let browser = try Browser()
            var callback = try await site.consent(site.link(), in: browser)
            if name == "error" { callback += "&error=access_denied" }
            let start = try #require(callback.range(of: name + "="))
            let value = callback[start.upperBound...].prefix { $0 != "&" }
            let reply = try await browser.get(callback + "&\(name)=\(value)")
            #expect(reply.location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test("C12: a target of more than 8 KiB")
    func tooLongATarget() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let path = callback.utf8.count - site.url.utf8.count
            for count in [8193 - path - 3, 20_000, 100_000] {
                let long = callback + "&x=" + String(repeating: "a", count: count)
                let reply = try await browser.get(long)
                #expect(reply.status == 400, "\(count)")
                #expect(!reply.text.contains("aaaa"))
            }
            let header = "X-Long: " + String(repeating: "a", count: 40 * 1024)
            #expect(try await browser.get(callback, [header]).status == 400)
            #expect(site.provider.counters.tokenRequests == 0)
            let fits = callback + "&x=" + String(repeating: "a", count: 8192 - path - 3)
            #expect(try await browser.get(fits).location == "/completed")
        }
    }

    @Test("C12: more than 32 parameters")
    func tooManyParameters() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let many = (0..<32).map { "&x\($0)=1" }.joined()
            #expect(try await browser.get(callback + many).location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test func aBodyIsRefused() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let reply = try await browser.send("GET", Array(callback.utf8), body: "code=x")
            #expect(reply.status == 413)
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test func pathsThatAreNotServed() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let query = callback.drop { $0 != "?" }
            let paths = ["/", "/connect", "/callback/demo/more", "/.git"]
            for path in paths {
                #expect(try await browser.get(site.url + path + query).status == 404, "\(path)")
            }
            // The plain callback is not this application's, nor is a URI with a slash more.
            for path in ["/callback", "/callback/", "/callback/demo/", "//callback/demo"] {
                #expect(
                    try await browser.get(site.url + path + query).location
                        == "/failed/callbackRejected", "\(path)")
            }
            for name in ["..", "%2e%2e", "a%2fb", "a%00", String(repeating: "a", count: 65)] {
                let reply = try await browser.get(site.url + "/callback/" + name + query)
                #expect(
                    reply.status == 404 || reply.location == "/failed/callbackRejected", "\(name)")
            }
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }
}
