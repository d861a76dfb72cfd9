// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// The commands in the order of a connection's life.
struct LifeTests {
    @Test func aConnectionLivesAndEnds() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let apps = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
            let app = try #require(apps.objects().first)
            #expect(app["id"] as? String == "demo")
            #expect(app["has_client_secret"] as? Bool == true)
            #expect(app["redirect_uri"] as? String == bench.redirectURI)

            try await bench.connect("anna")
            var list = try await bench.expect(["list", "--json"] + bench.keyOptions)
            #expect(try list.objects().map { $0["light"] as? String } == ["yellow"])
            list = try await bench.expect(["list"] + bench.keyOptions)
            #expect(list.text.hasPrefix("LIGHT   ID    APPLICATION"))
            #expect(list.text.contains("yellow  anna  demo"))

            let token = try await bench.token("anna")
            #expect(try await bench.works(token))

            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
            let newer = try await bench.token("anna")
            #expect(newer != token)
            let status = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            let object = try #require(status.objects().first)
            #expect(object["refresh_count"] as? Int == 1)
            #expect(object["expiry_source"] as? String == "expires_in")
            #expect((object["expires"] as? String)?.hasSuffix("Z") == true)
            let human = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(human.text.hasPrefix("yellow  anna\n"))
            #expect(human.text.contains("  learnt from           expires_in\n"))
            #expect(object["end_cause"] as? String == "idle" && object["dies_at"] != nil)
            let end = human.text.split(separator: "\n").first { $0.contains("connect again by") }
            #expect(end?.contains("(in 89 days)") == true)
            #expect(human.text.contains("  because               the provider drops a token"))

            let receipt = try await bench.expect(
                ["disconnect", "anna", "--json"] + bench.keyOptions)
            let done = try #require(receipt.objects().first)
            #expect(done["refresh_token"] as? String == "revoked")
            #expect(done["access_token"] as? String == "revoked")
            #expect(done["erased_slots"] as? Int == 1)
            #expect(try await !bench.works(newer))
            try await bench.expect(["token", "anna"] + bench.keyOptions, status: 66)
            try await bench.expect(["disconnect", "anna"] + bench.keyOptions, status: 66)

