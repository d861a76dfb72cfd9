// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// Error bodies, limits and refusals of single providers, against the facts.
@Suite("Answers of providers that are played") struct PlayedAnswerTests {
    @Test("A redirect URI that differs is told in Slack's and GitHub's words")
    func redirectMismatch() async throws {
        for (name, error) in [
            ("slack", "bad_redirect_uri"), ("github", "redirect_uri_mismatch"),
        ] {
            try await PlayedServer.run([name]) { server in
                let flow = try #require(PlayedFlow.all.first { $0.name == name })
                let callback = try await server.consent(flow.authorize, flow.query)
                let reply = try await flow.ask(
                    [
                        "grant_type": "authorization_code", "redirect_uri": "https://other.example",
                        "code": try #require(callback["code"]),
                    ], server)
                #expect(reply.status == 200 && reply["error"] == error)
            }
        }
    }

    @Test("Every answer that is known comes on demand, with its status", arguments: PlayedFlow.all)
    func onDemand(flow: PlayedFlow) async throws {
        let provider = try #require(ProviderSimulator.Provider.named(flow.name))
        try await PlayedServer.run([flow.name]) { server in
            for answer in provider.ownAnswers {
                server.simulator.set(fault: .answer(answer.name), replies: 1)
                let reply = try await flow.refresh("any", server)
                #expect(reply.status == answer.status)
                #expect(reply["access_token"] == nil && !reply.body.isEmpty)
                #expect(!reply.body.contains("{guid}") && !reply.body.contains("{timestamp}"))
                if answer.status == 429 { #expect(reply.headers["retry-after"] != nil) }
            }
        }
    }

    @Test("Microsoft's error has numbers, a time and two trace ids")
    func microsoft() async throws {
        try await PlayedServer.run(["microsoft"]) { server in
            let flow = PlayedFlow.microsoft
            let reply = try await flow.refresh("nobody's", server)
            let text = try #require(reply["error_description"])
            #expect(text.hasPrefix("AADSTS70008"))
            for name in ["timestamp", "trace_id", "correlation_id"] {
                #expect(reply[name] != nil, "\(reply.body)")
            }
        }
    }

    @Test("A dead access token is refused in Salesforce's and Dropbox's words")
    func expiredAccess() async throws {
        try await PlayedServer.run(["salesforce", "dropbox"]) { server in
            let token = try #require(try await PlayedFlow.dropbox.connect(server)["access_token"])
            server.simulator.advance(by: .seconds(14_401))
            let header = ["Authorization": "Bearer " + token]
            let dropbox = try await server.send(
                "GET", "api.dropboxapi.com/userinfo", headers: header)
            #expect(dropbox.status == 401)
            #expect(dropbox["error_summary"] == "expired_access_token/..")
            #expect(dropbox["error..tag"] == nil)
            #expect(dropbox.body.contains(#"{".tag":"expired_access_token"}"#))
            let salesforce = try await server.send(
                "GET", "practice.my.salesforce.com/userinfo", headers: header)
            #expect(salesforce.status == 401)
            #expect(salesforce["0.errorCode"] == "INVALID_SESSION_ID")
        }
    }

    @Test("Zendesk gives lifetimes within its ranges only")
    func zendesk() async throws {
        try await PlayedServer.run(["zendesk"]) { server in
            for fields in [
                ["expires_in": "299"], ["expires_in": "172801"],
                ["refresh_token_expires_in": "604799"], ["refresh_token_expires_in": "7776001"],
            ] {
                let flow = PlayedFlow.zendesk
                let callback = try await server.consent(flow.authorize, flow.query)
                let code = [
                    "grant_type": "authorization_code", "redirect_uri": Fixture.redirectURI,
                    "code": try #require(callback["code"]),
                ]
                let reply = try await flow.ask(code.merging(fields) { $1 }, server)
                #expect(reply.status == 400 && reply["access_token"] == nil, "\(fields)")
            }
        }
    }

    @Test("Jira's refresh token ends a year after the consent, in use or not")
    func jira() async throws {
        try await PlayedServer.run(["jira"]) { server in
            let flow = PlayedFlow.jira
            var token = try #require(try await flow.connect(server)["refresh_token"])
            for _ in 0..<4 {
                server.simulator.advance(by: .seconds(89 * 86_400))
                token = try #require(try await flow.refresh(token, server)["refresh_token"])
            }
            server.simulator.advance(by: .seconds(10 * 86_400))
            flow.expect(try await flow.refresh(token, server), is: flow.lost)
        }
    }

    @Test("Parameters without which the page is not shown", arguments: ["jira", "notion"])
    func authorizeParameters(name: String) async throws {
        try await PlayedServer.run([name]) { server in
            let flow = try #require(PlayedFlow.all.first { $0.name == name })
            let reply = try await server.send(
                "GET", flow.authorize,
                [
                    "client_id": "demo", "redirect_uri": Fixture.redirectURI,
                    "response_type": "code", "state": "x",
                ])
            #expect(reply.status == 302)
            let location = try #require(reply.headers["location"])
            #expect(Fixture.parameter("error", of: location) == "invalid_request")
        }
    }

    @Test("Asana tells of a scope that it does not give at the page")
    func asana() async throws {
        var settings = ProviderSimulator.Settings(clients: [
            .init(id: "demo", secret: "s3cret", redirectURIs: [Fixture.redirectURI])
        ])
        settings.scopes = ["default"]
        settings.providers = [try #require(ProviderSimulator.Provider.named("asana"))]
        let simulator = try await ProviderSimulator.start(settings)
        let query = [
            "client_id": "demo", "redirect_uri": Fixture.redirectURI, "response_type": "code",
            "state": "x", "scope": "admin",
        ]
        let location = try simulator.approve(
            "https://app.asana.com/-/oauth_authorize?" + PlayedServer.encoded(query))
        #expect(Fixture.parameter("error", of: location) == "forbidden_scopes")
        await simulator.stop()
    }

    @Test("Stripe takes its secret as bearer, and to revoke as user name without password")
    func stripe() async throws {
        try await PlayedServer.run(["stripe"]) { server in
            let flow = PlayedFlow.stripe
            let reply = try await flow.connect(server)
            let bearer = try await server.send(
                "POST", flow.token,
                [
                    "grant_type": "refresh_token",
                    "refresh_token": try #require(reply["refresh_token"]),
                ], headers: ["Authorization": "Bearer s3cret"])
            #expect(bearer["access_token"] != nil, "\(bearer.body)")
            let account = try #require(reply["stripe_user_id"])
            let fields = ["client_id": "demo", "stripe_user_id": account]
            let refused = try await server.send(
                "POST", "connect.stripe.com/oauth/deauthorize", fields,
                headers: PlayedServer.basic)
            #expect(refused.status == 401)
            let gone = try await server.send(
                "POST", "connect.stripe.com/oauth/deauthorize", fields,
                headers: HTTP.basic("s3cret", ""))
            #expect(gone.status == 200 && gone["stripe_user_id"] == account)
        }
    }

    @Test("The control paths mint, advance and spoil for a provider, too")
    func control() async throws {
        var settings = ProviderSimulator.Settings(clients: [
            .init(id: "demo", secret: "s3cret", redirectURIs: [Fixture.redirectURI])
        ])
        settings.controlKey = "key"
        settings.providers = ProviderSimulator.Provider.all
        let simulator = try await ProviderSimulator.start(settings)
        let server = PlayedServer(simulator: simulator)
        let key = ["X-Control-Key": "key"]
        func ask(_ path: String, _ body: String = "") async throws -> HTTP.Reply {
            try await HTTP.send("POST", simulator.baseURL + "/control/" + path, key, body)
        }
        let minted = try await ask("grants?provider=xero&scope=accounting")
        let token = try #require(minted.member("refresh_token"), "\(minted.body)")
        #expect(try await ask("grants?provider=nobody").status == 400)
        #expect(
            try await ask("fault", #"{"kind":"answer","answer":"ratelimited","replies":1}"#)
                .status == 204)
        #expect(try await ask("fault", #"{"kind":"answer"}"#).status == 400)
        #expect(try await PlayedFlow.slack.refresh("any", server)["error"] == "ratelimited")
        #expect(try await PlayedFlow.xero.refresh(token, server)["access_token"] != nil)
        #expect(try await ask("settings", #"{"advance_seconds":5184001}"#).status == 204)
        let dead = try await PlayedFlow.xero.refresh(token, server)
        #expect(dead.status == 400 && dead["error"] == "invalid_grant")
        await simulator.stop()
    }

    @Test("Introspection tells the living from the dead")
    func introspection() async throws {
        for (name, address) in [
            ("salesforce", "practice.my.salesforce.com/services/oauth2/introspect"),
            ("linkedin", "www.linkedin.com/oauth/v2/introspectToken"),
            ("hubspot", "api.hubapi.com/oauth/2026-03/token/introspect"),
        ] {
            try await PlayedServer.run([name]) { server in
                let flow = try #require(PlayedFlow.all.first { $0.name == name })
                let token = try #require(try await flow.connect(server)["access_token"])
                let fields = PlayedServer.client.merging(["token": token]) { $1 }
                #expect(try await server.send("POST", address, fields)["active"] == "1")
                server.simulator.revoke(user: "ada")
                #expect(try await server.send("POST", address, fields)["active"] == "0")
                let stranger = try await server.send("POST", address, ["token": token])
                #expect(stranger["active"] == nil)
            }
        }
    }
}
