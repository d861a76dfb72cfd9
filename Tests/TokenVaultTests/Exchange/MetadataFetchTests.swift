// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Documents fetched from servers: what is there, what is there instead, and hostile ones.
@Suite("Fetching what servers publish", .serialized)
struct MetadataFetchTests {
    typealias Stand = MetadataStand

    @Test("one document is enough, whichever it is")
    func one() async throws {
        for path in [Stand.oauth, Stand.openID] {
            let found = try await Stand.discover([path: .reply(body: Stand.good)]).get()
            #expect(found.documents.map { $0.hasSuffix(path) } == [true])
            #expect(found.absences.isEmpty)
            #expect(found.metadata.text(.tokenEndpoint) == "https://a.example/token")
            #expect(found.fetched == UnixTime(milliseconds: 1_800_000_000_000))
        }
    }

    @Test("two documents, each with what the other lacks")
    func two() async throws {
        let found = try await Stand.discover([
            Stand.oauth: .reply(
                body: Stand.good("\"revocation_endpoint\":\"https://a.example/r\"")),
            Stand.openID: .reply(body: Stand.good("\"scopes_supported\":[\"openid\"]")),
        ]).get()
        #expect(found.documents.count == 2)
        #expect(found.metadata.sources[.issuer]?.count == 2)
        #expect(found.metadata.sources[.revocationEndpoint]?.count == 1)
        #expect(found.metadata.list(.scopesSupported) == ["openid"])
    }

    @Test("two documents that contradict each other")
    func contradiction() async throws {
        let other = Stand.good.replacing("a.example/token", with: "evil.example/token")
        let error = try await Stand.discover([
            Stand.oauth: .reply(body: Stand.good), Stand.openID: .reply(body: other),
        ]).failure
        #expect(error?.kind == .contradiction && error?.member == "token_endpoint")
        #expect(error?.place.hasSuffix(Stand.openID) == true)
    }

    @Test(
        "an issuer with a path: before it, behind it, and OpenID's before it",
        arguments: [
            ["\(MetadataStand.oauth)/t/1"], ["/t/1\(MetadataStand.openID)"],
            ["\(MetadataStand.openID)/t/1"],
            ["\(MetadataStand.oauth)/t/1", "\(MetadataStand.openID)/t/1"],
        ])
    func paths(places: [String]) async throws {
        let document = Stand.good.replacing("ORIGIN", with: "ORIGIN/t/1")
        let found = try await Stand.discover(
            path: "/t/1",
            Dictionary(uniqueKeysWithValues: places.map { ($0, .reply(body: document)) })
        ).get()
        #expect(found.documents.count == places.count && found.absences.isEmpty)
        #expect(found.issuer.hasSuffix("/t/1"))
    }

    @Test("a document of the root is none of an issuer with a path")
    func otherPath() async throws {
        let error = try await Stand.discover(
            path: "/t/1", [Stand.oauth: .reply(body: Stand.good)]
        ).failure
        #expect(error?.kind == .notFound)
    }

    @Test("the slash at the end is kept as the document has it")
    func slash() async throws {
        let document = Stand.good.replacing("ORIGIN", with: "ORIGIN/")
        let found = try await Stand.discover(document: document).get()
        #expect(found.issuer.hasSuffix("/"))
        #expect(try found.provider().provider.issuer == found.issuer)
    }

    /// What is at the place of RFC 8414 beside a good document at OpenID's, and what is said of it.
    static let instead: [(behaviour: ScriptedServer.Behaviour, words: String)] = [
        (.reply(status: 302, headers: ["Location: https://evil.example/"]), "redirects (302)"),
        (.reply(status: 307, headers: ["Location: /"]), "redirects (307)"),
        (.reply(body: "<!doctype html><title>Log in</title>"), "is a page (HTML)"),
        (.reply(body: ""), "is empty"), (.reply(body: " \n"), "is empty"),
        (.reply(status: 400, body: "{}"), "answers 400"), (.reply(status: 401), "answers 401"),
        (.reply(status: 403), "answers 403"), (.reply(status: 500), "answers 500"),
        (.reply(status: 204), "answers 204"),
    ]

    @Test("what is there instead of one document is a warning", arguments: instead)
    func isWarnedOf(behaviour: ScriptedServer.Behaviour, words: String) async throws {
        let found = try await Stand.discover([
            Stand.oauth: behaviour, Stand.openID: .reply(body: Stand.good),
        ]).get()
        #expect(found.absences.map { $0.reason.contains(words) } == [true], "\(found.absences)")
        let warnings = try found.provider().warnings
        #expect(warnings.contains { $0.contains(words) && $0.contains(Stand.oauth) })
    }

