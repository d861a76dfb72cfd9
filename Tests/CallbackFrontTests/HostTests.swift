// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Synchronization
import Testing
import TokenVault

@testable import CallbackFront

/// Regions and custom domains: which hosts are served, and with which callbacks.
@Suite struct HostTests {
    private static let hosts =
        Region.allCases.map { CallbackHost.region($0, of: "example.com") } + [
            .custom("https://connect.acme.example")
        ]

    /// An application of each host's own, by its id.
    private static func applications(_ hosts: [CallbackHost]) throws -> [String: String] {
        try hosts.reduce(into: [:]) { found, host in
            let name = host.region?.rawValue ?? "custom"
            found[name] = host.callback(of: try ApplicationID(name))
        }
    }

    @Test("Each region's label stands before the operator's domain")
    func labels() {
        #expect(
            Self.hosts.map(\.baseURL) == [
                "https://oauth2.example.com", "https://oauth2.us-gov-west-1.example.com",
                "https://oauth2.eu-west-1.example.com", "https://oauth2.eu-west-2.example.com",
                "https://oauth2.ca-central-1.example.com",
                "https://oauth2.ap-southeast-2.example.com", "https://connect.acme.example",
            ])
        #expect(
            Region.allCases.map(\.name) == [
                "US Commercial", "US GovCloud", "Ireland", "London", "Canada", "Sydney",
            ])
    }

    /// The practice provider compares the string of the exchange with that of the request, byte by
    /// byte, and gives no tokens where they differ.
    @Test("A3, A4: the exact callback in the request, in the exchange and served", arguments: hosts)
    func eachHost(_ host: CallbackHost) async throws {
        try await Site.run(
            { $0.hosts = Self.hosts }, applications: Self.applications(Self.hosts)
        ) { site in
            let name = host.region?.rawValue ?? "custom"
            let expected = "\(host.baseURL)/callback/\(name)"
            let link = try await site.link(application: name)
            #expect(link.hasPrefix(host.baseURL + "/connect/"))
            let browser = try Browser()
            let page = try await browser.visit(link, at: site.url)
            #expect(page.status == 200)
            #expect(page.headers["strict-transport-security"] == "max-age=31536000")
            let opened = try await browser.visit(link, at: site.url, "POST")
            let location = try #require(opened.location)
            let encoded = expected.replacingOccurrences(of: ":", with: "%3A")
                .replacingOccurrences(of: "/", with: "%2F")
            #expect(location.contains("&redirect_uri=\(encoded)&"))
            let callback = try site.provider.approve(location)
            #expect(callback.hasPrefix(expected + "?"))
            // Not at any other host, though it is one of ours.
            for other in Self.hosts where other != host {
                let moved = callback.replacingOccurrences(of: host.baseURL, with: other.baseURL)
                let cookie = browser.cookies.withLock { $0.values.first ?? "" }
                let reply = try await Browser().visit(
                    moved, at: site.url, "GET", ["Cookie: \(cookie)"])
                #expect(reply.location == "/failed/callbackRejected")
            }
            #expect(site.provider.counters.tokenRequests == 0)
            let end = try await browser.visit(callback, at: site.url)
            #expect(end.location == "/completed")
            #expect(site.provider.counters.codeExchanges == 1)
            #expect(try site.isConnected())
        }
    }

    @Test("C13: a host that is not on the list gets 421 and learns nothing")
    func unknownHosts() async throws {
        try await Site.run(
            { configuration in
                configuration.name = "Acme"
                configuration.hosts = Self.hosts
            }, applications: Self.applications(Self.hosts)
        ) { site in
            let browser = try Browser()
            let link = try await site.link(application: "eu-west-1")
            let rest = link.replacingOccurrences(
                of: "https://oauth2.eu-west-1.example.com", with: site.url)
            for host in [
                "evil.example", "127.0.0.1", "oauth2.example.com.evil.example",
                "oauth2.example.com.", "oauth2.example.com:80", "oauth2.example.com@evil.example",
                "eu-west-1.example.com", "example.com", "", "oauth2.example.com, evil.example",
            ] {
                for path in [
                    rest, site.url + "/completed", site.url + "/no", site.url + "/callback",
                ] {
                    let reply = try await browser.get(path, ["Host: \(host)"])
                    #expect(reply.status == 421, "\(host)")
                    #expect(!reply.body.contains("Acme") && !reply.text.contains("evil"))
                }
                let health = try await browser.get(site.url + "/health", ["Host: \(host)"])
                #expect(health.body == "ok\n")
            }
            for host in ["OAuth2.Example.COM", "oauth2.example.com:443"] {
                let reply = try await browser.get(site.url + "/completed", ["Host: \(host)"])
                #expect(reply.body.contains("Acme"))
            }
            #expect(site.log.text.contains("GET 421: its Host is none of those that are served"))
        }
    }

    @Test("C13: what a proxy may add, or anybody, is ignored")
    func forwardedHeadersAreIgnored() async throws {
        try await Site.run(
            { $0.publicBaseURL = "https://oauth2.example.com" },
            applications: ["demo": "https://oauth2.example.com/callback/demo"]
        ) { site in
            let lies = [
                "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: http",
                "X-Forwarded-For: 10.0.0.1", "Forwarded: host=evil.example",
                "X-Original-URL: /health", "X-Forwarded-Prefix: /evil.example",
            ]
            let browser = try Browser()
            let link = try await site.link()
            let page = try await browser.visit(link, at: site.url, "GET", lies)
            let opened = try await browser.visit(link, at: site.url, "POST", lies)
            let callback = try site.provider.approve(#require(opened.location))
            let reply = try await browser.visit(callback, at: site.url, "GET", lies)
            #expect(reply.location == "/completed")
            for text in [page.text, opened.text, reply.text] {
                #expect(!text.contains("evil.example"))
            }
            #expect(try await site.link().hasPrefix("https://oauth2.example.com/connect/"))
        }
    }

    @Test("A link at another host of ours leads to its own")
    func aLinkAtAnotherHost() async throws {
        try await Site.run(
            { $0.hosts = Self.hosts }, applications: Self.applications(Self.hosts)
        ) { site in
            let link = try await site.link(application: "eu-west-1")
            let moved = link.replacingOccurrences(of: "eu-west-1", with: "eu-west-2")
            for method in ["GET", "POST"] {
                let reply = try await Browser().visit(moved, at: site.url, method)
                #expect(reply.status == 303 && reply.location == link)
                #expect(reply.headers["set-cookie"] == nil)
            }
            #expect(try await Browser().visit(link, at: site.url).status == 200)
        }
    }

    @Test func anApplicationThatIsServedNowhere() async throws {
        try await Site.run { site in
            for uri in [
                "https://elsewhere.example/callback/lost", site.url + "/callback/demo",
                site.url + "/callback/lost/", site.url + "/callback/lost?x=1",
                site.url + "/Callback/lost",
            ] {
                try await site.put("lost", redirectURI: uri)
                await #expect(throws: CallbackFrontError(.callbackNotServed), "\(uri)") {
                    try await site.link(application: "lost")
                }
            }
        }
    }

    /// At the plain callback nothing but the issuer tells one provider from another.
    @Test("C3, C4: the plain callback serves whose provider says who it is, or who is opted in")
    func thePlainCallback() async throws {
        let plain = "https://oauth2.example.com/callback"
        let id = try ApplicationID("plain")
        try await Site.run(
            { $0.publicBaseURL = "https://oauth2.example.com" }, applications: ["plain": plain]
        ) { site in
            await #expect(throws: CallbackFrontError(.plainCallbackRefused)) {
                try await site.link(application: "plain")
            }
            try await site.put("plain", redirectURI: plain, sendsIssuer: true)
            let browser = try Browser()
            let callback = try await site.consentAway("plain", in: browser)
            #expect(callback.hasPrefix(plain + "?"))
            let start = try #require(callback.range(of: "iss="))
            let end = callback[start.upperBound...].firstIndex(of: "&") ?? callback.endIndex
            let without = callback.replacingCharacters(in: start.lowerBound..<end, with: "x=1")
            let refused = "/failed/callbackRejected"
            #expect(try await browser.visit(without, at: site.url).location == refused)
            #expect(site.provider.counters.tokenRequests == 0)
            let again = try await site.consentAway("plain", in: browser)
            #expect(try await browser.visit(again, at: site.url).location == "/completed")

            // What is demanded of an open flow is what its application says when it ends.
            let open = try await site.consentAway("plain", in: browser)
            try await site.put("plain", redirectURI: plain)
            #expect(try await browser.visit(open, at: site.url).location == refused)
            #expect(site.log.text.contains("application plain may not use the plain /callback"))
            #expect(!site.log.text.contains("warning"))

            try await site.restart { configuration in
                configuration.publicBaseURL = "https://oauth2.example.com"
                configuration.plainCallbackApplications = [id]
            }
            #expect(site.log.text.contains("warning application plain may use the plain"))
            #expect(try await browser.visit(open, at: site.url).location == "/completed")
        }
    }

    @Test func hostsThatAreRefused() throws {
        var configuration = CallbackFront.Configuration()
        configuration.hosts = Self.hosts
        try configuration.validate()
        for more: [CallbackHost] in [
            [.region(.ireland, of: "example.com")], [.custom("https://oauth2.example.com:443")],
            [.custom("https://a.example/oauth")], [.custom("http://a.example")],
            [.region(.london, of: "evil.example/x?")], [.region(.london, of: "")],
        ] {
            configuration.hosts = Self.hosts + more
            #expect(throws: CallbackFrontError(.baseURLRefused)) { try configuration.validate() }
        }
        configuration.hosts = [
            .region(.ireland, of: "a.example", path: "/x/oauth"),
            .custom("https://b.example/x/oauth"), .custom("http://[::1]:8080/x/oauth"),
        ]
        #expect(try configuration.validate()?.path == "/x/oauth")
    }

    @Test("What a browser sends as Origin is known, however the host is written")
    func originsAsBrowsersWriteThem() throws {
        for (base, authority, origin) in [
            ("https://a.example:443/oauth", "a.example", "https://a.example"),
            ("https://A.example", "a.example:443", "https://a.example"),
            ("https://a.example:8443", "a.example:8443", "https://a.example:8443"),
            ("http://[::1]:80", "[::1]", "http://[::1]"),
        ] {
            let hosts = try HostList([.custom(base)])
            #expect(hosts.entry(named: authority)?.browserOrigin == origin)
        }
    }
}

extension Site {
    /// Opens a link at the host where it is, and consents; returns the callback's URL.
    fileprivate func consentAway(_ application: String, in browser: Browser) async throws -> String
    {
        let link = try await link(application: application)
        let opened = try await browser.visit(link, at: url, "POST")
        return try provider.approve(#require(opened.location))
    }
}
