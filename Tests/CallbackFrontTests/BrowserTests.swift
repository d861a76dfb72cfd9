// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing
import TokenVault

/// The flow as a person walks it, in Chromium. `Tests/Browser/prepare` has put Playwright there.
@Suite struct BrowserTests {
    private static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    private static let browserHome = root.appendingPathComponent(".build/browser").path

    private struct Seen: Decodable {
        struct Page: Decodable {
            let url: String
            let title: String
            let heading: String
            let cookie: Cookie?
            let card: String
        }

        struct Cookie: Decodable, Equatable {
            let secure: Bool
            let httpOnly: Bool
            let sameSite: String
            let path: String
        }

        let approved: Page
        let denied: Page
        let others: [Page]
        let stranger: String
        let replayed: String
        /// What the browser's console said, violations of the content security policy among it.
        let complaints: [String]
    }

    @Test func walksThroughTheFlow() async throws {
        try await Site.run { site in
            // The provider is 127.0.0.1 and the front localhost: to a browser, two sites. That the
            // callback arrives with its cookie shows that SameSite=Lax lets it through.
            let links = [
                try await site.link("ada", application: "local"),
                try await site.link("eve", application: "local"),
                try await site.link("same site"),
            ]
            let host = site.url.replacingOccurrences(of: "127.0.0.1", with: "localhost")
            let crossSite = links.prefix(2).map {
                $0.replacingOccurrences(of: site.url, with: host)
            }
            let seen = try await walk(host, Array(crossSite) + [links[2]])
            #expect(seen.complaints == [])
            let cookie = Seen.Cookie(secure: true, httpOnly: true, sameSite: "Lax", path: "/")
            for page in [seen.approved] + seen.others {
                #expect(page.url.hasSuffix("/completed"))
                #expect(page.heading == "Authorization completed")
                #expect(page.title == page.heading)
                #expect(page.cookie == cookie)
                #expect(page.card == "16px", "the stylesheet was not applied")
            }
            #expect(seen.approved.url == host + "/completed")
            #expect(seen.others.map(\.url) == [site.url + "/completed"])
            #expect(seen.denied.url == host + "/failed/flowDenied")
            #expect(seen.denied.heading == "Access was not granted")
            #expect(seen.stranger == host + "/failed/callbackRejected")
            #expect(seen.replayed == host + "/failed/callbackRejected")
            #expect(try await site.userinfo("ada") == 200)
            #expect(try await site.userinfo("same site") == 200)
            #expect(try !site.isConnected("eve"))
            #expect(site.provider.counters.tokenRequests == 2)
        }
    }

    private func walk(_ site: String, _ links: [String]) async throws -> Seen {
        let home = Self.browserHome
        let report = try await ChildProcess.run(
            home + "/bin/python", ["Tests/Browser/flow.py", site, home + "/screenshots"] + links)
        try #require(report.status == 0, "\(report.complaint)")
        return try JSONDecoder().decode(Seen.self, from: report.output)
    }
}
