// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

@testable import CallbackFront

/// What every answer carries, and what the pages say.
@Suite struct PageTests {
    private static let policy =
        "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        + "form-action 'none'"

    @Test func everyAnswerIsProtected() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let link = try site.link()
            let head = try await browser.send("HEAD", link)
            let prefetch = try await browser.get(link, ["Sec-Purpose: prefetch"])
            let opened = try await browser.get(link)
            let callback = try site.provider.approve(#require(opened.location))
            var replies = [head, prefetch, opened, try await browser.get(callback)]
            let paths = [
                "/completed", "/failed/flowDenied", "/failed/nothing", "/style.css", "/health",
                "/", "/callback", "/callback/demo", "/connect/none",
                "/completed?" + String(repeating: "a", count: 9000),
            ]
            for path in paths { replies.append(try await browser.get(site.url + path)) }
            for method in ["HEAD", "POST", "DELETE", "TRACE"] {
                replies.append(try await browser.send(method, site.url + "/completed"))
            }
            replies.append(
                try await browser.send("POST", Array((site.url + "/health").utf8), body: "x=1"))
            for reply in replies {
                #expect(reply.headers["cache-control"] == "no-store", "\(reply.text)")
                #expect(reply.headers["referrer-policy"] == "no-referrer")
                #expect(reply.headers["x-content-type-options"] == "nosniff")
                #expect(reply.headers["content-security-policy"] == Self.policy)
                #expect(reply.headers["x-frame-options"] == "DENY")
                #expect(reply.headers["strict-transport-security"] == nil)
                #expect(reply.headers["server"] == nil)
            }
        }
    }

    @Test func insistsOnHTTPSWhereItIsReachedByIt() async throws {
        try await Site.run({ $0.publicBaseURL = "https://oauth2.example.com" }) { site in
            let reply = try await Browser().get(site.url + "/health")
            #expect(reply.headers["strict-transport-security"] == "max-age=31536000")
            #expect(reply.body == "ok\n")
        }
    }

    /// Where the front is reached is configured, and no request can tell it otherwise.
    @Test func believesNoRequestAboutItsAddress() async throws {
        try await Site.run({ $0.publicBaseURL = "https://oauth2.example.com" }) { site in
            let published = try site.link()
            #expect(published.hasPrefix("https://oauth2.example.com/connect/"))
            let link = published.replacingOccurrences(
                of: "https://oauth2.example.com", with: site.url)
            let lies = [
                "Host: evil.example", "X-Forwarded-Host: evil.example",
                "X-Forwarded-Proto: https", "X-Forwarded-For: 10.0.0.1",
                "Forwarded: host=evil.example", "X-Original-URL: /health",
            ]
            let browser = try Browser()
            let opened = try await browser.get(link, lies)
            let callback = try site.provider.approve(#require(opened.location))
            let cookie = try #require(
                opened.headers["set-cookie"]?.prefix { $0 != ";" })
            let reply = try await Browser().get(callback, lies + ["Cookie: \(cookie)"])
            #expect(reply.location == "/completed")
            for text in [opened.text, reply.text] { #expect(!text.contains("evil.example")) }
            #expect(try site.link().hasPrefix("https://oauth2.example.com/connect/"))
        }
    }

    @Test func everyReasonHasAPageOfItsOwn() async throws {
        try await Site.run { site in
            let browser = try Browser()
            var titles: Set<String> = []
            for reason in FailureReason.allCases {
                let page = try await browser.get(site.url + "/failed/" + reason.rawValue)
                #expect(page.status == 200)
                #expect(page.headers["content-type"] == "text/html; charset=utf-8")
                #expect(page.body.contains("<html lang=\"en\">"))
                #expect(page.body.contains("<h1>\(reason.title)</h1>"))
                #expect(page.body.contains(reason.nextStep))
                #expect(!page.body.contains("<script") && !page.body.contains("style="))
                titles.insert(reason.title)
            }
            #expect(titles.count == FailureReason.allCases.count)
            let unknown = try await browser.get(site.url + "/failed/%3Cscript%3E?x=%3Cscript%3E")
            #expect(unknown.body.contains(FailureReason.unknown.title))
            #expect(!unknown.body.contains("script"))
        }
    }

    @Test func everyCodeOfTheVaultHasAReason() {
        func reason(_ code: VaultError.Code, _ error: OAuthError? = nil) -> FailureReason {
            FailureReason(VaultError(code, .vault, number: Int(error?.rawValue ?? 0)))
        }
        #expect(reason(.flowDenied) == .flowDenied)
        #expect(reason(.otherAccount) == .otherAccount)
        #expect(reason(.storeFull) == .unavailable)
        #expect(reason(.notFound) == .connectionEnded)
        #expect(reason(.applicationNotFound) == .applicationMisconfigured)
        #expect(reason(.forked) == .unknown)
        #expect(reason(.authorizationRefused, .invalidScope) == .authorizationRefused)
        #expect(reason(.authorizationRefused, .serverError) == .providerUnreachable)
    }

    @Test func theStylesheetIsServed() async throws {
        try await Site.run { site in
            let reply = try await Browser().get(site.url + "/style.css")
            #expect(reply.headers["content-type"] == "text/css; charset=utf-8")
            #expect(reply.body.contains("prefers-color-scheme"))
            let head = try await Browser().send("HEAD", site.url + "/completed")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }
}
