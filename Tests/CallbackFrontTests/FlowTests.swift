// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Foundation
import ProviderSimulator
import Testing
import TokenVault

/// From the link to the tokens, and who may take that way.
@Suite struct FlowTests {
    @Test func connectsAnAccount() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            #expect(try !site.isConnected())
            let reply = try await browser.get(callback)
            #expect(reply.status == 303)
            #expect(reply.location == "/completed")
            #expect(reply.body.isEmpty)
            #expect(
                try await browser.get(site.url + "/completed").body.contains("close this window"))
            #expect(try await site.userinfo() == 200)
            #expect(site.provider.counters.codeExchanges == 1)
            #expect(try site.vault.status(ConnectionID("ada/practice"))?.requestedScope == "read")
        }
    }

    @Test func aVaultThatIsClosedRejectsNobody() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            site.vault.close()
            #expect(try await browser.get(callback).location == "/failed/unavailable")
            #expect(site.log.text.contains("callback not looked up: closed"))
            #expect(!site.log.text.contains("callback refused"))
            #expect(site.provider.counters.codeExchanges == 0)
        }
    }

    @Test("C14: the log has patterns of paths, and no code, state, link or cookie")
    func logsPatternsAndNothingElse() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let link = try await site.link()
            let callback = try await site.consent(link, in: browser)
            _ = try await browser.get(callback)
            _ = try await browser.get(site.url + "/no/such?code=secret-in-a-query")
            let text = site.log.text
            #expect(text.contains("GET /callback/{application} 303"))
            #expect(text.contains("GET 404: no such path"))
            let values = callback.split(whereSeparator: { "?&=/".contains($0) })
                .filter { $0.count > 20 }
            #expect(values.count >= 2)
            let token = try #require(link.split(separator: "/").last)
            let cookie = try #require(browser.cookie())
            for secret in values.map({ "\($0)" }) + ["\(token)", cookie, "secret-in-a-query"] {
                #expect(!text.contains(secret))
            }
        }
    }

    @Test("A6: what is asked for is what the link says")
    func asksForTheLinksOwnScopes() async throws {
        try await Site.run { site in
            let link = try await site.front.link(
                for: ConnectionID("a"), application: ApplicationID("demo"),
                scopes: ["read", "write"])
            #expect(try await Browser().get(link.url).body.contains("<code>write</code>"))
            let location = try await site.open(link.url, in: Browser())
            #expect(location.contains("scope=read%20write"))
            let refused = await #expect(throws: CallbackFrontError.self) {
                try await site.front.link(
                    for: ConnectionID("a"), application: ApplicationID("demo"),
                    scopes: Array(repeating: "s", count: 65))
            }
            #expect(refused?.code == .vaultFailed)
            #expect(refused?.vaultError?.code == .limitExceeded)
        }
    }

    @Test func severalFlowsInOneBrowser() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let first = try await site.consent(site.link("one"), in: browser)
            let cookie = try #require(browser.cookie())
            let second = try await site.consent(
                site.link("two", application: "other"), in: browser)
            #expect(browser.cookie() == cookie)
            #expect(try await browser.get(second).location == "/completed")
            #expect(try await browser.get(first).location == "/completed")
            #expect(try await site.userinfo("one") == 200)
            #expect(try await site.userinfo("two") == 200)
        }
    }

    @Test("A2, C1: a state of another browser, with two cookie jars, completes nothing")
    func anotherBrowserDoesNotComplete() async throws {
        try await Site.run { site in
            let (ada, eve) = (try Browser(), try Browser())
            let callback = try await site.consent(site.link(), in: ada)
            _ = try await site.open(site.link("eve's"), in: eve)
            #expect(ada.cookie() != eve.cookie())
            #expect(try await eve.get(callback).location == "/failed/callbackRejected")
            #expect(try await Browser().get(callback).location == "/failed/callbackRejected")
            let twice =
                "Cookie: __Host-tokenvault-flow=\(try #require(ada.cookie())); "
                + "__Host-tokenvault-flow=\(try #require(eve.cookie()))"
            #expect(
                try await Browser().get(callback, [twice]).location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try !site.isConnected())
            // Nobody has spoilt the flow of the one who started it.
            #expect(try await ada.get(callback).location == "/completed")
        }
    }

    /// Whoever starts a flow past the front binds no browser; through the front none completes it.
    @Test("A2, C5: a flow without a browser is completed by none")
    func aFlowWithoutABrowserIsNotCompletedHere() async throws {
        try await Site.run { site in
            let request = try await site.vault.connect(
                ConnectionID("ada/practice"), application: ApplicationID("demo"))
            let callback = try site.provider.approve(request.url)
            let eve = try Browser()
            #expect(try await eve.get(callback).location == "/failed/callbackRejected")
            _ = try await site.open(site.link("eve's"), in: eve)
            #expect(try await eve.get(callback).location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test("A2, C1, C6: a callback that is replayed exchanges nothing")
    func aCodeIsExchangedOnce() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            _ = try await browser.get(callback)
            #expect(try await browser.get(callback).location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 1)
            #expect(site.provider.counters.codesReused == 0)
            #expect(try await site.userinfo() == 200)
        }
    }

    @Test("C6: of callbacks at the same time one exchanges the code")
    func parallelCallbacksExchangeOnce() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let locations = try await withThrowingTaskGroup(of: String?.self) { group in
                for _ in 0..<4 { group.addTask { try await browser.get(callback).location } }
                return try await group.reduce(into: []) { $0.append($1 ?? "") }
            }
            #expect(locations.filter { $0 == "/completed" }.count == 1)
            #expect(locations.filter { $0 == "/failed/callbackRejected" }.count == 3)
            #expect(site.provider.counters.tokenRequests == 1)
            #expect(site.provider.counters.codeExchanges == 1)
        }
    }

    /// A provider that was mixed up with another one returns its user to the other one's path.
    @Test("C4: a mix-up ends at the path of another application, and no code is sent")
    func aStateDoesNotFitAnotherApplication() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let mixed = callback.replacingOccurrences(
                of: "/callback/demo", with: "/callback/other")
            #expect(try await browser.get(mixed).location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 0)
            let unknown = callback.replacingOccurrences(
                of: "/callback/demo", with: "/callback/nobody")
            #expect(try await browser.get(unknown).location == "/failed/callbackRejected")
            #expect(try await browser.get(callback).location == "/completed")
        }
    }

    @Test("C3: the issuer of another server is refused")
    func issuerOfAnotherServerIsRejected() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let start = try #require(callback.range(of: "iss="))
            let end = callback[start.upperBound...].firstIndex(of: "&") ?? callback.endIndex
            let mixed = callback.replacingCharacters(
                in: start.upperBound..<end, with: "https%3A%2F%2Fevil.example")
            #expect(try await browser.get(mixed).location == "/failed/callbackRejected")
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test func theProvidersFaultsHaveTheirOwnPages() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            site.provider.set(fault: .htmlPage)
            #expect(try await browser.get(callback).location == "/failed/providerAnswerUnreadable")
            let busy = try await site.consent(site.link(), in: browser)
            site.provider.set(fault: .status(503, retryAfter: nil))
            #expect(try await browser.get(busy).location == "/failed/providerUnreachable")
            site.provider.set(fault: nil)
            let wrong = try await site.consent(site.link(), in: browser)
            try await site.put("demo", secret: Secret("not the secret"))
            #expect(try await browser.get(wrong).location == "/failed/applicationMisconfigured")
        }
    }
}
