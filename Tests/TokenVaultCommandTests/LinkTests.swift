// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing
import TokenVault

@testable import TokenVaultCommand

/// `tokenvault link`, `tokenvault flow` and `tokenvault callback`.
struct LinkTests {
    private static let seven = [
        "--instance-id", "i 1", "--instance-name", "Eins", "--integration-id", "g1",
        "--integration-name", "CRM", "--required-config-variable-id", "r1",
        "--required-config-variable-key", "crm",
    ]
    private static let query =
        "instanceId=i%201&instanceName=Eins&integrationId=g1&integrationName=CRM"
        + "&requiredConfigVariableId=r1&requiredConfigVariableKey=crm&id="

    private func base(_ bench: Workbench) -> String { "http://127.0.0.1:\(bench.port)" }

    private func token(_ url: String, _ bench: Workbench) throws -> String {
        let start = base(bench) + "/connect/"
        try #require(url.hasPrefix(start), "\(url)")
        let token = String(url.dropFirst(start.count))
        #expect(token.utf8.count == 43)
        return token
    }

    /// The vault itself, in this process.
    private func opened(_ bench: Workbench, _ body: (Vault) async throws -> Void) async throws {
        var settings = Vault.Settings()
        settings.allowsLoopbackHTTP = true
        let vault = try Vault.open(
            at: bench.folder.appending(path: "v").path,
            rootKey: .file(bench.folder.appending(path: "v.key").path), settings: settings)
        defer { vault.close() }
        try await vault.ready()
        try await body(vault)
    }

    /// Signs in at the provider; the query that comes back.
    private func callback(_ bench: Workbench, _ url: String) throws -> Secret {
        let address = try bench.simulator.approve(url)
        return try Secret(text: String(address.drop { $0 != "?" }.dropFirst()))
    }