    @Test("and without the other it is an error that names both places", arguments: instead)
    func nothing(behaviour: ScriptedServer.Behaviour, words: String) async throws {
        let error = try await Stand.discover([Stand.oauth: behaviour]).failure
        #expect(error?.kind == .notFound)
        #expect(error?.problem.contains(words) == true, "\(String(describing: error))")
        #expect(error?.problem.contains("openid-configuration is not there (404)") == true)
    }

    /// What is an error, whatever the other place has.
    static let refused: [(behaviour: ScriptedServer.Behaviour, kind: DiscoveryError.Kind)] = [
        (.reply(status: 429), .busy), (.reply(status: 502), .busy), (.reply(status: 503), .busy),
        (.reply(status: 504), .busy), (.close, .unreachable), (.reset, .unreachable),
        (.raw("HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"issuer\":\"a\""), .unreachable),
        (.raw("nonsense\r\n\r\n"), .unreachable),
        (.reply(body: "{\"issuer\":\"a\""), .unreadable), (.reply(body: "[]"), .unreadable),
        (.reply(body: "nonsense"), .unreadable),
        (.reply(body: "\u{feff}" + MetadataStand.good), .unreadable),
        (.reply(body: MetadataStand.good("\"issuer\":\"ORIGIN\"")), .unreadable),
        (.reply(body: "{\"x\":\"" + String(repeating: "x", count: 70_000) + "\"}"), .unreadable),
        (.reply(body: "{\"x\":[" + String(repeating: "0,", count: 200_000) + "0]}"), .unreadable),
        (.reply(body: MetadataStand.good.replacing("ORIGIN", with: "ORIGIN:443")), .otherIssuer),
        (.reply(body: MetadataStand.good.replacing("ORIGIN", with: "ORIGIN/x")), .otherIssuer),
        (
            .reply(body: MetadataStand.good.replacing("ORIGIN", with: "https://evil.example")),
            .otherIssuer
        ),
        (
            .reply(body: MetadataStand.good.replacing("\"issuer\":\"ORIGIN\",", with: "")),
            .unreadable
        ),
    ]

    @Test("hostile documents, and servers in trouble, are errors", arguments: refused)
    func isRefused(behaviour: ScriptedServer.Behaviour, kind: DiscoveryError.Kind) async throws {
        for place in [Stand.oauth, Stand.openID] {
            let other = place == Stand.oauth ? Stand.openID : Stand.oauth
            let error = try await Stand.discover([
                place: behaviour, other: .reply(body: Stand.good),
            ]).failure
            #expect(error?.kind == kind, "\(String(describing: error))")
            #expect(error?.place.hasSuffix(place) == true && error?.remedy.isEmpty == false)
        }
    }

    @Test(
        "addresses that no secret may go to are refused",
        arguments: [
            "http://a.example/token", "file:///etc/passwd", "javascript:alert(1)",
            "https://ann:pw@a.example/token", "https://a.example/token#x", "//a.example/token",
            "/token", "https://169.254.169.254/token", "https://10.0.0.1/token",
            "https://{host}/token", "https://a.example./token", "https://a\\b.example/token",
            "data:text/html,x", "https://[::ffff:10.0.0.1]/token",
        ])
    func addresses(url: String) async throws {
        for member in ["token_endpoint", "authorization_endpoint", "revocation_endpoint"] {
            let written = url.replacing("\\", with: "\\\\")
            var document = Stand.good
            if member == "revocation_endpoint" {
                document = Stand.good("\"revocation_endpoint\":\"\(written)\"")
            } else {
                let end = member == "token_endpoint" ? "token" : "authorize"
                document = document.replacing("https://a.example/\(end)\"", with: "\(written)\"")
            }
            let error = try await Stand.discover(document: document).failure
            #expect(error?.kind == .addressRefused, "\(String(describing: error))")
            #expect(error?.member == member)
        }
    }

    @Test("a server that says nothing is given up after ten seconds")
    func silent() async throws {
        let begin = ContinuousClock.now
        let error = try await Stand.discover([Stand.oauth: .hang]).failure
        #expect(error?.kind == .unreachable && error?.problem.contains("10 seconds") == true)
        #expect(ContinuousClock.now - begin < .seconds(20))
    }

    @Test("nobody is there")
    func nobody() async throws {
        let server = try ScriptedServer { _ in .close }
        let origin = server.origin
        server.stop()
        let transport = try CurlTransport.forTests()
        defer { transport.close() }
        let fetch = MetadataFetch(
            transport: transport, addressGuard: AddressGuard(allowsLoopback: true))
        do throws(DiscoveryError) {
            _ = try await fetch.discover(origin, at: UnixTime(seconds: 1))
            Issue.record("discovered")
        } catch {
            #expect(error.kind == .unreachable && error.problem.contains("cannot be reached"))
        }
    }
}

extension Result where Failure == DiscoveryError {
    /// Nil for a success.
    var failure: DiscoveryError? {
        if case .failure(let error) = self { error } else { nil }
    }
}
