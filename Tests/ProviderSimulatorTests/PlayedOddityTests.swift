// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import ProviderSimulator
import Testing

/// What one provider does and no other, against the facts.
@Suite("Oddities of providers that are played") struct PlayedOddityTests {
    private static let exchange = "graph.facebook.com/v22.0/oauth/access_token"

    private func facebook(_ server: PlayedServer) async throws -> PlayedServer.Answer {
        let callback = try await server.consent(
            "www.facebook.com/v22.0/dialog/oauth", ["scope": "email,public_profile"])
        let fields = [
            "code": try #require(callback["code"]), "redirect_uri": Fixture.redirectURI,
        ]
        return try await server.send(
            "GET", Self.exchange, fields.merging(PlayedServer.client) { $1 })
    }

    private func renew(
        _ token: String, _ server: PlayedServer
    ) async throws -> PlayedServer.Answer {
        try await server.send(
            "GET", Self.exchange,
            PlayedServer.client.merging([
                "grant_type": "fb_exchange_token", "fb_exchange_token": token,
            ]) { $1 })
    }

    @Test("Facebook exchanges a living access token, and its error is an object")
    func facebookFlow() async throws {
        try await PlayedServer.run(["facebook"]) { server in
            let reply = try await facebook(server)
            #expect(reply["refresh_token"] == nil && reply["token_type"] == "bearer")
            let seconds = try #require(reply["expires_in"].flatMap { Int($0) })
            #expect((3600...7200).contains(seconds))
            let first = try #require(reply["access_token"])
            let long = try await renew(first, server)
            #expect(long["expires_in"] == "5183944" && long["refresh_token"] == nil)
            let token = try #require(long["access_token"])
            let me = try await server.send(
                "GET", "graph.facebook.com/v22.0/me", ["access_token": token])
            let person = try #require(me["id"])
            server.simulator.advance(by: .seconds(7201))
            let expired = try await renew(first, server)
            #expect(expired.status == 400 && expired["error.type"] == "OAuthException")
            #expect(expired["error.code"] == "190" && expired["error.error_subcode"] == "463")
            #expect(expired["error.message"] != nil && expired["error.fbtrace_id"] != nil)
            let unknown = try await renew("nobody's", server)
            #expect(unknown["error.error_subcode"] == "467")
            #expect(try await renew(token, server).status == 200)
            let revoked = try await server.send(
                "DELETE", "graph.facebook.com/v22.0/\(person)/permissions?access_token=" + token)
            #expect(revoked.status == 200 && revoked["success"] == "1")
            let removed = try await renew(token, server)
            #expect(removed["error.code"] == "190" && removed["error.error_subcode"] == "458")
        }
    }

    @Test("Facebook tells more than others when the person says no")
    func facebookDenial() async throws {
        try await PlayedServer.run(["facebook"]) { server in
            let callback = try await server.consent(
                "www.facebook.com/v22.0/dialog/oauth", [:], decision: "deny")
            #expect(callback["code"] == nil && callback["error"] == "access_denied")
            for name in ["error_code", "error_description", "error_reason"] {
                #expect(callback[name] != nil)
            }
        }
    }