            let log = try await bench.expect(["log", "anna", "--json"] + bench.keyOptions)
            #expect(
                try log.objects().map { $0["event"] as? String } == [
                    "connectStarted", "connected", "disconnectStarted", "disconnected",
                ])
            let newest = try await bench.expect(["log", "anna", "--limit", "1"] + bench.keyOptions)
            #expect(newest.text.hasSuffix("  disconnected  1 slot erased\n"))
            try await bench.expect(["app", "remove", "demo"] + bench.keyOptions)
            try await bench.expect(["app", "remove", "demo"] + bench.keyOptions, status: 66)
        }
    }

    @Test func aDisconnectThatCouldNotRevokeSaysSoFirst() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.connect("bert")
            try await bench.connect("carl")
            let token = try await bench.token("anna")
            bench.simulator.set(
                fault: .status(503, retryAfter: nil), replies: nil, endpoint: .revoke)
            let output = try await bench.expect(
                ["disconnect", "anna"] + bench.keyOptions, status: 69)
            #expect(
                output.text.hasPrefix(
                    "disconnected anna, but the provider did not revoke all of its tokens: they "
                        + "live on there\n"))
            #expect(output.text.contains("failed (HTTP 503)"))
            #expect(
                output.errors.contains(
                    "anna: erased here, but not revoked at the provider: it is busy, or has a "
                        + "fault of its own (HTTP 503): "))
            #expect(try await bench.works(token))
            try await bench.expect(["token", "anna"] + bench.keyOptions, status: 66)
            let json = try await bench.expect(
                ["disconnect", "bert", "--json"] + bench.keyOptions, status: 69)
            #expect(try json.objects().first?["tokens_live_on"] as? Bool == true)
            bench.simulator.set(fault: nil, endpoint: .revoke)
            let revoked = try await bench.expect(
                ["disconnect", "carl", "--json"] + bench.keyOptions)
            #expect(try revoked.objects().first?["tokens_live_on"] as? Bool == false)
        }
    }

    @Test func whatNobodyCanRevokeLivesOn() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.connect("bert")
            try await bench.connect("bert")
            let earlier = try await bench.expect(
                ["disconnect", "bert"] + bench.keyOptions, status: 69)
            #expect(
                earlier.text.hasPrefix(
                    "disconnected bert, but 1 earlier grant may live on at the provider\n"))
            #expect(earlier.errors.contains("look on its page of connected applications"))
            let endpoints = [
                "--authorize-url", "\(bench.simulator.baseURL)/authorize", "--token-url",
                "\(bench.simulator.baseURL)/token",
            ]
            try await bench.expect(
                ["app", "add", "demo", "--replace", "--client-id", "demo"] + endpoints
                    + ["--client-secret-file", "client.secret", "--redirect-uri"]
                    + [bench.redirectURI] + bench.keyOptions)
            let token = try await bench.token("anna")
            let output = try await bench.expect(
                ["disconnect", "anna", "--json"] + bench.keyOptions, status: 69)
            let receipt = try #require(output.objects().first)
            #expect(receipt["tokens_live_on"] as? Bool == true)
            #expect(receipt["access_token_expires"] is String)
            #expect(
                output.errors.contains(
                    "it has no revocation endpoint, or does not revoke such tokens: end the grant "
                        + "on the provider's own page; otherwise the access token works until "))
            #expect(try await bench.works(token))
        }
    }

    @Test(arguments: [
        (404, "there is no revocation endpoint at the address that was asked (HTTP 404)"),
        (403, "it refused (HTTP 403): see there whether the application may revoke"),
    ]) func aRevocationEndpointThatRefusesIsNotDown(_ status: Int, _ text: String) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            bench.simulator.set(
                fault: .status(status, retryAfter: nil), replies: nil, endpoint: .revoke)
            let output = try await bench.expect(
                ["disconnect", "anna"] + bench.keyOptions, status: 69)
            #expect(output.errors.contains(text))
        }
    }

    @Test func theBrowserComesBackToTheCommand() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let command = try bench.start(
                ["connect", "anna", "--app", "demo"] + bench.keyOptions, input: .text(""))
            let url = try await command.line { $0.hasPrefix("http") }
            let callback = try bench.simulator.approve(url)
            // Anybody on this machine may knock; the flow waits for its own callback.
            let address = "http://127.0.0.1:\(bench.port)"
            #expect(try await bench.curl(address + "/favicon.ico").hasPrefix("HTTP/1.1 404"))
            #expect(try await bench.curl(address + "/callback/demo").hasPrefix("HTTP/1.1 400"))
            #expect(
                try await bench.curl(address + "/callback/demo?state=x&code=y")
                    .hasPrefix("HTTP/1.1 400"))
            #expect(try await bench.curl("-d a=b " + callback).hasPrefix("HTTP/1.1 405"))
            let page = try await bench.curl(callback)
            #expect(page.hasPrefix("HTTP/1.1 200 OK"))
            #expect(page.contains("Authorization completed"))
            #expect(page.contains("Referrer-Policy: no-referrer"))
            let output = await command.end()
            #expect(output.status == 0)
            #expect(output.text.hasSuffix("connected anna\n"))
            #expect(output.errors.contains("was refused; still waiting"))
            #expect(try await bench.works(bench.token("anna")))
        }
    }

    @Test func aRefusalEndsTheFlow() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let command = try bench.start(
                ["connect", "anna", "--app", "demo"] + bench.keyOptions, input: .text(""))
            let url = try await command.line { $0.hasPrefix("http") }
            let state = try #require(
                URLComponents(string: url)?.queryItems?
                    .first { $0.name == "state" }?.value)
            let page = try await bench.curl(
                "\(bench.redirectURI)?error=access_denied&state=\(state)")
            #expect(page.contains("Authorization failed"))
            #expect(await command.end().status == 79)
            try await bench.expect(["token", "anna"] + bench.keyOptions, status: 79)
        }
    }

    @Test func aPastedAddressNeedsItsQuery() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let connect = ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions
            try await bench.expect(connect, status: 65, input: bench.redirectURI + "\n")
            try await bench.expect(connect, status: 65, input: "\n")
            let wrong = bench.redirectURI + "?code=x&state=y\n"
            try await bench.expect(connect, status: 65, input: wrong)
        }
    }

    @Test func secretsComeByDescriptorToo() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let add =
                ["app", "add", "other", "--authorize-url", bench.simulator.baseURL + "/authorize"]
                + ["--token-url", bench.simulator.baseURL + "/token", "--auth", "post"]
                + ["--client-id", "demo", "--redirect-uri", bench.redirectURI]
            try await bench.expect(
                add + ["--client-secret-fd", "0"] + bench.keyOptions,
                input: Workbench.clientSecret + "\n")
            try await bench.expect(
                add + ["--client-secret-fd", "0"] + bench.keyOptions, status: 73,
                input: Workbench.clientSecret)
            let command = try bench.start(
                ["connect", "anna", "--app", "other", "--paste"] + bench.keyOptions, input: .open)
            let url = try await command.line { $0.hasPrefix("http") }
            try command.type(bench.simulator.approve(url) + "\n")
            #expect(await command.end().status == 0)
        }
    }

    @Test func aTokenIsRefreshedForWhoeverNeedsItLonger() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            let token = try await bench.token("anna")
            #expect(try await bench.token("anna", ["--min-ttl", "60"]) == token)
            try bench.simulator.change { $0.accessLifetime = .seconds(7200) }
            #expect(try await bench.token("anna", ["--min-ttl", "5000"]) != token)
        }
    }
}

extension Workbench {
    /// The token that the command prints.
    func token(_ id: String, _ options: [String] = []) async throws -> String {
        let output = try await run(["token", id] + options + keyOptions, showsToken: true)
        #expect(output.status == 0, "\(output.errors)")
        #expect(output.text.hasSuffix("\n"))
        return String(output.text.dropLast())
    }

    /// Whether the provider takes a token.
    func works(_ token: String) async throws -> Bool {
        let head = try await curl(
            "-H @- \(simulator.baseURL)/userinfo", "Authorization: Bearer \(token)")
        return head.hasPrefix("HTTP/1.1 200")
    }

    /// What curl shows of an answer, its head first. The arguments stand in one text.
    func curl(_ arguments: String, _ input: String = "") async throws -> String {
        let words =
            ["curl", "-sS", "-i", "--max-time", "20"]
            + arguments.split(separator: " ").map(String.init)
        let running = try Running(words, in: folder, input: .text(input), environment: [:])
        return await running.end().text
    }
}
