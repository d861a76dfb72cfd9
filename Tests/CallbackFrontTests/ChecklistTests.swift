// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Synchronization
import Testing
import TokenVault

@testable import CallbackFront

/// What the checklist of duties (RFC 9700 and kin) asks of a front and no other suite has: A is the
/// authorization request, C the callback.
@Suite struct ChecklistTests {
    private func parameters(_ url: String) -> [String: [String]] {
        let items = URLComponents(string: url)?.queryItems ?? []
        return Dictionary(grouping: items, by: \.name).mapValues { $0.map { $0.value ?? "" } }
    }

    @Test("A1, A5, A7: PKCE with S256, a code and nothing else, each parameter once")
    func theRequest() async throws {
        try await Site.run { site in
            var challenges: Set<String> = []
            var states: Set<String> = []
            for _ in 0..<20 {
                let location = try await site.open(site.link(), in: Browser())
                let found = parameters(location)
                #expect(found.values.allSatisfy { $0.count == 1 })
                #expect(found["response_type"] == ["code"])
                #expect(found["code_challenge_method"] == ["S256"])
                #expect(found["client_id"] == ["demo"] && found["scope"] == ["read"])
                #expect(found["code_verifier"] == nil)
                let challenge = try #require(found["code_challenge"]?.first)
                let state = try #require(found["state"]?.first)
                #expect(challenge.utf8.count == 43 && state.utf8.count == 43)
                challenges.insert(challenge)
                states.insert(state)
            }
            #expect(challenges.count == 20 && states.count == 20)
        }
    }

    @Test("A8: what would break the request's line is encoded or refused")
    func controlCharacters() async throws {
        try await Site.run { site in
            for scope in ["a\r\nX: y", "a\0", ""] {
                let refused = await #expect(throws: CallbackFrontError.self) {
                    try await site.front.link(
                        for: ConnectionID("a"), application: ApplicationID("demo"),
                        scopes: [scope])
                }
                #expect(refused?.vaultError?.code == .invalidArgument)
            }
            let link = try await site.front.link(
                for: ConnectionID("a"), application: ApplicationID("demo"),
                scopes: ["a&state=x#", "ü"])
            let location = try await site.open(link.url, in: Browser())
            #expect(location.contains("scope=a%26state%3Dx%23%20%C3%BC"))
            #expect(parameters(location)["state"]?.count == 1)
        }
    }

    @Test("C1: a callback without a state, or with one that nobody made")
    func noState() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let state = try #require(parameters(callback)["state"]?.first)
            let iss = "iss=\(site.provider.baseURL)"
            for query in [
                "", "?", "?code=x", "?state=", "?code=x&state=", "?code=x&\(iss)",
                "?code=x&state=\(String(repeating: "A", count: 43))&\(iss)",
                "?code=x&state=\(state.dropLast())&\(iss)", "?code=x&state=\(state)A&\(iss)",
                "?code=x&state=\(state.lowercased())&\(iss)", "?code&state",
            ] {
                let reply = try await browser.get(site.url + "/callback/demo" + query)
                #expect(reply.location == "/failed/callbackRejected", "\(query)")
                #expect(reply.status == 303)
            }
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try await browser.get(callback).location == "/completed")
        }
    }

    @Test("C3: a callback without its issuer, where the provider says it sends one")
    func noIssuer() async throws {
        try await Site.run { site in
            try await site.put("demo", sendsIssuer: true)
            let browser = try Browser()
            let callback = try await site.consent(site.link(), in: browser)
            let found = parameters(callback)
            let code = try #require(found["code"]?.first)
            let state = try #require(found["state"]?.first)
            for issuer in ["", "&iss=", "&iss=\(site.provider.baseURL)/"] {
                let url = site.url + "/callback/demo?code=\(code)&state=\(state)\(issuer)"
                #expect(
                    try await browser.get(url).location == "/failed/callbackRejected", "\(issuer)")
            }
            #expect(site.provider.counters.tokenRequests == 0)
        }
    }

    @Test("C11: an answer of another kind is no code")
    func otherResponseModes() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let location = try await site.open(site.link(), in: browser)
            let state = try #require(parameters(location)["state"]?.first)
            for query in [
                "response=eyJhbGciOiJub25lIn0.e30.", "id_token=eyJhbGciOiJub25lIn0.e30.",
                "access_token=stolen&token_type=bearer",
            ] {
                let url = site.url + "/callback/demo?\(query)&state=\(state)"
                #expect(try await browser.get(url).location == "/failed/callbackRejected")
            }
            #expect(site.provider.counters.tokenRequests == 0)
            #expect(try !site.isConnected())
        }
    }

    @Test("Request smuggling: two lengths, two hosts, a whole URL in the first line")
    func smuggling() async throws {
        try await Site.run { site in
            let browser = try Browser()
            let link = try await site.link()
            let host = "Host: 127.0.0.1:\(try #require(site.front.port))"
            for headers in [
                [host, "Content-Length: 0", "Transfer-Encoding: chunked"],
                [host, "Content-Length: 3", "Content-Length: 4"],
                [host, "Host: evil.example"], [],
            ] {
                let lines = ["POST \(link.dropFirst(site.url.count)) HTTP/1.1"] + headers
                let text = try await raw(
                    site, lines.joined(separator: "\r\n") + "\r\n\r\n0\r\n\r\n")
                #expect(text.hasPrefix("HTTP/1.1 4"), "\(headers): \(text.prefix(60))")
                #expect(!text.contains("HTTP/1.1 303"))
            }
            // What counts is `Host`, and nothing is built of either.
            let path = link.dropFirst(site.url.count)
            let ours = try await raw(
                site, "GET http://evil.example\(path) HTTP/1.1\r\n\(host)\r\n\r\n")
            #expect(!ours.contains("evil.example") && !ours.contains("HTTP/1.1 303"))
            let theirs = try await raw(
                site, "GET \(link) HTTP/1.1\r\nHost: evil.example\r\n\r\n")
            #expect(theirs.hasPrefix("HTTP/1.1 421"))
            #expect(try await browser.get(link).status == 200)
        }
    }

    /// Sends what is no request that curl would send, and returns what comes back until the server
    /// ends the connection.
    private func raw(_ site: Site, _ request: String) async throws -> String {
        let port = try #require(site.front.port)
        return try await Task.detached {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(socket) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = UInt16(port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            let connected = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    unsafe connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(connected == 0)
            let bytes = Array(request.utf8)
            _ = unsafe send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            var answer: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 8192)
            while true {
                let count = unsafe read(socket, &buffer, buffer.count)
                guard count > 0 else { break }
                answer += buffer[..<count]
            }
            return String(decoding: answer, as: UTF8.self)
        }.value
    }
}