    @Test("Slack gives a bot's and a person's token, which live and end apart")
    func slackTokens() async throws {
        try await PlayedServer.run(["slack"]) { server in
            let flow = PlayedFlow.slack
            var both = flow
            both.query["user_scope"] = "search:read"
            let reply = try await both.connect(server)
            #expect(try #require(reply["access_token"]).hasPrefix("xoxe.xoxb-"))
            let person = try #require(reply["authed_user.access_token"])
            #expect(person.hasPrefix("xoxe.xoxp-"))
            #expect(reply["authed_user.scope"] == "search:read")
            #expect(reply["authed_user.token_type"] == "user")
            #expect(reply["authed_user.expires_in"] == "43200")
            let token = try #require(reply["authed_user.refresh_token"])
            #expect(token.hasPrefix("xoxe-1-") && token != reply["refresh_token"])
            let fresh = try await flow.refresh(token, server)
            #expect(fresh["token_type"] == "user")
            #expect(try #require(fresh["access_token"]).hasPrefix("xoxe.xoxp-"))
            let revoke = try #require(flow.revoke)
            #expect(try await revoke.send(reply, server)["revoked"] == "1")
            #expect(try await server.works(person, at: "slack.com"))
            let rehearsed = try await server.send(
                "GET", "slack.com/api/auth.revoke", ["test": "1"],
                headers: ["Authorization": "Bearer " + person])
            #expect(rehearsed["ok"] == "1")
            #expect(try await server.works(person, at: "slack.com"))

            both.query = ["user_scope": "search:read"]
            let alone = try await both.connect(server, user: "eve")
            #expect(alone["access_token"] == nil && alone["token_type"] == nil)
            #expect(alone["authed_user.access_token"] != nil)
        }
    }

    @Test("Slack refuses PKCE, and names what is wrong with status 200")
    func slackRefusals() async throws {
        try await PlayedServer.run(["slack"]) { server in
            var flow = PlayedFlow.slack
            let used = try await server.consent(flow.authorize, flow.query)
            let proven = try await flow.ask(
                [
                    "grant_type": "authorization_code", "redirect_uri": Fixture.redirectURI,
                    "code": try #require(used["code"]), "code_verifier": Fixture.verifier,
                ], server)
            #expect(proven.status == 200 && proven["error"] == "pkce_not_allowed")
            let code = try await flow.ask(
                ["grant_type": "authorization_code", "code": "x", "redirect_uri": "x"], server)
            #expect(code.status == 200 && code["error"] == "invalid_code")
            flow.basic = false
            let client = try await server.send(
                "POST", flow.token,
                ["grant_type": "refresh_token", "client_id": "no", "client_secret": "no"])
            #expect(client["error"] == "invalid_client_id")
            server.simulator.set(fault: .answer("ratelimited"), replies: 1)
            let limited = try await flow.refresh("any", server)
            #expect(limited.status == 429 && limited.headers["retry-after"] != nil)
            #expect(limited["ok"] == "0" && limited["error"] == "ratelimited")
        }
    }

    @Test("Variants: apps without rotation, refresh or expiry, and one with rotation")
    func variants() async throws {
        try await PlayedServer.run(["slack-without-rotation"]) { server in
            let reply = try await PlayedFlow.slack.connect(server)
            #expect(try #require(reply["access_token"]).hasPrefix("xoxb-"))
            #expect(reply["refresh_token"] == nil && reply["expires_in"] == nil)
        }
        try await PlayedServer.run(["github-oauth-app"]) { server in
            var flow = PlayedFlow.github
            flow.query = ["scope": "repo user"]
            let reply = try await flow.connect(server)
            #expect(reply["scope"] == "repo,user" && reply["token_type"] == "bearer")
            #expect(reply["refresh_token"] == nil && reply["expires_in"] == nil)
        }
        try await PlayedServer.run(["linkedin-unapproved"]) { server in
            let reply = try await PlayedFlow.linkedin.connect(server)
            #expect(reply["refresh_token"] == nil && reply["expires_in"] == "5184000")
        }
        try await PlayedServer.run(["salesforce-rotating"]) { server in
            let flow = PlayedFlow.salesforce
            let token = try #require(try await flow.connect(server)["refresh_token"])
            let fresh = try await flow.refresh(token, server)
            #expect(fresh["refresh_token"] != nil && fresh["refresh_token"] != token)
            flow.expect(try await flow.refresh(token, server), is: flow.lost)
        }
    }

