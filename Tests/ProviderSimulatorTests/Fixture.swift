// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// A running server and the requests that the tests make of it.
struct Fixture {
    static let redirectURI = "http://127.0.0.1:9/callback/demo"
    /// The pair of RFC 7636 appendix B.
    static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    static let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    let simulator: ProviderSimulator

    var url: String { simulator.baseURL }

    /// Runs `body` beside a server of its own.
    static func run(
        _ change: (inout ProviderSimulator.Settings) -> Void = { _ in },
        _ body: (Fixture) async throws -> Void
    ) async throws {
        var settings = ProviderSimulator.Settings(clients: [
            .init(id: "demo", secret: "s3cret", redirectURIs: [redirectURI]),
            .init(id: "odd id", secret: "%+:&=", redirectURIs: [redirectURI]),
            .init(id: "public", secret: nil, redirectURIs: [redirectURI]),
        ])
        change(&settings)
        let simulator = try await ProviderSimulator.start(settings)
        do {
            try await body(Fixture(simulator: simulator))
        } catch {
            await simulator.stop()
            throw error
        }
        await simulator.stop()
    }

    /// An authorization request's query, with fields replaced or, where nil, left out.
    static func query(_ changes: [String: String?] = [:]) -> String {
        var fields: [String: String?] = [
            "client_id": "demo", "redirect_uri": redirectURI, "response_type": "code",
            "state": "st%2Fate", "scope": "read", "code_challenge": challenge,
            "code_challenge_method": "S256",
        ]
        fields.merge(changes) { $1 }
        return fields.sorted { $0.key < $1.key }
            .compactMap { name, value in value.map { "\(name)=\($0)" } }
            .joined(separator: "&")
    }

    /// Consents through the form, and returns the code.
    func code(_ changes: [String: String?] = [:], user: String = "ada") async throws -> String {
        let reply = try await HTTP.post(
            url + "/authorize", Fixture.query(changes) + "&decision=approve&user=\(user)")
        #expect(reply.status == 303)
        let location = try #require(reply.headers["location"])
        return try #require(Fixture.parameter("code", of: location))
    }

    /// Exchanges a code.
    func exchange(
        _ code: String, verifier: String? = Fixture.verifier,
        credentials: String = "client_id=demo&client_secret=s3cret"
    ) async throws -> HTTP.Reply {
        let proof = verifier.map { "&code_verifier=\($0)" } ?? ""
        return try await HTTP.post(
            url + "/token",
            "grant_type=authorization_code&code=\(code)&redirect_uri=\(Fixture.redirectURI)"
                + proof + "&" + credentials)
    }

    /// Refreshes.
    func refresh(
        _ token: String, credentials: String = "client_id=demo&client_secret=s3cret"
    ) async throws -> HTTP.Reply {
        try await HTTP.post(
            url + "/token", "grant_type=refresh_token&refresh_token=\(token)&" + credentials)
    }

    /// Revokes.
    func revoke(_ token: String, secret: String = "s3cret") async throws -> HTTP.Reply {
        try await HTTP.post(
            url + "/revoke", "token=\(token)&client_id=demo&client_secret=\(secret)")
    }

    /// Whether an access token works.
    func works(_ accessToken: String) async throws -> Bool {
        let reply = try await HTTP.get(
            url + "/userinfo", ["Authorization": "Bearer \(accessToken)"])
        return reply.status == 200
    }

    /// The value of a query parameter, as it is written in the URL.
    static func parameter(_ name: String, of url: String) -> String? {
        url.drop { $0 != "?" }.dropFirst().split(separator: "&")
            .first { $0.hasPrefix(name + "=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }
}