/// What the platform is told, and what its pages show.
@Suite struct OutcomeTests {
    private static let success = "https://app.example.com/connected"
    private static let failure = "https://app.example.com/failed"
    private static let parameters = RedirectParameters(
        instanceId: "1", instanceName: "2", integrationId: "3", integrationName: "4",
        requiredConfigVariableId: "5", requiredConfigVariableKey: "6", id: "7")

    private static func allow(_ configuration: inout CallbackFront.Configuration) {
        configuration.successRedirects = [success]
        configuration.failureRedirects = [failure]
    }

    private func link(_ site: Site, _ redirects: Redirects?) async throws -> CallbackFront.Link {
        try await site.front.link(
            for: ConnectionID("ada"), application: ApplicationID("demo"), redirects: redirects)
    }

    @Test("The platform is told how each flow ended, and of no callback that belongs to none")
    func theHook() async throws {
        let outcomes = Mutex<[FlowOutcome]>([])
        try await Site.run({ configuration in
            Self.allow(&configuration)
            configuration.onFlowEnded = { outcome in outcomes.withLock { $0.append(outcome) } }
        }) { site in
            let browser = try Browser()
            let redirects = Redirects(success: Self.success, parameters: Self.parameters)
            let first = try await link(site, redirects)
            let callback = try await site.consent(first.url, in: browser)
            _ = try await Browser().get(callback)
            _ = try await browser.get(callback + "&state=x")
            _ = try await browser.get(site.url + "/callback/other?code=x&state=y")
            #expect(outcomes.withLock { $0.isEmpty })
            _ = try await browser.get(callback)
            _ = try await browser.get(callback)
            let denied = try await site.consent(link(site, nil).url, in: browser)
                .replacingOccurrences(of: "code=", with: "error=access_denied&x=")
            #expect(try await browser.get(denied).location == "/failed/flowDenied")
            let faulty = try await site.consent(link(site, nil).url, in: browser)
            site.provider.set(fault: .status(503, retryAfter: nil))
            _ = try await browser.get(faulty)
            let told = outcomes.withLock { $0 }
            #expect(
                told.map(\.result) == [
                    .connected, .denied("flowDenied"), .failed("providerUnreachable"),
                ])
            #expect(told.first?.flow == first.flow)
            #expect(
                told.allSatisfy { $0.connection.text == "ada" && $0.application.text == "demo" })
            // Kept with the connection: what was not said again is still so.
            #expect(told.allSatisfy { $0.parameters == Self.parameters })
        }
    }

    @Test("C9: a failure carries its code only where that is wanted")
    func theErrorOfAFailure() async throws {
        try await Site.run(Self.allow) { site in
            let browser = try Browser()
            for (carries, parameters, end) in [
                (false, nil, ""), (true, nil, "?error=flowDenied"),
                (true, Self.parameters, "?\(Self.parameters.query)&error=flowDenied"),
                (
                    true, try RedirectParameters(own: [("tenant", "a b")]),
                    "?tenant=a%20b&error=flowDenied"
                ),
            ] as [(Bool, RedirectParameters?, String)] {
                let link = try await link(
                    site,
                    Redirects(
                        success: Self.success, failure: Self.failure, parameters: parameters,
                        failureCarriesError: carries))
                let callback = try await site.consent(link.url, in: browser)
                let denied = callback.replacingOccurrences(
                    of: "code=", with: "error=access_denied&x=")
                #expect(try await browser.get(denied).location == Self.failure + end)
            }
        }
    }

    @Test("C9: a redirect that was taken off the list since is not followed")
    func takenOffTheList() async throws {
        try await Site.run(Self.allow) { site in
            let browser = try Browser()
            let redirects = Redirects(success: Self.success, failure: Self.failure)
            let first = try await site.consent(link(site, redirects).url, in: browser)
            let second = try await site.consent(link(site, nil).url, in: browser)
            try await site.restart()
            #expect(try await browser.get(first).location == "/completed")
            let denied = second.replacingOccurrences(of: "code=", with: "error=access_denied&x=")
            #expect(try await browser.get(denied).location == "/failed/flowDenied")
            #expect(site.log.text.contains("redirect not followed: it is on the list no more"))
        }
    }

    @Test("Name, logo and way back are on every page, and escaped")
    func theFrame() async throws {
        let logo: [UInt8] = Array("<svg xmlns=\"http://www.w3.org/2000/svg\"/>".utf8)
        try await Site.run({ configuration in
            configuration.name = "<b>Acme</b> & \"Söhne\"\u{338}"
            configuration.logo = .init(bytes: logo, type: "image/svg+xml")
            configuration.wayBack = .init(
                label: "Back to 'Acme'", url: "https://acme.example/?a=1&b='2")
        }) { site in
            let link = try await site.link()
            for url in [link] + ["/completed", "/failed/flowDenied", "/no"].map({ site.url + $0 }) {
                let body = try await Browser().get(url).body
                #expect(
                    body.contains("<span>&lt;b&gt;Acme&lt;/b&gt; &amp; &quot;Söhne&quot;\u{338}<"))
                #expect(body.contains("<img src=\"/logo\" alt=\"\" height=\"40\">"))
                #expect(body.contains("href=\"https://acme.example/?a=1&amp;b=&#39;2\""))
                #expect(body.contains(">Back to &#39;Acme&#39;</a>"))
                #expect(!body.contains("{{") && !body.contains("<script"))
            }
            let page = try await Browser().get(site.url + "/completed")
            #expect(page.headers["content-security-policy"]?.contains("img-src 'self';") ?? false)
            #expect(page.body.contains("<link rel=\"icon\" href=\"/logo\">"))
            let served = try await Browser().get(site.url + "/logo")
            #expect(served.headers["content-type"] == "image/svg+xml")
            #expect(served.headers["content-security-policy"]?.contains("sandbox") ?? false)
            #expect(served.body.utf8.elementsEqual(logo))
        }
        try await Site.run { site in
            let browser = try Browser()
            #expect(try await browser.get(site.url + "/logo").status == 404)
            #expect(try await !browser.get(site.url + "/completed").body.contains("<header"))
        }
    }

    @Test("A value is escaped by scalars: a mark after a quote hides it from nobody")
    func escaping() {
        #expect(
            HTMLText().escapeText("\"\u{338}<\u{338}>'&")
                == "&quot;\u{338}&lt;\u{338}&gt;&#39;&amp;")
    }

    @Test func whatIsNotShown() throws {
        var configuration = CallbackFront.Configuration()
        let logo = CallbackFront.Logo(bytes: [1], type: "image/png")
        for change: (inout CallbackFront.Configuration) -> Void in [
            { $0.name = "" }, { $0.name = String(repeating: "a", count: 65) }, { $0.name = "a\nb" },
            { $0.logo = .init(bytes: [], type: "image/png") },
            { $0.logo = .init(bytes: [1], type: "text/html") },
            { $0.logo = .init(bytes: Array(repeating: 0, count: 262_145), type: "image/png") },
            { $0.wayBack = .init(label: "", url: "https://a.example") },
            { $0.wayBack = .init(label: "a", url: "javascript:alert(1)") },
        ] {
            configuration.name = "a"
            configuration.logo = logo
            configuration.wayBack = .init(label: "a", url: "https://a.example/?b")
            try configuration.validate()
            change(&configuration)
            #expect(throws: CallbackFrontError(.pagesRefused)) { try configuration.validate() }
        }
    }
}
