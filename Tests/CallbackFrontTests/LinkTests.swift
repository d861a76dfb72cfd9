// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Foundation
import HTTPTypes
import ProviderSimulator
import Testing
import TokenVault

/// Who can use a link up, and how often.
@Suite struct LinkTests {
    @Test("A12: a link works once")
    func worksOnce() async throws {
        try await Site.run { site in
            let link = try await site.link()
            let browser = try Browser()
            _ = try await site.open(link, in: browser)
            for visitor in [browser, try Browser()] {
                #expect(try await visitor.get(link).location == "/failed/linkExpired")
                #expect(try await visitor.press(link).location == "/failed/linkExpired")
            }
        }
    }

    @Test("A12: of many who press its button at the same time, one opens a link")
    func worksOnceForManyAtATime() async throws {
        try await Site.run { site in
            let link = try await site.link()
            let locations = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<4 { group.addTask { try await Browser().press(link).location } }
                return try await group.reduce(into: []) { $0.append($1 ?? "") }
            }
            #expect(locations.filter { $0 == "/failed/linkExpired" }.count == 3)
            #expect(locations.filter { $0.hasPrefix(site.provider.baseURL) }.count == 1)
        }
    }

    @Test("A12: a link is never guessed")
    func isNeverGuessed() async throws {
        try await Site.run { site in
            let names = [String(repeating: "A", count: 43), "x", "%00", "..%2f", "%ff"]
            for name in names {
                let link = site.url + "/connect/" + name
                for reply in [try await Browser().get(link), try await Browser().press(link)] {
                    #expect(reply.location == "/failed/linkExpired", "\(name)")
                    #expect(reply.headers["set-cookie"] == nil)
                }
            }
        }
    }

    @Test("A12: a link is random, lives ten minutes, and its page is no session")
    func isOpaqueAndNoSession() async throws {
        try await Site.run { site in
            let before = Date().timeIntervalSince1970
            let link = try await site.front.link(
                for: ConnectionID("ada/practice"), application: ApplicationID("demo"))
            let token = try #require(link.url.split(separator: "/").last)
            #expect(token.utf8.count == 43)
            #expect(try await site.link().hasSuffix(token) == false)
            let seconds = Double(link.expires.milliseconds) / 1000 - before
            #expect((590...610).contains(seconds))
            let page = try await Browser().get(link.url)
            #expect(page.headers["set-cookie"] == nil)
            #expect(!page.body.contains(link.flow.text))
        }
    }

    @Test("A12: what loads ahead, a scanner and HEAD use no link up")
    func isNotUsedUpByLookingAtIt() async throws {
        try await Site.run { site in
            let link = try await site.link()
            let browser = try Browser()
            let looks = [
                [], ["Sec-Purpose: prefetch"], ["Sec-Purpose: prefetch;prerender"],
                ["Purpose: prefetch"], ["X-Moz: prefetch"], ["Sec-Fetch-Dest: image"],
            ]
            for method in ["GET", "HEAD"] {
                for headers in looks {
                    let reply = try await browser.send(method, link, headers)
                    #expect(reply.status == 200)
                    #expect(reply.headers["set-cookie"] == nil)
                    #expect(reply.body.contains("<button") == (method == "GET"))
                }
            }
            for method in ["OPTIONS", "PUT", "DELETE"] {
                #expect([404, 405].contains(try await browser.send(method, link).status))
            }
            #expect(site.provider.counters.authorizeRequests == 0)
            let callback = try await site.consent(link, in: browser)
            #expect(try await browser.get(callback).location == "/completed")
        }
    }

    @Test("C10: what loads ahead, and another method than GET, ends no flow")
    func aFlowIsNotEndedByLookingAtIt() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            for header in [
                "Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Purpose: prefetch",
                "X-Moz: prefetch", "Sec-Fetch-Dest: image", "Sec-Fetch-Dest: iframe",
            ] {
                #expect(try await browser.get(callback, [header]).status == 403)
            }
            for method in ["HEAD", "POST", "OPTIONS", "PUT"] {
                let reply = try await browser.send(method, callback)
                #expect([404, 405].contains(reply.status), "\(method)")
            }
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try await browser.get(callback).location == "/completed")
        }
    }

    @Test("CSRF: the button of another page presses nothing")
    func theButtonOfAnotherPage() async throws {
        try await Site.run { site in
            let link = try await site.link()
            let browser = try Browser()
            for headers in [
                ["Sec-Fetch-Site: cross-site", "Origin: \(site.url)"],
                ["Sec-Fetch-Site: same-site"], ["Sec-Fetch-Site: none"],
                ["Origin: https://evil.example"], ["Origin: null"],
                ["Origin: \(site.url).evil.example"],
                ["Origin: \(site.url.replacingOccurrences(of: "http", with: "https"))"],
                ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: iframe"],
                ["Sec-Fetch-Site: same-origin", "Sec-Purpose: prefetch"],
            ] {
                let reply = try await browser.press(link, headers)
                #expect(reply.status == 403, "\(headers)")
                #expect(reply.headers["set-cookie"] == nil)
            }
            #expect(try await browser.get(link).status == 200)
            #expect(try await browser.press(link, ["Origin: \(site.url)"]).status == 303)
        }
    }

    @Test func aBodyOfTheButton() async throws {
        try await Site.run { site in
            let link = try await site.link()
            let browser = try Browser()
            let own = "Sec-Fetch-Site: same-origin"
            let long = String(repeating: "a", count: 1025)
            for headers in [[own], [own, "Transfer-Encoding: chunked"]] {
                let reply = try await browser.send("POST", link, headers, body: long)
                #expect(reply.status == 413, "\(headers)")
            }
            #expect(try await browser.get(link).status == 200)
            let fits = String(repeating: "a", count: 1024)
            #expect(
                try await browser.send(
                    "POST", link, [own, "Transfer-Encoding: chunked"], body: fits
                ).status == 303)
            #expect(
                try await browser.send("POST", try await site.link(), [own], body: fits).status
                    == 303)
        }
    }

    @Test("A2: the cookie stays with this host and is no script's")
    func setsACookieThatStaysWithThisHost() async throws {
        try await Site.run { site in
            let reply = try await Browser().press(site.link())
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
                let reply = try await Browser().press(
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

    @Test("C5: somebody who is sent another user's link does not connect their account to it")
    func opensOnlyForItsOwnUser() async throws {
        try await Site.run({ configuration in
            configuration.recognizes = { visitor in
                let cookies = visitor.headers[.cookie] ?? ""
                return cookies.contains("session=\(visitor.connection)-\(visitor.application)")
            }
        }) { site in
            let link = try await site.link("ada")
            let (ada, eve) = (try Browser(), try Browser())
            for headers in [[], ["Cookie: session=eve-demo"]] {
                #expect(try await eve.get(link, headers).location == "/failed/linkNotYours")
                #expect(try await eve.press(link, headers).location == "/failed/linkNotYours")
            }
            let session = "Cookie: session=ada-demo"
            #expect(try await ada.get(link, [session]).status == 200)
            let reply = try await ada.press(link, [session])
            #expect(reply.location?.hasPrefix(site.provider.baseURL) ?? false)
        }
    }

    @Test("A link, and a flow that is open, survive a restart of the vault and of the front")
    func survivesARestart() async throws {
        let done = "https://app.example.com/done"
        try await Site.run({ $0.successRedirects = [done] }) { site in
            let browser = try Browser()
            let link = try await site.link()
            let open = try await site.front.link(
                for: ConnectionID("two"), application: ApplicationID("demo"),
                redirects: Redirects(success: done))
            let callback = try await site.consent(open.url, in: browser)
            try await site.restart { $0.successRedirects = [done] }
            #expect(try await browser.get(callback).location == done)
            let second = try await site.consent(link, in: browser)
            #expect(try await browser.get(second).location == "/completed")
            #expect(try await site.userinfo() == 200)
        }
    }

    @Test func tellsWhereAConnectionCannotBeStarted() async throws {
        try await Site.run { site in
            let link = try await site.link()
            try await site.vault.removeApplication(ApplicationID("demo"))
            for reply in [try await Browser().get(link), try await Browser().press(link)] {
                #expect(reply.location == "/failed/applicationMisconfigured")
            }
            let refused = await #expect(throws: CallbackFrontError.self) {
                try await site.link()
            }
            #expect(refused?.vaultError?.code == .applicationNotFound)
            #expect("\(refused as Any)".contains("applicationNotFound"))
        }
    }
}
