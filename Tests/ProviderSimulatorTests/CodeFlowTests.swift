// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// From the consent page to the first tokens.
struct CodeFlowTests {
    @Test func codeIsExchangedForTokensThatWork() async throws {
        try await Fixture.run { fixture in
            let code = try await fixture.code(user: "grace")
            let reply = try await fixture.exchange(code)
            #expect(reply.status == 200)
            #expect(reply.headers["cache-control"] == "no-store")
            #expect(reply.member("token_type") == "Bearer")
            #expect(reply.body.contains("\"expires_in\":3600,"))
            #expect(reply.member("scope") == "read")
            let token = try #require(reply.member("access_token"))
            let user = try await HTTP.get(
                fixture.url + "/userinfo", ["Authorization": "Bearer \(token)"])
            #expect(user.body == #"{"sub":"grace"}"#)
            #expect(try await fixture.works("sim-at-invented") == false)
            let counters = fixture.simulator.counters
            #expect(counters.approvals == 1 && counters.codeExchanges == 1)
        }
    }

    @Test func redirectCarriesStateAndIssuer() async throws {
        try await Fixture.run { fixture in
            let form = Fixture.query() + "&user=ada&decision="
            let approved = try await HTTP.post(fixture.url + "/authorize", form + "approve")
            let denied = try await HTTP.post(fixture.url + "/authorize", form + "deny")
            let issuer = fixture.url.replacing(":", with: "%3A").replacing("/", with: "%2F")
            for reply in [approved, denied] {
                let location = try #require(reply.headers["location"])
                #expect(location.hasPrefix(Fixture.redirectURI + "?"))
                #expect(Fixture.parameter("state", of: location) == "st%2Fate")
                #expect(Fixture.parameter("iss", of: location) == issuer)
            }
            #expect(denied.headers["location"]?.contains("error=access_denied") == true)
        }
    }

    @Test func pageEscapesAndForbidsScripts() async throws {
        try await Fixture.run { fixture in
            let reply = try await HTTP.get(
                fixture.url + "/authorize?" + Fixture.query(["state": "%22%3E%3Cscript%3E"]))
            #expect(reply.status == 200)
            #expect(!reply.body.contains("<script"))
            #expect(reply.body.contains("value=\"&quot;&gt;&lt;script&gt;\""))
            let policy = try #require(reply.headers["content-security-policy"])
            #expect(policy.hasPrefix("default-src 'none';"))
            #expect(policy.contains("form-action 'self' http://127.0.0.1:9;"))
        }
    }

    @Test(
        arguments: [
            ["client_id": "stranger"], ["client_id": nil], ["redirect_uri": nil],
            ["redirect_uri": Fixture.redirectURI + "/"], ["redirect_uri": "http://evil.example/"],
        ] as [[String: String?]])
    func untrustedRedirectsAreShownNotFollowed(changes: [String: String?]) async throws {
        try await Fixture.run { fixture in
            let query = Fixture.query(changes)
            for reply in [
                try await HTTP.get(fixture.url + "/authorize?" + query),
                try await HTTP.post(
                    fixture.url + "/authorize", query + "&decision=approve&user=ada"),
            ] {
                #expect(reply.status == 400)
                #expect(reply.headers["location"] == nil)
            }
        }
    }

    @Test(
        arguments: [
            (["response_type": "token"], "unsupported_response_type"),
            (["state": nil], "invalid_request"),
            (["scope": "admin"], "invalid_scope"),
            (["code_challenge": nil, "code_challenge_method": nil], "invalid_request"),
            (["code_challenge_method": "plain"], "invalid_request"),
            (["code_challenge_method": nil], "invalid_request"),
            (["code_challenge": "short"], "invalid_request"),
        ] as [([String: String?], String)])
    func wrongRequestsGoBackToTheClient(changes: [String: String?], error: String) async throws {
        try await Fixture.run({ $0.scopes = ["read"] }) { fixture in
            let reply = try await HTTP.get(
                fixture.url + "/authorize?" + Fixture.query(changes))
            #expect(reply.status == 302)
            let location = try #require(reply.headers["location"])
            #expect(Fixture.parameter("error", of: location) == error)
            #expect(Fixture.parameter("code", of: location) == nil)
        }
    }

    @Test func wrongVerifierIsRefusedAndSpendsTheCode() async throws {
        try await Fixture.run { fixture in
            let code = try await fixture.code()
            let wrong = try await fixture.exchange(
                code, verifier: String(repeating: "a", count: 43))
            #expect(wrong.status == 400 && wrong.member("error") == "invalid_grant")
            #expect(try await fixture.exchange(code).member("error") == "invalid_grant")
            #expect(fixture.simulator.counters.codeExchangesFailed == 2)
        }
    }

    @Test func verifierWithoutChallengeIsRefused() async throws {
        try await Fixture.run({ $0.requiresPKCE = false }) { fixture in
            let bare = ["code_challenge": nil, "code_challenge_method": nil] as [String: String?]
            let first = try await fixture.code(bare)
            #expect(try await fixture.exchange(first).member("error") == "invalid_grant")
            let second = try await fixture.code(bare)
            #expect(try await fixture.exchange(second, verifier: nil).status == 200)
        }
    }

    @Test func secondUseOfACodeEndsItsTokens() async throws {
        try await Fixture.run { fixture in
            let code = try await fixture.code()
            let first = try await fixture.exchange(code)
            let token = try #require(first.member("access_token"))
            #expect(try await fixture.works(token))
            #expect(try await fixture.exchange(code).member("error") == "invalid_grant")
            #expect(try await fixture.works(token) == false)
            let refreshToken = try #require(first.member("refresh_token"))
            #expect(try await fixture.refresh(refreshToken).member("error") == "invalid_grant")
            #expect(fixture.simulator.grants.first?.end == .codeReused)
        }
    }

    @Test func codesExpireAndBelongToOneClient() async throws {
        try await Fixture.run { fixture in
            let code = try await fixture.code()
            let other = try await fixture.exchange(code, credentials: "client_id=public")
            #expect(other.member("error") == "invalid_grant")
            fixture.simulator.advance(by: .seconds(61))
            #expect(try await fixture.exchange(code).member("error") == "invalid_grant")
        }
    }

    @Test func approveInProcessGivesAWorkingCode() async throws {
        try await Fixture.run { fixture in
            let location = try fixture.simulator.approve(
                fixture.url + "/authorize?" + Fixture.query())
            let code = try #require(Fixture.parameter("code", of: location))
            #expect(try await fixture.exchange(code).status == 200)
            #expect(throws: ProviderSimulator.PageShown.self) {
                try fixture.simulator.approve("http://x/authorize?client_id=stranger")
            }
        }
    }
}