    @Test func aLinkOutlivesTheProcessThatMadeIt() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try bench.write(
                "serve.yaml",
                """
                vault: v
                listen: 127.0.0.1:\(bench.port)
                success_redirects: [https://platform.example/ok]
                failure_redirects: [https://platform.example/no]
                """)
            var made: [String: any Sendable] = [:]
            try await bench.serving(["--config", "serve.yaml"]) { _ in
                let link =
                    ["link", "anna", "--app", "demo", "--json"]
                    + ["--success", "https://platform.example/ok"]
                    + ["--failure", "https://platform.example/no", "--failure-carries-error"]
                    + Self.seven + ["--user-config-variable-id", "u1"]
                let output = try await bench.expect(link)
                #expect(output.errors.isEmpty)
                made = try #require(output.objects().first)
                let unconfirmed = try await bench.expect(
                    ["link", "anna", "--app", "demo", "--confirm"], status: 78)
                #expect(unconfirmed.errors.contains("leads to confirmation_url"))
                for (option, other) in [("--success", "ok"), ("--failure", "no")] {
                    let refused = try await bench.expect(
                        ["link", "anna", "--app", "demo", option]
                            + ["https://platform.example/\(other)/"], status: 77)
                    #expect(
                        refused.errors.contains(
                            "\(option) is not in \(option.dropFirst(2))_redirects of the file"))
                }
            }
            let token = try token(try #require(made["url"] as? String), bench)
            #expect((made["flow"] as? String)?.utf8.count == 43)
            // Another process shows its page, which a look at uses nothing up of.
            let url = try #require(made["url"] as? String)
            try await bench.serving(["--config", "serve.yaml"]) { _ in
                let page = try Running(
                    ["curl", "-s", "-w", "%{http_code}", url], in: bench.folder, input: .text(""),
                    environment: [:])
                let shown = await page.end().text
                #expect(shown.hasSuffix("200") && shown.contains("method=\"post\""), "\(shown)")
            }
            try await opened(bench) { vault in
                let target = try #require(try await vault.target(ofLink: token))
                #expect(target.connection.text == "anna" && target.redirectURI == bench.redirectURI)
                let redirects = try #require(target.redirects)
                #expect(redirects.success == "https://platform.example/ok")
                #expect(redirects.failure == "https://platform.example/no")
                #expect(redirects.parameters?.query == Self.query + "u1")
                #expect(redirects.failureCarriesError)
                #expect(made["expires"] as? String == target.expires.text)
                let request = try await vault.open(link: token, browserBinding: nil)
                try await vault.complete(callbackQuery: callback(bench, request.url))
                #expect(try vault.status(ConnectionID("anna"))?.light == .yellow)
                #expect(try await vault.target(ofLink: token) == nil)
            }
        }
    }

    @Test func withoutAServeTheHostIsGiven() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let link = ["link", "anna", "--app", "demo"] + bench.keyOptions
            let missing = try await bench.expect(link, status: 64)
            #expect(missing.errors.contains("give --base-url"), "\(missing.errors)")
            let other = try await bench.expect(
                link + ["--base-url", "http://127.0.0.1:1"], status: 64)
            #expect(other.errors.contains("the link has to be at the host of the callback"))
            // The origin alone is not enough: the callback is not below this path.
            let below = try await bench.expect(
                link + ["--base-url", base(bench) + "/oauth"], status: 64)
            #expect(below.errors.contains("the link has to be at the host of the callback"))
            for wrong in [
                "127.0.0.1", "http://a.example", base(bench) + "/", "https://a.example/?x",
            ] {
                let refused = try await bench.expect(link + ["--base-url", wrong], status: 64)
                #expect(refused.errors.contains("--base-url is https://"), "\(refused.errors)")
            }
            let made = try await bench.expect(
                link + ["--base-url", base(bench), "--success", "https://a.example/ok"]
                    + ["--parameter", "customer=7 & 8", "--parameter", "step=2"])
            #expect(made.errors.contains("works once a `serve` at that host"))
            let token = try token(made.text.trimmingCharacters(in: .newlines), bench)
            try await opened(bench) { vault in
                let target = try #require(try await vault.target(ofLink: token))
                #expect(
                    target.redirects?.parameters?.query == "customer=7%20%26%208&step=2")
            }
            // A file says the same, and which redirects are allowed.
            try bench.write(
                "serve.yaml",
                """
                key_file: v.key
                allow_loopback_http: true
                listen: 127.0.0.1:\(bench.port)
                """)
            let byFile = ["link", "anna", "--app", "demo", "--config", "serve.yaml"]
            let second = try await bench.expect(byFile)
            _ = try self.token(second.text.trimmingCharacters(in: .newlines), bench)
            let refused = try await bench.expect(
                byFile + ["--success", "https://a.example/ok"], status: 77)
            #expect(refused.errors.contains("success_redirects"))
            try bench.write(
                "serve.yaml",
                """
                key_file: v.key
                allow_loopback_http: true
                listen: 127.0.0.1:\(try freePort())
                """)
            let elsewhere = try await bench.expect(byFile, status: 78)
            #expect(elsewhere.errors.contains("which `serve` does not answer"))
            let unserved = try await bench.expect(
                byFile + ["--base-url", base(bench)], status: 64)
            #expect(unserved.errors.contains("none of the hosts that `serve` has"))
        }
    }

    @Test func parametersAreWholeOrRefused() async throws {
        try await Workbench.run { bench in
            let link = ["link", "anna", "--app", "demo", "--success", "https://a.example/ok"]
            let id = ["--instance-config-variable-id", "x"]
            for (options, text) in [
                (Array(Self.seven.dropFirst(2)) + id, "--instance-id is missing"),
                (
                    Self.seven,
                    "--instance-config-variable-id or --user-config-variable-id is missing"
                ),
                (Self.seven + id + ["--user-config-variable-id", "y"], "give one of"),
                (Self.seven + id + ["--parameter", "a=b"], "give the seven, or your own"),
                (["--parameter", "a"], "takes name=value"),
                (["--parameter", "error=b"], "not error"),
                (["--parameter", "a=b", "--parameter", "a=c"], "each once"),
                ((0...16).flatMap { ["--parameter", "a\($0)=b"] }, "up to 16 names"),
                (["--parameter", "a=" + String(repeating: "x", count: 257)], "at most 256 bytes"),
                (["--failure-carries-error"], "goes with --failure"),
                (["--failure", "https://a.example/no?x=1"], "--failure is an absolute https://"),
            ] {
                let refused = try await bench.expect(link + options, status: 64)
                #expect(refused.errors.contains(text), "\(options): \(refused.errors)")
            }
            let alone = try await bench.expect(
                ["link", "anna", "--app", "demo", "--parameter", "a=b"], status: 64)
            #expect(alone.errors.contains("parameters go with --success or --failure"))
        }
    }

    /// The code is exchanged when the platform says so, and not before.
    @Test func aFlowIsConfirmedOrDropped() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let link =
                ["link", "anna", "--app", "demo", "--base-url", base(bench), "--json", "--confirm"]
            try await bench.controlling { _, vault, server in
                let anna = try ConnectionID("anna")
                for (verb, said) in [("drop", "dropped"), ("confirm", "connected anna")] {
                    let made = try #require(try await bench.expect(link).objects().first)
                    let flow = try #require(made["flow"] as? String)
                    let early = try await bench.expect(["flow", verb, flow], status: 79)
                    #expect(early.errors.contains("no callback of this flow waits"))
                    let request = try await vault.open(
                        link: token(try #require(made["url"] as? String), bench),
                        browserBinding: nil)
                    let held = try await vault.hold(callbackQuery: callback(bench, request.url))
                    #expect(held.text == flow)
                    #expect(bench.simulator.counters.tokenRequests == 0)
                    let ended = try await bench.expect(["flow", verb, flow])
                    #expect(ended.text == said + "\n")
                    try await bench.expect(["flow", verb, flow], status: 79)
                }
                #expect(try vault.status(anna)?.light == .yellow)
                try await bench.expect(["flow", "confirm", "nonsense"], status: 64)
                #expect(await server.finish(by: Deadline.after(milliseconds: 60_000)))
            }
        }
    }

    /// A file of `serve` with two regions and a custom domain.
    private static func threeHosts(_ port: some BinaryInteger) -> String {
        """
        key_file: v.key
        allow_loopback_http: true
        listen: 127.0.0.1:\(port)
        hosts:
          domain: a.example
          regions: [us, eu-west-1]
          custom_domains: [login.b.example]
        plain_callback_applications: [opted]
        """
    }

    @Test func callbacksAreListed() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try bench.write(
                "iss.yaml",
                """
                name: careful
                authorization_endpoint: \(bench.simulator.baseURL)/authorize
                token_endpoint: \(bench.simulator.baseURL)/token
                issuer: \(bench.simulator.baseURL)
                authorization_response_iss_parameter_supported: true
                """)
            for (id, provider, uri) in [
                ("crm", "demo.yaml", "https://oauth2.eu-west-1.a.example/callback/crm"),
                ("plain", "demo.yaml", "https://oauth2.a.example/callback"),
                ("opted", "demo.yaml", "https://oauth2.a.example/callback"),
                ("safe", "iss.yaml", "https://oauth2.a.example/callback"),
            ] {
                try await bench.expect(
                    ["app", "add", id, "--provider", provider, "--client-id", "c"]
                        + ["--client-secret-file", "client.secret", "--redirect-uri", uri]
                        + bench.keyOptions)
            }
            try bench.write("serve.yaml", Self.threeHosts(bench.port))
            let list = ["callback", "list", "--config", "serve.yaml"]
            let output = try await bench.expect(list + ["--json"])
            let found = try output.objects()
            let served = Dictionary(
                uniqueKeysWithValues: found.map {
                    ($0["application"] as? String ?? "", $0["served"] as? Bool ?? false)
                })
            #expect(
                served == [
                    "crm": true, "demo": false, "opted": true, "plain": false, "safe": true,
                ])
            let hosts = ["oauth2.a.example", "oauth2.eu-west-1.a.example", "login.b.example"]
            #expect(
                found[0]["possible"] as? [String] == hosts.map { "https://\($0)/callback/crm" })
            #expect(
                found[4]["possible"] as? [String]
                    == hosts.map { "https://\($0)/callback/safe" }
                    + hosts.map { "https://\($0)/callback" })
            let warnings = output.errors.split(separator: "\n")
            #expect(warnings.count == 2)
            #expect(
                warnings.first?.hasPrefix(
                    "tokenvault: warning: opted: the plain /callback is served") == true)
            #expect(
                warnings.last?.hasPrefix(
                    "tokenvault: warning: plain: the plain /callback is not served") == true)
            #expect(
                warnings.last?.contains("register https://oauth2.a.example/callback/plain") == true)
            let table = try await bench.expect(list).text
            #expect(
                table.contains("registered, served") && table.contains("registered, not served"))
            // A process that serves knows its own hosts.
            try await bench.serving(["--listen", "127.0.0.1:\(bench.port)"]) { _ in
                let own = try await bench.expect(["callback", "list", "--json"])
                let demo = try #require(
                    try own.objects().first { $0["application"] as? String == "demo" })
                #expect(demo["served"] as? Bool == true)
                #expect((demo["possible"] as? [String])?.first == bench.redirectURI)
            }
        }
    }
}