    @Test("QuickBooks names the company in the callback, and changes the token once a day")
    func quickbooks() async throws {
        try await PlayedServer.run(["quickbooks"]) { server in
            let flow = PlayedFlow.quickbooks
            let callback = try await server.consent(flow.authorize, flow.query)
            let realm = try #require(callback["realmId"])
            #expect(!realm.isEmpty && realm.allSatisfy(\.isNumber))
            let reply = try await flow.connect(server)
            #expect(reply.headers["intuit_tid"] != nil)
            let token = try #require(reply["refresh_token"])
            // The number comes as a text now and then.
            #expect(try await flow.refresh(token, server).body.contains(#""expires_in":"3600""#))
            server.simulator.advance(by: .seconds(86_400))
            let changed = try #require(try await flow.refresh(token, server)["refresh_token"])
            #expect(changed != token)
            flow.expect(try await flow.refresh(token, server), is: flow.lost)
            #expect(try await flow.refresh(changed, server)["refresh_token"] == changed)
            let form = try await server.send(
                "POST", "developer.api.intuit.com/v2/oauth2/tokens/revoke", ["token": changed],
                headers: PlayedServer.basic)
            #expect(form.status == 400)
        }
    }

    @Test("Google gives a refresh token for offline access, the second time only by consent")
    func google() async throws {
        try await PlayedServer.run(["google"]) { server in
            var flow = PlayedFlow.google
            flow.query["prompt"] = nil
            let first = try await flow.connect(server)
            #expect(first["refresh_token"] != nil)
            let silent = try await flow.connect(server)
            #expect(silent["access_token"] != nil && silent["refresh_token"] == nil)
            let asked = try await PlayedFlow.google.connect(server)
            #expect(asked["refresh_token"] != nil)
            flow.query["access_type"] = nil
            let online = try await flow.connect(server, user: "eve")
            #expect(online["refresh_token"] == nil)
        }
    }

