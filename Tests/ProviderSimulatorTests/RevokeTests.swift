// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// What revocation ends, and what introspection says before and after.
struct RevokeTests {
    @Test func refreshTokenTakesItsAccessTokensWithIt() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            #expect(try await fixture.works(grant.accessToken))
            #expect(try await fixture.revoke(grant.refreshToken).status == 200)
            #expect(try await fixture.works(grant.accessToken) == false)
            #expect(try await fixture.refresh(grant.refreshToken).status == 400)
            #expect(fixture.simulator.counters.revocations == 1)
            #expect(fixture.simulator.grants.first?.end == .revoked)
        }
    }

    @Test(arguments: [false, true])
    func accessTokenEndsAloneUnlessRevocationCascades(cascades: Bool) async throws {
        try await Fixture.run({ $0.revocationCascades = cascades }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            #expect(try await fixture.revoke(grant.accessToken).status == 200)
            #expect(try await fixture.works(grant.accessToken) == false)
            #expect(
                try await fixture.refresh(grant.refreshToken).status == (cascades ? 400 : 200))
        }
    }

    @Test func aUserEndsTheGrant() async throws {
        try await Fixture.run { fixture in
            let hers = try #require(try fixture.simulator.mint(1).first)
            let his = try #require(try fixture.simulator.mint(1, user: "bob").first)
            #expect(
                Set(fixture.simulator.tokens(ofUser: "ada"))
                    == [hers.accessToken, hers.refreshToken])
            fixture.simulator.revoke(user: "ada")
            #expect(try await fixture.works(hers.accessToken) == false)
            #expect(try await fixture.refresh(hers.refreshToken).member("error") == "invalid_grant")
            #expect(try await fixture.works(his.accessToken))
            #expect(fixture.simulator.grants.map(\.alive) == [false, true])
        }
    }

    @Test func unknownTokensAreASuccessAndStrangersAreNot() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1, client: "public").first)
            #expect(try await fixture.revoke("sim-rt-unknown").status == 200)
            #expect(try await fixture.revoke(grant.refreshToken, secret: "wrong").status == 401)
            let foreign = try await fixture.revoke(grant.refreshToken)
            #expect(foreign.member("error") == "unauthorized_client")
            #expect(try await fixture.works(grant.accessToken))
            #expect(fixture.simulator.counters.revocations == 0)
        }
    }

    @Test func introspectionFollowsTheToken() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1, scope: "read").first)
            func introspect(_ token: String) async throws -> HTTP.Reply {
                try await HTTP.post(
                    fixture.url + "/introspect",
                    "token=\(token)&client_id=demo&client_secret=s3cret")
            }
            for token in [grant.accessToken, grant.refreshToken] {
                let reply = try await introspect(token)
                #expect(reply.body.hasPrefix("{\"active\":true,"))
                #expect(reply.member("username") == "ada")
                #expect(reply.member("scope") == "read")
            }
            _ = try await fixture.revoke(grant.refreshToken)
            for token in [grant.accessToken, grant.refreshToken, "unknown"] {
                #expect(try await introspect(token).body == "{\"active\":false}")
            }
            let anonymous = try await HTTP.post(fixture.url + "/introspect", "token=x")
            #expect(anonymous.status == 401)
        }
    }
}
