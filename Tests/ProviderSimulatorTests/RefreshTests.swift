// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// What a refresh does to the tokens, with and without rotation.
struct RefreshTests {
    @Test func withoutRotationTheRefreshTokenStays() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            for _ in 0..<3 {
                let reply = try await fixture.refresh(grant.refreshToken)
                #expect(reply.status == 200)
                #expect(reply.member("refresh_token") == nil)
                let access = try #require(reply.member("access_token"))
                #expect(try await fixture.works(access))
            }
            #expect(fixture.simulator.counters.refreshes == 3)
            #expect(fixture.simulator.refreshRequests(forUser: "ada") == 3)
            #expect(fixture.simulator.refreshRequests(forGrant: grant.grant) == 3)
        }
    }

    @Test func strictReuseEndsTheGrant() async throws {
        try await Fixture.run({
            $0.rotation = .rotating(grace: .zero)
            $0.keepsJournal = true
        }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            let fresh = try await fixture.refresh(grant.refreshToken)
            let newToken = try #require(fresh.member("refresh_token"))
            #expect(newToken != grant.refreshToken)
            let reused = try await fixture.refresh(grant.refreshToken)
            #expect(reused.member("error") == "invalid_grant")
            #expect(try await fixture.refresh(newToken).member("error") == "invalid_grant")
            let access = try #require(fresh.member("access_token"))
            #expect(try await fixture.works(access) == false)
            #expect(try await fixture.works(grant.accessToken) == false)
            #expect(fixture.simulator.counters.reuseDetected == 1)
            #expect(fixture.simulator.grants.first?.end == .refreshTokenReused)
            #expect(
                fixture.simulator.journal == [
                    .init(grant: 0, ordinal: 0, outcome: .refreshed),
                    .init(grant: 0, ordinal: 0, outcome: .reused),
                    .init(grant: 0, ordinal: 1, outcome: .refused),
                ])
        }
    }

    @Test func graceAnswersWithTheCurrentToken() async throws {
        try await Fixture.run({ $0.rotation = .rotating(grace: .seconds(30)) }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            let first = try await fixture.refresh(grant.refreshToken)
            let current = try #require(first.member("refresh_token"))
            let again = try await fixture.refresh(grant.refreshToken)
            #expect(again.status == 200)
            #expect(again.member("refresh_token") == current)
            #expect(fixture.simulator.counters.refreshesInGrace == 1)
            fixture.simulator.advance(by: .seconds(31))
            #expect(try await fixture.refresh(grant.refreshToken).status == 400)
            #expect(try await fixture.refresh(current).status == 400)
            #expect(fixture.simulator.counters.reuseDetected == 1)
        }
    }

    @Test func graceCoversOnlyTheTokenBefore() async throws {
        try await Fixture.run({ $0.rotation = .rotating(grace: .seconds(30)) }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            let first = try await fixture.refresh(grant.refreshToken)
            let second = try #require(first.member("refresh_token"))
            #expect(try await fixture.refresh(second).status == 200)
            #expect(try await fixture.refresh(grant.refreshToken).status == 400)
            #expect(fixture.simulator.counters.reuseDetected == 1)
        }
    }

    @Test func tokensExpire() async throws {
        try await Fixture.run({
            $0.accessLifetime = .seconds(100)
            $0.refreshLifetime = .seconds(1000)
        }) { fixture in
            let reply = try await fixture.exchange(try await fixture.code())
            #expect(reply.body.contains("\"expires_in\":100,"))
            #expect(reply.body.contains("\"refresh_token_expires_in\":1000,"))
            let access = try #require(reply.member("access_token"))
            let refresh = try #require(reply.member("refresh_token"))
            fixture.simulator.advance(by: .seconds(101))
            #expect(try await fixture.works(access) == false)
            #expect(try await fixture.refresh(refresh).status == 200)
            fixture.simulator.advance(by: .seconds(900))
            #expect(try await fixture.refresh(refresh).member("error") == "invalid_grant")
        }
    }

    @Test(arguments: [
        (ProviderSimulator.ExpiryStyle.seconds, "\"expires_in\":3600,"),
        (.secondsAsText, "\"expires_in\":\"3600\","), (.unixTime, "\"expires_at\":"),
    ])
    func expiryIsWrittenAsAsked(
        style: ProviderSimulator.ExpiryStyle, words: String
    ) async throws {
        try await Fixture.run({ $0.expiryStyle = style }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            #expect(try await fixture.refresh(grant.refreshToken).body.contains(words))
            try fixture.simulator.change { $0.expiryStyle = .absent }
            let silent = try await fixture.refresh(grant.refreshToken)
            #expect(!silent.body.contains("expires"))
        }
    }

    @Test func scopeMayShrinkButNotGrow() async throws {
        try await Fixture.run { fixture in
            let grant = try #require(try fixture.simulator.mint(1, scope: "read write").first)
            let form = "client_id=demo&client_secret=s3cret&scope="
            let less = try await fixture.refresh(grant.refreshToken, credentials: form + "read")
            #expect(less.member("scope") == "read")
            let more = try await fixture.refresh(grant.refreshToken, credentials: form + "admin")
            #expect(more.member("error") == "invalid_scope")
        }
    }

    @Test func markedTokensAreRecognisable() async throws {
        try await Fixture.run({
            $0.tokenMarker = "CANARY"
            $0.tokenBytes = 500
        }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            #expect(grant.accessToken.hasPrefix("CANARY-at-"))
            #expect(grant.refreshToken.hasPrefix("CANARY-rt-"))
            #expect(grant.refreshToken.utf8.count == "CANARY-rt-".utf8.count + 667)
        }
    }

    @Test func accessTokensAreExchanged() async throws {
        try await Fixture.run({
            $0.exchange = .init(grantType: "ex", parameter: "old", lifetime: .seconds(7200))
            $0.accessLifetime = .seconds(60)
        }) { fixture in
            let grant = try #require(try fixture.simulator.mint(1).first)
            #expect(grant.refreshToken.isEmpty)
            func exchange(_ form: String) async throws -> HTTP.Reply {
                try await HTTP.post(
                    fixture.url + "/token",
                    "grant_type=ex&client_id=demo&client_secret=s3cret&" + form)
            }
            let reply = try await exchange("old=\(grant.accessToken)")
            #expect(reply.status == 200 && reply.member("refresh_token") == nil)
            let next = try #require(reply.member("access_token"))
            #expect(try await fixture.works(next))
            #expect(fixture.simulator.counters.refreshes == 1)
            fixture.simulator.advance(by: .seconds(61))
            #expect(try await fixture.works(next))
            let refused = try await exchange("old=\(grant.accessToken)")
            #expect(refused.status == 400)
            #expect(refused.body.contains(#""code":190}}"#), "\(refused.body)")
            #expect(try await exchange("x=y").member("error") == "invalid_request")
            #expect(fixture.simulator.counters.refreshesFailed == 2)
        }
    }
}