    @Test(
        "Without the scope or parameter for it there is no refresh token",
        arguments: ["salesforce", "jira", "microsoft", "xero", "dropbox"])
    func offline(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            var flow = try #require(PlayedFlow.all.first { $0.name == name })
            flow.query["scope"] = "read"
            flow.query["token_access_type"] = nil
            #expect(try await flow.connect(server)["refresh_token"] == nil)
        }
    }

    @Test("Shopify signs its callback, and without expiring=1 nothing expires")
    func shopify() async throws {
        try await PlayedServer.run(["shopify"]) { server in
            var flow = PlayedFlow.shopify
            var callback = try await server.consent(
                flow.authorize, ["scope": "read_orders", "response_type": "none"])
            let given = try #require(callback["hmac"])
            callback["hmac"] = nil
            #expect(Set(callback.keys) == ["code", "host", "shop", "state", "timestamp"])
            #expect(callback["shop"] == "tea-shop.myshopify.com")
            let text = callback.sorted { $0.key < $1.key }
                .map { "\($0.key)=\($0.value)" }.joined(separator: "&")
            let code = HMAC<SHA256>.authenticationCode(
                for: Data(text.utf8), using: SymmetricKey(data: Data("s3cret".utf8)))
            #expect(given == code.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
            flow.codeFields = [:]
            let lasting = try await flow.connect(server)
            #expect(lasting["refresh_token"] == nil && lasting["expires_in"] == nil)
            #expect(try #require(lasting["access_token"]).hasPrefix("shpat_"))
        }
    }

    @Test("At Shopify the old token is answered until the new one is used")
    func shopifyGrace() async throws {
        try await PlayedServer.run(["shopify"]) { server in
            let flow = PlayedFlow.shopify
            let token = try #require(try await flow.connect(server)["refresh_token"])
            let next = try #require(try await flow.refresh(token, server)["refresh_token"])
            server.simulator.advance(by: .seconds(86_400))
            #expect(try await flow.refresh(token, server)["refresh_token"] == next)
            #expect(try await flow.refresh(next, server)["refresh_token"] != next)
            flow.expect(try await flow.refresh(token, server), is: flow.lost)
        }
    }

    @Test("GitHub answers as a form unless JSON is asked for, errors too")
    func github() async throws {
        try await PlayedServer.run(["github"]) { server in
            let flow = PlayedFlow.github
            let reply = try await flow.connect(server)
            #expect(reply.headers["content-type"]?.contains("form-urlencoded") == true)
            var json = flow
            json.headers = ["Accept": "application/json"]
            let token = try #require(reply["refresh_token"])
            let fresh = try await json.refresh(token, server)
            #expect(fresh.headers["content-type"] == "application/json")
            #expect(try #require(fresh["access_token"]).hasPrefix("ghu_"))
            let dead = try await flow.refresh(token, server)
            #expect(dead.body.hasPrefix("error=bad_refresh_token"))
            server.simulator.set(fault: .answer("too_many_requests"), replies: 1)
            let limited = try await json.refresh(token, server)
            #expect(limited.status == 429 && limited.headers["retry-after"] != nil)
            let access = try #require(fresh["access_token"])
            let one = try await server.send(
                "DELETE", "api.github.com/applications/demo/token", ["access_token": access],
                json: true, headers: PlayedServer.basic)
            #expect(one.status == 204)
            #expect(try await server.works(access, at: flow.host) == false)
            let last = try #require(fresh["refresh_token"])
            #expect(try await json.refresh(last, server)["access_token"] != nil)
        }
    }

    @Test(
        "Two ways of client authentication at once are refused", arguments: ["dropbox", "gitlab"])
    func twoWays(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            let flow = try #require(PlayedFlow.all.first { $0.name == name })
            let token = try #require(try await flow.connect(server)["refresh_token"])
            var both = flow
            both.headers = PlayedServer.basic
            let refused = try await both.refresh(token, server)
            #expect(refused.status == 400 && refused["error"] == "invalid_request")
            both.basic = true
            #expect(try await both.refresh(token, server)["access_token"] != nil)
        }
    }

    @Test(
        "HTTP Basic is refused where the facts know only the body",
        arguments: ["jira", "github", "hubspot", "shopify", "zendesk", "stripe", "asana"])
    func postOnly(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            var flow = try #require(PlayedFlow.all.first { $0.name == name })
            let token = try #require(try await flow.connect(server)["refresh_token"])
            flow.basic = true
            #expect(try await flow.refresh(token, server)["access_token"] == nil)
        }
    }

    @Test(
        "The secret in the body is taken at those that prefer HTTP Basic",
        arguments: ["slack", "quickbooks", "xero", "zoom"])
    func postToo(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            var flow = try #require(PlayedFlow.all.first { $0.name == name })
            flow.basic = false
            #expect(try await flow.connect(server)["refresh_token"] != nil)
        }
    }

    @Test("PKCE stands in for the secret", arguments: ["dropbox", "xero"])
    func proofOnly(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            let flow = try #require(PlayedFlow.all.first { $0.name == name })
            let secretToken = try #require(try await flow.connect(server)["refresh_token"])
            func ask(_ fields: [String: String]) async throws -> PlayedServer.Answer {
                try await server.send(
                    "POST", flow.token, fields.merging(["client_id": "demo"]) { $1 })
            }
            let query = flow.query.merging([
                "code_challenge": Fixture.challenge, "code_challenge_method": "S256",
            ]) { $1 }
            let code = try #require(try await server.consent(flow.authorize, query)["code"])
            let reply = try await ask([
                "grant_type": "authorization_code", "code": code,
                "redirect_uri": Fixture.redirectURI, "code_verifier": Fixture.verifier,
            ])
            let token = try #require(reply["refresh_token"], "\(reply.body)")
            let fresh = try await ask(["grant_type": "refresh_token", "refresh_token": token])
            #expect(fresh["access_token"] != nil)
            let other = try await ask([
                "grant_type": "refresh_token", "refresh_token": secretToken,
            ])
            #expect(other["access_token"] == nil)
        }
    }

    @Test(
        "A wrong verifier is refused where S256 is supported",
        arguments: [
            "salesforce", "google", "dropbox", "github", "microsoft", "zendesk", "xero", "asana",
            "gitlab", "zoom",
        ])
    func wrongVerifier(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            let flow = try #require(PlayedFlow.all.first { $0.name == name })
            let query = flow.query.merging([
                "code_challenge": Fixture.challenge, "code_challenge_method": "S256",
            ]) { $1 }
            let code = try #require(try await server.consent(flow.authorize, query)["code"])
            let reply = try await flow.ask(
                [
                    "grant_type": "authorization_code", "code": code,
                    "redirect_uri": Fixture.redirectURI,
                    "code_verifier": String(Fixture.verifier.reversed()),
                ], server)
            #expect(reply["access_token"] == nil)
        }
    }

    @Test("Notion takes JSON only, and a version at the revocation")
    func notion() async throws {
        try await PlayedServer.run(["notion"]) { server in
            let flow = PlayedFlow.notion
            let reply = try await flow.connect(server)
            var form = flow
            form.json = false
            let token = try #require(reply["refresh_token"])
            #expect(try await form.refresh(token, server).status == 400)
            let access = try #require(reply["access_token"])
            let unversioned = try await server.send(
                "POST", "api.notion.com/v1/oauth/revoke", ["token": access], json: true,
                headers: PlayedServer.basic)
            #expect(unversioned.status == 400)
            #expect(try await server.works(access, at: flow.host))
            let told = try await server.send(
                "POST", "api.notion.com/v1/oauth/introspect", ["token": access], json: true,
                headers: PlayedServer.basic)
            #expect(told["active"] == "1")
        }
    }

    @Test("GitLab refreshes with the redirect URI only, and forbids a wrong client to revoke")
    func gitlab() async throws {
        try await PlayedServer.run(["gitlab"]) { server in
            var flow = PlayedFlow.gitlab
            let reply = try await flow.connect(server)
            let token = try #require(reply["refresh_token"])
            flow.refreshFields = [:]
            #expect(try await flow.refresh(token, server).status == 400)
            let wrong = try await server.send(
                "POST", "gitlab.com/oauth/revoke",
                ["client_id": "demo", "client_secret": "wrong", "token": token])
            #expect(wrong.status == 403)
            let unknown = try await server.send(
                "POST", "gitlab.com/oauth/revoke",
                PlayedServer.client.merging(["token": "unknown"]) { $1 })
            #expect(unknown.status == 200)
            let access = try #require(reply["access_token"])
            let told = try await server.send(
                "GET", "gitlab.com/oauth/token/info",
                headers: ["Authorization": "Bearer " + access])
            #expect(told["resource_owner_id"] != nil)
        }
    }

    @Test("LinkedIn's refresh token ends a year after the consent, however often it is used")
    func linkedin() async throws {
        try await PlayedServer.run(["linkedin"]) { server in
            let flow = PlayedFlow.linkedin
            let token = try #require(try await flow.connect(server)["refresh_token"])
            server.simulator.advance(by: .seconds(31_000_000))
            let left = try await flow.refresh(token, server)
            #expect(left["refresh_token"] == token)
            let seconds = try #require(left["refresh_token_expires_in"].flatMap { Int($0) })
            #expect((535_900...536_000).contains(seconds))
            server.simulator.advance(by: .seconds(536_001))
            flow.expect(try await flow.refresh(token, server), is: flow.lost)
        }
    }

    @Test("Zoom keeps one set of tokens a person")
    func zoom() async throws {
        try await PlayedServer.run(["zoom"]) { server in
            let flow = PlayedFlow.zoom
            let first = try #require(try await flow.connect(server)["refresh_token"])
            let second = try #require(try await flow.connect(server)["refresh_token"])
            flow.expect(try await flow.refresh(first, server), is: flow.lost)
            #expect(try await flow.refresh(second, server)["access_token"] != nil)
        }
    }

    @Test("HubSpot's connections of one portal share a refresh token")
    func hubspot() async throws {
        try await PlayedServer.run(["hubspot"]) { server in
            let flow = PlayedFlow.hubspot
            let first = try await flow.connect(server)
            let second = try await flow.connect(server)
            #expect(first["refresh_token"] == second["refresh_token"])
            #expect(try #require(first["access_token"]).count >= 300)
            let told = try await server.send(
                "POST", "api.hubapi.com/oauth/2026-03/token/introspect",
                PlayedServer.client.merging(["token": try #require(first["access_token"])]) { $1 })
            #expect(told["hub_id"] == first["hub_id"])
            let token = try #require(first["refresh_token"])
            let gone = try await server.send(
                "DELETE", "api.hubapi.com/oauth/v1/refresh-tokens/" + token)
            #expect(gone.status == 204)
            flow.expect(try await flow.refresh(token, server), is: flow.lost)
        }
    }

    @Test("Look-ups tell where a token belongs")
    func lookUps() async throws {
        try await PlayedServer.run(["jira", "xero"]) { server in
            func get(_ address: String, _ token: String) async throws -> PlayedServer.Answer {
                try await server.send(
                    "GET", address, headers: ["Authorization": "Bearer " + token])
            }
            let jira = try #require(try await PlayedFlow.jira.connect(server)["access_token"])
            let sites = try await get(
                "api.atlassian.com/oauth/token/accessible-resources", jira)
            for name in ["id", "name", "url", "avatarUrl"] {
                #expect(sites["0.\(name)"] != nil, "\(sites.body)")
            }
            #expect(sites["0.scopes.1"] == "offline_access")
            let xero = try #require(try await PlayedFlow.xero.connect(server)["access_token"])
            let tenants = try await get("api.xero.com/connections", xero)
            #expect(tenants["0.tenantId"] != nil)
            // The token is a JWT, whose claim says which of the connections is its own.
            let payload = try #require(xero.split(separator: ".").dropFirst().first)
            let padded = payload + String(repeating: "=", count: (4 - payload.count % 4) % 4)
            let standard = padded.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
            let claims = String(
                decoding: try #require(Data(base64Encoded: String(standard))), as: UTF8.self)
            #expect(claims.contains(try #require(tenants["0.authEventId"])))
            let id = try #require(tenants["0.id"])
            let gone = try await server.send(
                "DELETE", "api.xero.com/connections/" + id,
                headers: ["Authorization": "Bearer " + xero])
            #expect(gone.status == 204)
            #expect(try await get("api.xero.com/connections", xero).status == 401)
        }
    }

    @Test("What ends is what the facts say: a person's siblings, one token, the grant")
    func cascades() async throws {
        for name in ["xero", "google", "shopify", "stripe"] {
            try await PlayedServer.run([name]) { server in
                let flow = try #require(PlayedFlow.all.first { $0.name == name })
                let first = try await flow.connect(server)
                let second = try await flow.connect(server)
                flow.expect(
                    try await #require(flow.revoke).send(first, server),
                    is: try #require(flow.revoke).ok)
                let token = try #require(second["refresh_token"])
                flow.expect(try await flow.refresh(token, server), is: flow.lost)
            }
        }
        try await PlayedServer.run(["salesforce"]) { server in
            let flow = PlayedFlow.salesforce
            let reply = try await flow.connect(server)
            let access = try #require(reply["access_token"])
            let gone = try await server.send(
                "POST", "login.salesforce.com/services/oauth2/revoke", ["token": access])
            #expect(gone.status == 200)
            #expect(try await server.works(access, at: flow.host) == false)
            let token = try #require(reply["refresh_token"])
            #expect(try await flow.refresh(token, server)["access_token"] != nil)
        }
    }

    @Test(
        "Beyond the limit the oldest grant ends without a word",
        arguments: ["salesforce", "github"])
    func limits(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            let flow = try #require(PlayedFlow.all.first { $0.name == name })
            let most = name == "github" ? 10 : 5
            var tokens: [String] = []
            for _ in 0...most {
                tokens.append(try #require(try await flow.connect(server)["refresh_token"]))
            }
            flow.expect(try await flow.refresh(tokens[0], server), is: flow.lost)
            #expect(try await flow.refresh(tokens[1], server)["access_token"] != nil)
        }
    }

    @Test("A code works once and in its time", arguments: PlayedFlow.all)
    func codes(flow: PlayedFlow) async throws {
        let seconds = ["github": 600, "zendesk": 120, "zoom": 300][flow.name] ?? 60
        try await PlayedServer.run([flow.name]) { server in
            func exchange(after: Int) async throws -> [PlayedServer.Answer] {
                let callback = try await server.consent(flow.authorize, flow.query)
                let fields = [
                    "grant_type": "authorization_code", "redirect_uri": Fixture.redirectURI,
                    "code": try #require(callback["code"]),
                ]
                server.simulator.advance(by: .seconds(after))
                return [try await flow.ask(fields, server), try await flow.ask(fields, server)]
            }
            let inTime = try await exchange(after: seconds - 1)
            #expect(inTime[0]["access_token"] != nil, "\(inTime[0].body)")
            #expect(inTime[1]["access_token"] == nil && inTime[1]["error"] != nil)
            #expect(try await exchange(after: seconds + 1)[0]["access_token"] == nil)
        }
    }

    @Test("One that is played alone answers at 127.0.0.1, and approve() goes by the real URL")
    func alone() async throws {
        try await PlayedServer.run(["zendesk"]) { server in
            let query = PlayedServer.encoded([
                "client_id": "demo", "redirect_uri": Fixture.redirectURI,
                "response_type": "code", "state": "x", "scope": "read",
            ])
            let location = try server.simulator.approve(
                "https://desk.zendesk.com/oauth/authorizations/new?" + query)
            let code = try #require(Fixture.parameter("code", of: location))
            let reply = try await server.send(
                "POST", "127.0.0.1/oauth/tokens",
                PlayedServer.client.merging([
                    "grant_type": "authorization_code", "code": code,
                    "redirect_uri": Fixture.redirectURI,
                ]) { $1 })
            #expect(reply["access_token"] != nil, "\(reply.body)")
            #expect(throws: ProviderSimulator.PageShown.self) {
                try server.simulator.approve("https://desk.zendesk.com/nowhere?" + query)
            }
        }
    }

    @Test("A provider is played in one variant, and says what it rests on")
    func description() async throws {
        var settings = ProviderSimulator.Settings(clients: [
            .init(id: "demo", secret: nil, redirectURIs: [])
        ])
        settings.providers = ["github", "github-oauth-app"].compactMap {
            ProviderSimulator.Provider.named($0)
        }
        let twice = settings
        await #expect(throws: ProviderSimulator.SettingsError.self) {
            _ = try await ProviderSimulator.start(twice)
        }
        #expect(ProviderSimulator.Provider.named("nobody") == nil)
        let jira = try #require(ProviderSimulator.Provider.named("jira"))
        #expect(jira.confidence(of: .revocation) == .low)
        #expect(jira.confidence(of: .grantLost) == .high)
        let google = try #require(ProviderSimulator.Provider.named("google"))
        #expect(google.confidence(of: .wrongSecret) == .unverified)
        #expect(google.reasonForAbsence(of: .captured) != nil)
        #expect(google.hostNames == ["accounts.google.com", "oauth2.googleapis.com"])
        let salesforce = try #require(ProviderSimulator.Provider.named("salesforce"))
        #expect(salesforce.confidence(of: .expiry) == .unverified)
        #expect(salesforce.authorizeURL == "https://{host}/services/oauth2/authorize")
    }
}
