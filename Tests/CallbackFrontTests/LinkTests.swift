// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Foundation
import HTTPTypes
import ProviderSimulator
import Testing
import TokenVault

/// Who can use a link up, and how often.
@Suite struct LinkTests {
    @Test func worksOnce() async throws {
        try await Site.run { site in
            let link = try site.link()
            let browser = try Browser()
            _ = try await site.open(link, in: browser)
            #expect(try await browser.get(link).location == "/failed/linkExpired")
            #expect(try await Browser().get(link).location == "/failed/linkExpired")
        }
    }

    @Test func worksOnceForManyAtATime() async throws {
        try await Site.run { site in
            let link = try site.link()
            let locations = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<4 { group.addTask { try await Browser().get(link).location } }
                return try await group.reduce(into: []) { $0.append($1 ?? "") }
            }
            #expect(locations.filter { $0 == "/failed/linkExpired" }.count == 3)
        }
    }

    @Test func isNeverGuessed() async throws {
        try await Site.run { site in
            let names = [String(repeating: "A", count: 43), "x", "%00", "..%2f", "%ff"]
            for name in names {
                let reply = try await Browser().get(site.url + "/connect/" + name)
                #expect(reply.location == "/failed/linkExpired", "\(name)")
                #expect(reply.headers["set-cookie"] == nil)
            }
        }
    }

    @Test func isLongRandomAndBounded() async throws {
        try await Site.run { site in
            var links: Set<String> = []
            for _ in 0..<CallbackFront.linksMax { links.insert(try site.link()) }
            #expect(links.count == CallbackFront.linksMax)
            #expect(throws: CallbackFrontError.self) { try site.link() }
            let opened = try await Browser().get(#require(links.first))
            #expect(opened.status == 303)
            _ = try site.link()
            let token = try #require(links.first?.split(separator: "/").last)
            #expect(token.utf8.count == 43)
        }
    }

    @Test(arguments: [
        "Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Purpose: prefetch",
        "X-Moz: prefetch", "Sec-Fetch-Dest: image", "Sec-Fetch-Dest: iframe",
    ])
    func isNotUsedUpByLoadingAhead(_ header: String) async throws {
        try await Site.run { site in
            let link = try site.link()
            let browser = try Browser()
            let reply = try await browser.get(link, [header])
            #expect(reply.status == 403)
            #expect(reply.headers["set-cookie"] == nil)
            let callback = try await site.consent(link, in: browser)
            #expect(try await browser.get(callback, [header]).status == 403)
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try await browser.get(callback).location == "/completed")
        }
    }

    @Test func isNotUsedUpByOtherMethods() async throws {
        try await Site.run { site in
            let link = try site.link()
            let browser = try Browser()
            for method in ["HEAD", "POST", "OPTIONS", "PUT"] {
                let reply = try await browser.send(method, link)
                #expect([404, 405].contains(reply.status), "\(method)")
            }
            let callback = try await site.consent(link, in: browser)
            for method in ["HEAD", "POST", "OPTIONS", "PUT"] {
                let reply = try await browser.send(method, callback)
                #expect([404, 405].contains(reply.status), "\(method)")
            }
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try await browser.get(callback).location == "/completed")
        }
    }

    @Test func setsACookieThatStaysWithThisHost() async throws {
        try await Site.run { site in
            let reply = try await Browser().get(site.link())
            let cookie = try #require(reply.headers["set-cookie"])
            let value = cookie.drop { $0 != "=" }.dropFirst().prefix { $0 != ";" }
            #expect(value.utf8.count == 43)
            #expect(
                cookie == "__Host-tokenvault-flow=\(value); Path=/; Max-Age=600; Secure; HttpOnly; "
                    + "SameSite=Lax")
        }
    }

    @Test func replacesACookieThatIsNotOurs() async throws {
        try await Site.run { site in
            for value in ["short", String(repeating: "a", count: 42) + "!", ""] {
                let reply = try await Browser().get(
                    site.link(), ["Cookie: __Host-tokenvault-flow=\(value)"])
                let cookie = try #require(reply.headers["set-cookie"])
                #expect(!cookie.contains("=\(value);"))
            }
        }
    }

    @Test func hasAPlainCookieOnlyWhereItIsAskedFor() async throws {
        try await Site.run({ $0.allowsPlainHTTPCookies = true }) { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            #expect(browser.cookie("tokenvault-flow") != nil)
            #expect(browser.cookie() == nil)
            #expect(try await browser.get(callback).location == "/completed")
        }
    }

    /// Somebody who is sent another user's link does not connect their account to it.
    @Test func opensOnlyForItsOwnUser() async throws {
        try await Site.run({ configuration in
            configuration.recognizes = { visitor in
                let cookies = visitor.headers[.cookie] ?? ""
                return cookies.contains("session=\(visitor.connection)-\(visitor.application)")
            }
        }) { site in
            let link = try site.link("ada")
            let (ada, eve) = (try Browser(), try Browser())
            #expect(try await eve.get(link).location == "/failed/linkNotYours")
            #expect(
                try await eve.get(link, ["Cookie: session=eve-demo"]).location
                    == "/failed/linkNotYours")
            let reply = try await ada.get(link, ["Cookie: session=ada-demo"])
            #expect(reply.location?.hasPrefix(site.provider.baseURL) ?? false)
        }
    }

    @Test func tellsWhereAConnectionCannotBeStarted() async throws {
        try await Site.run { site in
            let link = try site.link(application: "nobody")
            #expect(try await Browser().get(link).location == "/failed/applicationMisconfigured")
        }
    }
}
