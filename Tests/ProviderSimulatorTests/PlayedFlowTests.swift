// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Testing

/// Each provider's flow, over raw HTTP, against the facts.
@Suite("Providers that are played") struct PlayedFlowTests {
    @Test("Each has a flow here, or a test of its own")
    func complete() {
        let names = Set(ProviderSimulator.Provider.all.map(\.name))
        #expect(names.count == 19)
        #expect(names == Set(PlayedFlow.all.map(\.name)).union(["facebook"]))
    }

    @Test("The first tokens have the provider's shape", arguments: PlayedFlow.all)
    func shape(flow: PlayedFlow) async throws {
        try await PlayedServer.run([flow.name]) { server in
            let reply = try await flow.connect(server)
            for (path, value) in flow.shape {
                let found = try #require(reply[path], "\(flow.name): \(path) in \(reply.body)")
                if let value { #expect(found == value, "\(flow.name): \(path)") }
            }
            for path in flow.lacks { #expect(reply[path] == nil, "\(flow.name): \(path)") }
            let access = try #require(reply["access_token"])
            #expect(try await server.works(access, at: flow.host))
            #expect(server.simulator.counters.codeExchanges == 1)
        }
    }

    @Test("A refresh does to the refresh token what the facts say", arguments: PlayedFlow.all)
    func refresh(flow: PlayedFlow) async throws {
        try await PlayedServer.run([flow.name]) { server in
            let first = try await flow.connect(server)
            let (access, token) = (
                try #require(first["access_token"]), try #require(first["refresh_token"])
            )
            let reply = try await flow.refresh(token, server)
            #expect(reply.status == 200, "\(flow.name): \(reply.body)")
            let next = try #require(reply["access_token"], "\(flow.name): \(reply.body)")
            #expect(next != access)
            #expect(try await server.works(next, at: flow.host))
            #expect(try await server.works(access, at: flow.host) == !flow.endsAccess)
            switch flow.refresh {
            case .new: #expect(try #require(reply["refresh_token"]) != token)
            case .same: #expect(reply["refresh_token"] == token)
            case .absent: #expect(reply["refresh_token"] == nil)
            }
            let old = try await flow.refresh(token, server)
            switch flow.old {
            case .works:
                #expect(old.status == 200 && old["access_token"] != nil, "\(old.body)")
            case .dead: flow.expect(old, is: flow.unknown ?? flow.lost)
            case .grace(let seconds):
                #expect(old["refresh_token"] == reply["refresh_token"])
                server.simulator.advance(by: .seconds(seconds + 1))
                flow.expect(try await flow.refresh(token, server), is: flow.unknown ?? flow.lost)
            }
            if case .new = flow.refresh {
                let current = try #require(reply["refresh_token"])
                let again = try await flow.refresh(current, server)
                #expect(again["access_token"] != nil, "\(flow.name): \(again.body)")
            }
        }
    }

    @Test("A grant that is lost, and what only looks like it", arguments: PlayedFlow.all)
    func lost(flow: PlayedFlow) async throws {
        try await PlayedServer.run([flow.name]) { server in
            let token = try #require(try await flow.connect(server)["refresh_token"])
            if let wrong = flow.wrongSecret {
                flow.expect(try await flow.refresh(token, server, secret: "wrong"), is: wrong)
            } else {
                let reply = try await flow.refresh(token, server, secret: "wrong")
                #expect(reply["access_token"] == nil)
            }
            let provider = try #require(ProviderSimulator.Provider.named(flow.name))
            for answer in provider.answersThatLookLost {
                server.simulator.set(fault: .answer(answer.name), replies: 1)
                let reply = try await flow.refresh(token, server)
                #expect(reply.status == answer.status && reply["access_token"] == nil)
            }
            server.simulator.set(fault: .answer("no such answer"), replies: 1)
            #expect(try await flow.refresh(token, server).status == 501)
            // None of it hurt the grant.
            let fresh = try await flow.refresh(token, server)
            #expect(fresh["access_token"] != nil, "\(flow.name): \(fresh.body)")
            server.simulator.revoke(user: "ada")
            let last = fresh["refresh_token"] ?? token
            flow.expect(try await flow.refresh(last, server), is: flow.lost)
            if let unknown = flow.unknown {
                flow.expect(try await flow.refresh("nobody's", server), is: unknown)
            }
        }
    }

    @Test("A refresh token that is not used ends in its time", arguments: PlayedFlow.all)
    func lifetime(flow: PlayedFlow) async throws {
        try await PlayedServer.run([flow.name]) { server in
            let token = try #require(try await flow.connect(server)["refresh_token"])
            // What has no lifetime works after ten years, and the others to the last minute.
            server.simulator.advance(by: .seconds((flow.lifetime ?? 3650 * 86_400) - 60))
            #expect(try await flow.refresh(token, server)["access_token"] != nil)
            guard let lifetime = flow.lifetime else { return }
            let other = try #require(
                try await flow.connect(server, user: "eve")["refresh_token"])
            server.simulator.advance(by: .seconds(lifetime + 1))
            flow.expect(try await flow.refresh(other, server), is: flow.expired ?? flow.lost)
        }
    }

    @Test("Revocation", arguments: PlayedFlow.all)
    func revocation(flow: PlayedFlow) async throws {
        let provider = try #require(ProviderSimulator.Provider.named(flow.name))
        guard let revoke = flow.revoke else {
            #expect(provider.revocationURL == nil)
            #expect(provider.reasonForAbsence(of: .revocation) != nil)
            return
        }
        try await PlayedServer.run([flow.name]) { server in
            let reply = try await flow.connect(server)
            flow.expect(try await revoke.send(reply, server), is: revoke.ok)
            let (access, token) = (
                try #require(reply["access_token"]), try #require(reply["refresh_token"])
            )
            #expect(try await server.works(access, at: flow.host) == false)
            flow.expect(try await flow.refresh(token, server), is: flow.lost)
            let again = try await revoke.send(reply, server)
            if let expected = revoke.again { flow.expect(again, is: expected) }
            #expect(server.simulator.counters.revocations == 1)
            #expect(server.simulator.counters.revocationRequests == 2)
        }
    }

    @Test("All of them are served by one process, each under its own names")
    func together() async throws {
        try await PlayedServer.run(ProviderSimulator.Provider.all.map(\.name)) { server in
            for flow in PlayedFlow.all {
                let reply = try await flow.connect(server)
                let token = try #require(reply["refresh_token"], "\(flow.name): \(reply.body)")
                // A token of one is no token of another.
                let other = flow.name == "asana" ? PlayedFlow.zoom : .asana
                #expect(try await other.refresh(token, server)["access_token"] == nil)
                let minted = try #require(
                    try server.simulator.mint(1, user: "bob", provider: flow.name).first)
                let fresh = try await flow.refresh(minted.refreshToken, server)
                #expect(fresh["access_token"] != nil, "\(flow.name): \(fresh.body)")
            }
            #expect(try await server.send("GET", "nobody.example/token").status == 421)
            #expect(try await server.send("GET", "slack.com/nowhere").status == 404)
            #expect(try await server.send("PUT", "zoom.us/oauth/token").status == 405)
        }
    }
}

