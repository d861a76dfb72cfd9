// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// What a definition leaves open, given on the command line.
struct VariablesTests {
    private func prepare(_ bench: Workbench, _ more: [String] = []) async throws {
        try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
        try bench.write("client.secret", Workbench.clientSecret + "\n")
        try bench.write("mine.secret", "other-secret\n")
        try bench.write(
            "open.yaml",
            """
            name: practice
            authorization_endpoint: "{server}/authorize"
            token_endpoint: "{server}/token"
            revocation_endpoint: "{server}/revoke"
            variables:
              server: { host_suffixes: [127.0.0.1] }
              region: { default: eu, pattern: "[a-z]+" }
            resource_hosts: ["api.{region}.example.com"]
            captured_from_callback: { realm: realmId }
            """)
        try await bench.expect(
            ["app", "add", "demo", "--provider", "open.yaml", "--client-id", "demo"]
                + ["--client-secret-file", "client.secret", "--redirect-uri", bench.redirectURI]
                + bench.keyOptions + more)
    }

    private func connect(_ bench: Workbench, _ id: String, _ more: [String]) async throws {
        let command = try bench.start(
            ["connect", id, "--app", "demo", "--paste"] + more + bench.keyOptions, input: .open)
        let url = try await command.line { $0.hasPrefix("http") }
        try command.type(bench.simulator.approve(url) + "&realmId=4711\n")
        let output = await command.end()
        #expect(output.status == 0, "\(output.errors)")
    }

    @Test func aConnectionHasValuesOfItsOwn() async throws {
        try await Workbench.run { bench in
            let server = bench.simulator.baseURL
            try await prepare(bench)
            let missing = try await bench.expect(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, status: 64)
            #expect(missing.errors.contains("a value is missing"), "\(missing.errors)")
            for (value, text) in [
                (
                    "server=https://evil.example/#",
                    "server: \"https://evil.example/#\" is not https"
                ),
                ("server=https://evil.example", "is not at 127.0.0.1 or under it"),
                ("region=EU", "region: \"EU\" is not a value that matches [a-z]+"),
                ("shop=x", "shop: \"x\" is not one of region, server"),
                ("server", "--set takes name=value"),
            ] {
                let refused = try await bench.expect(
                    ["connect", "anna", "--app", "demo", "--paste", "--set", value]
                        + bench.keyOptions, status: 64)
                #expect(refused.errors.contains(text), "\(refused.errors)")
            }
            try await connect(bench, "anna", ["--set", "server=\(server)", "--hide", "realm"])
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
            let shown = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(shown.text.contains("  values                region=eu, server=\(server)\n"))
            #expect(shown.text.contains("  captured              realm=4711 (hidden)\n"))
            #expect(shown.text.contains("  hosts of the API      api.eu.example.com\n"))
            let status = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            let object = try #require(status.objects().first)
            #expect(object["variables"] as? [String: String] == ["region": "eu", "server": server])
            #expect(object["captured"] as? [String: String] == ["realm": "4711"])
            #expect(object["hidden_names"] as? [String] == ["realm"])
            let receipt = try await bench.expect(
                ["disconnect", "anna", "--json"] + bench.keyOptions)
            #expect(try receipt.objects().first?["refresh_token"] as? String == "revoked")
        }
    }

    @Test func anApplicationHasValuesForAll() async throws {
        try await Workbench.run { bench in
            let server = bench.simulator.baseURL
            try await prepare(bench, ["--set", "server=\(server)", "--set", "region=us"])
            let apps = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
            let values = try apps.objects().first?["values"] as? [String: String]
            #expect(values == ["region": "us", "server": server])
            try await bench.serving { _ in
                try await connect(bench, "anna", [])
                try await bench.expect(["refresh", "anna"] + bench.keyOptions)
                let status = try await bench.expect(
                    ["status", "anna", "--json"] + bench.keyOptions)
                let object = try #require(status.objects().first)
                #expect((object["variables"] as? [String: String])?["region"] == "us")
                #expect(object["resource_hosts"] as? [String] == ["api.us.example.com"])
            }
            let refused = try await bench.expect(
                ["app", "add", "other", "--provider", "open.yaml", "--client-id", "demo"]
                    + ["--client-secret-file", "client.secret", "--set", "region=US"]
                    + ["--redirect-uri", bench.redirectURI] + bench.keyOptions, status: 64)
            #expect(refused.errors.contains("--set region: \"US\" is not"), "\(refused.errors)")
        }
    }

    @Test func aConnectionHasAClientOfItsOwn() async throws {
        try await Workbench.run { settings in
            let uris = settings.clients.flatMap(\.redirectURIs)
            settings.clients.append(
                .init(id: "mine", secret: "other-secret", redirectURIs: uris))
        } _: { bench in
            try await prepare(bench, ["--set", "server=\(bench.simulator.baseURL)"])
            try await bench.serving { _ in
                try await connect(
                    bench, "anna", ["--client-id", "mine", "--client-secret-file", "mine.secret"])
                try await bench.expect(["refresh", "anna"] + bench.keyOptions)
            }
            try await connect(bench, "bert", [])
            try await bench.expect(["refresh", "bert"] + bench.keyOptions)
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
            try await bench.expect(
                ["connect", "anna", "--app", "demo", "--client-secret-file", "mine.secret"]
                    + bench.keyOptions, status: 64)
            try await bench.expect(["disconnect", "anna"] + bench.keyOptions)
        }
    }
}
