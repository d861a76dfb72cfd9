// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// Who may use the token endpoint.
struct ClientAuthenticationTests {
    @Test(arguments: [
        "client_id=demo&client_secret=wrong", "client_id=demo", "client_id=stranger",
        "client_id=public&client_secret=x", "",
    ])
    func wrongClientIsRefused(credentials: String) async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            let reply = try await fixture.refresh(grant.refreshToken, credentials: credentials)
            #expect(reply.status == 401)
            #expect(reply.member("error") == "invalid_client")
            // The grant is not harmed by somebody else's mistake.
            #expect(try await fixture.refresh(grant.refreshToken).status == 200)
            #expect(fixture.simulator.counters.clientsRefused == 1)
        }
    }

    /// `demo:s3cret`, and `odd id:%+:&=` with both parts form-encoded first.
    @Test(arguments: [
        ("demo", "ZGVtbzpzM2NyZXQ="), ("odd id", "b2RkK2lkOiUyNSUyQiUzQSUyNiUzRA=="),
    ])
    func basicIsReadFormEncoded(client: String, credentials: String) async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1, client: client).first)
            let form = "grant_type=refresh_token&refresh_token=\(grant.refreshToken)"
            let header = ["Authorization": "Basic \(credentials)"]
            #expect(try await HTTP.post(fixture.url + "/token", form, header).status == 200)
            let twice = try await HTTP.post(
                fixture.url + "/token", form + "&client_secret=x", header)
            #expect(twice.member("error") == "invalid_request")
        }
    }

    @Test func publicClientNeedsNoSecret() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1, client: "public").first)
            let reply = try await fixture.refresh(
                grant.refreshToken, credentials: "client_id=public")
            #expect(reply.status == 200)
        }
    }

    @Test func otherGrantTypesAndOtherBodiesAreRefused() async throws {
        try await Fixture.run { fixture in
            let credentials = "&client_id=demo&client_secret=s3cret"
            let token = fixture.url + "/token"
            let password = try await HTTP.post(token, "grant_type=password" + credentials)
            #expect(password.member("error") == "unsupported_grant_type")
            let twice = try await HTTP.post(token, "grant_type=a&grant_type=b" + credentials)
            #expect(twice.member("error") == "invalid_request")
            let json = try await HTTP.post(token, "{}", ["Content-Type": "application/json"])
            #expect(json.member("error") == "invalid_request")
            let long = try await HTTP.post(token, String(repeating: "a", count: 70_000))
            #expect(long.status == 413)
            #expect(try await HTTP.get(token).status == 405)
        }
    }
}