extension PlayedFlow {
    /// The host of the token endpoint.
    var host: String { String(token.prefix { $0 != "/" }) }

    /// Consents and exchanges the code.
    func connect(_ server: PlayedServer, user: String = "ada") async throws -> PlayedServer.Answer {
        var query = query
        var fields = ["grant_type": "authorization_code", "redirect_uri": Fixture.redirectURI]
        if hasPKCE {
            query.merge([
                "code_challenge": Fixture.challenge, "code_challenge_method": "S256",
            ]) { $1 }
            fields["code_verifier"] = Fixture.verifier
        }
        let callback = try await server.consent(authorize, query, user: user)
        let code: String = try #require(callback["code"], "\(name): \(callback)")
        fields["code"] = code
        let reply = try await ask(fields.merging(codeFields) { $1 }, server)
        #expect(reply.status == 200, "\(name): \(reply.body)")
        return reply
    }

    func refresh(
        _ token: String, _ server: PlayedServer, secret: String? = nil
    ) async throws -> PlayedServer.Answer {
        let fields = ["grant_type": "refresh_token", "refresh_token": token]
        return try await ask(fields.merging(refreshFields) { $1 }, server, secret: secret)
    }

    func ask(
        _ fields: [String: String], _ server: PlayedServer, secret: String? = nil
    ) async throws -> PlayedServer.Answer {
        let secret = secret ?? "s3cret"
        guard basic else {
            let client = ["client_id": "demo", "client_secret": secret]
            return try await server.send(
                "POST", token, fields.merging(client) { $1 }, json: json, headers: headers)
        }
        let header = HTTP.basic("demo", secret).merging(headers) { $1 }
        return try await server.send("POST", token, fields, json: json, headers: header)
    }

    func expect(_ reply: PlayedServer.Answer, is refused: Refused) {
        #expect(reply.status == refused.status, "\(name): \(reply.body)")
        for (path, value) in refused.body {
            #expect(reply[path] == value, "\(name): \(path) in \(reply.body)")
        }
        if refused.status != 200 || refused.body["error"] != nil {
            #expect(reply["access_token"] == nil)
        }
    }
}

extension PlayedFlow.Revoke {
    func send(
        _ tokens: PlayedServer.Answer, _ server: PlayedServer
    ) async throws -> PlayedServer.Answer {
        func filled(_ text: String) -> String {
            var text = text
            for (name, path) in [
                "access": "access_token", "refresh": "refresh_token",
                "stripe_user_id": "stripe_user_id",
            ] {
                text = text.replacing("{\(name)}", with: tokens[path] ?? "")
            }
            return text
        }
        return try await server.send(
            method, filled(address), fields?.mapValues(filled), json: json,
            headers: headers.mapValues(filled))
    }
}
