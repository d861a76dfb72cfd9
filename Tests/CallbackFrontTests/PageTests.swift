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
        + "form-action "

    @Test("C8: every answer has the headers that protect it")
    func everyAnswerIsProtected() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let link = try await site.link()
            let connectPages = [
                try await browser.send("HEAD", link),
                try await browser.get(link, ["Sec-Purpose: prefetch"]),
                try await browser.get(link),
            ]
            let opened = try await browser.press(link)
            let callback = try site.provider.approve(#require(opened.location))
            var replies = [opened, try await browser.press(link), try await browser.get(callback)]
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
            replies.append(try await browser.get(site.url, ["Host: evil.example"]))
            replies.append(try await browser.press(link, ["Sec-Fetch-Site: cross-site"]))
            let button = "'self' https: \(site.provider.baseURL)"
            for (reply, isConnect) in replies.map({ ($0, false) })
                + connectPages.map({ ($0, true) })
            {
                #expect(reply.headers["cache-control"] == "no-store", "\(reply.text)")
                // Without a referrer a browser would send `Origin: null` with the button.
                #expect(
                    reply.headers["referrer-policy"] == (isConnect ? "same-origin" : "no-referrer"))
                #expect(reply.headers["x-content-type-options"] == "nosniff")
                #expect(
                    reply.headers["content-security-policy"]
                        == Self.policy + (isConnect ? button : "'none'"))
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
            let note = try await browser.get(site.url + "/completed/scopesMissing").body
            #expect(note.contains("granted less than was asked for"))
            let noNote = try await browser.get(site.url + "/completed/%3Cscript%3E").body
            #expect(noNote.contains("close this window") && !noNote.contains("script"))
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
        for code in [.storeFull, .storageFailed, .closed, .tooManySecrets] as [VaultError.Code] {
            #expect(reason(code) == .unavailable)
        }
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
