// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing

/// `provider discover`, `app add --issuer` and `app refresh-issuer`.
struct DiscoverTests {
    private static let issMember = "authorization_response_iss_parameter_supported"

    private func prepare(_ bench: Workbench) async throws {
        try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
        try bench.write("client.secret", Workbench.clientSecret + "\n")
    }

    private func add(
        _ bench: Workbench, _ more: [String] = [], status: Int32 = 0
    ) async throws -> Running.Output {
        try await bench.expect(
            ["app", "add", "demo", "--issuer", bench.simulator.baseURL, "--client-id", "demo"]
                + ["--client-secret-file", "client.secret", "--redirect-uri", bench.redirectURI]
                + bench.keyOptions + more, status: status)
    }

    private static func publish(
        _ bench: Workbench, _ members: [String: String]
    ) throws {
        try bench.simulator.change {
            $0.metadata.members = [.oauth: members, .openID: members]
        }
    }

    @Test func theDefinitionThatIsShownCanBeKept() async throws {
        try await Workbench.run { settings in
            settings.scopes = ["read", "offline_access"]
        } _: { bench in
            let base = bench.simulator.baseURL
            let shown = try await bench.expect(
                ["provider", "discover", base, "--allow-loopback-http"])
            #expect(shown.text.hasPrefix("# Discovered from \(base) on 20"))
            #expect(
                shown.text.contains(
                    "token_endpoint: \"\(base)/token\"  "
                        + "# \(base)/.well-known/oauth-authorization-server and "
                        + "\(base)/.well-known/openid-configuration\n"))
            #expect(shown.text.contains("refresh_scopes: [offline_access]  # scopes_supported of"))
            #expect(shown.text.contains("# Scopes (scopes_supported): offline_access read\n"))
            try bench.write("kept.yaml", shown.text)
            let checked = try await bench.expect(["provider", "check", "kept.yaml"])
            #expect(checked.text.contains("good"))
            try await prepare(bench)
            try await bench.expect(
                ["app", "add", "kept", "--provider", "kept.yaml", "--client-id", "demo"]
                    + ["--client-secret-file", "client.secret"]
                    + ["--redirect-uri", bench.redirectURI] + bench.keyOptions)
            let apps = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
            let object = try #require(try apps.objects().first)
            #expect(object["discovery"] == nil)
            let provider = try #require(object["provider"] as? [String: any Sendable])
            #expect(provider["token_endpoint"] as? String == "\(base)/token")
            #expect(provider["issuer"] as? String == base)
            #expect(provider[Self.issMember] as? Bool == true)
            #expect(provider["refresh_scopes"] as? [String] == ["offline_access"])
            let open = try await bench.expect(
                ["provider", "discover", base, "--public", "--allow-loopback-http"])
            #expect(open.text.contains("client_authentication: none"))
        }
    }

    @Test func whatCannotBeDiscoveredIsNamed() async throws {
        try await Workbench.run { bench in
            let base = bench.simulator.baseURL
            let refused = try await bench.expect(["provider", "discover", base], status: 78)
            #expect(refused.errors.contains("is on this machine"), "\(refused.errors)")
            for (issuer, status, text) in [
                ("https://a.example/?x", 64, "has a query or a fragment"),
                ("\(base)/elsewhere", 66, "publishes nothing about itself"),
                ("http://a.example", 64, "is not https"),
            ] as [(String, Int32, String)] {
                let output = try await bench.expect(
                    ["provider", "discover", issuer, "--allow-loopback-http"], status: status)
                #expect(output.errors.contains(text), "\(output.errors)")
                #expect(output.text.isEmpty)
            }
            try Self.publish(bench, ["issuer": "\"https://evil.example/\\u001b[2J\""])
            let other = try await bench.expect(
                ["provider", "discover", base, "--allow-loopback-http"], status: 65)
            #expect(other.errors.contains("issuer is no text"), "\(other.errors)")
            try Self.publish(bench, ["issuer": "\"https://evil.example/\\u202e\""])
            let reversed = try await bench.expect(
                ["provider", "discover", base, "--allow-loopback-http"], status: 78)
            #expect(reversed.errors.contains("\\u{202e}"), "\(reversed.errors)")
            #expect(reversed.errors.contains("not the \"\(base)\" that was asked for"))
        }
    }

    @Test(arguments: [false, true])
    func anApplicationComesFromItsIssuer(isServed: Bool) async throws {
        try await Workbench.run { settings in
            settings.scopes = ["read"]
        } _: { bench in
            try await prepare(bench)
            func live(_ bench: Workbench) async throws {
                let added = try await add(bench, ["--scope", "read"])
                #expect(added.text == "application demo added\n" && added.errors.isEmpty)
                try await bench.connect("anna")
                try await bench.expect(["refresh", "anna"] + bench.keyOptions)
                let apps = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
                let object = try #require(try apps.objects().first)
                let discovery = try #require(object["discovery"] as? [String: any Sendable])
                #expect((discovery["fetched"] as? String)?.hasPrefix("20") == true)
                #expect((discovery["documents"] as? [String])?.count == 2)
                let settings = try #require(discovery["settings"] as? [String])
                #expect(settings.contains("token_endpoint"))
                let provider = object["provider"] as? [String: any Sendable]
                #expect(provider?["name"] as? String == "demo")
                let again = try await bench.expect(
                    ["app", "refresh-issuer", "demo"] + bench.keyOptions)
                #expect(again.text.contains("says what it said before"))
            }
            if isServed {
                try await bench.serving { _ in try await live(bench) }
            } else {
                try await live(bench)
            }
        }
    }

    @Test func scopesThatAreNotListedAreWarnedOf() async throws {
        try await Workbench.run { settings in
            settings.scopes = ["read"]
        } _: { bench in
            try await prepare(bench)
            let added = try await add(bench, ["--scope", "write"])
            #expect(added.errors.contains("does not list the scope \"write\""), "\(added.errors)")
        }
    }

    @Test(arguments: [false, true])
    func aChangeHasToBeAccepted(isServed: Bool) async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            _ = try await add(bench)
            func change(_ bench: Workbench) async throws {
                try Self.publish(bench, ["token_endpoint": "\"http://127.0.0.1:9/token\""])
                let line =
                    "  token_endpoint: \(bench.simulator.baseURL)/token -> "
                    + "http://127.0.0.1:9/token  (needs approval)"
                let shown = try await bench.expect(
                    ["app", "refresh-issuer", "demo"] + bench.keyOptions, status: 78)
                #expect(shown.errors.contains(line), "\(shown.errors)")
                #expect(shown.errors.contains("--accept-change") && shown.text.isEmpty)
                let refused = try await add(bench, ["--replace"], status: 78)
                #expect(refused.errors.contains(line), "\(refused.errors)")
                let json = try await bench.expect(
                    ["app", "refresh-issuer", "demo", "--json"] + bench.keyOptions, status: 78)
                #expect(try json.objects().first?["adopted"] as? Bool == false)
                let before = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
                #expect(!before.text.contains("127.0.0.1:9/"))
                let taken = try await bench.expect(
                    ["app", "refresh-issuer", "demo", "--accept-change"] + bench.keyOptions)
                #expect(taken.text.contains("application demo: 1 setting changed"))
                try Self.publish(bench, [:])
                _ = try await add(bench, ["--replace", "--accept-change"])
                let after = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
                #expect(!after.text.contains("127.0.0.1:9/"))
            }
            if isServed {
                try await bench.serving { _ in try await change(bench) }
            } else {
                try await change(bench)
            }
        }
    }

    @Test func aDefinitionSaysTheRest() async throws {
        try await Workbench.run { bench in
            let base = bench.simulator.baseURL
            try await prepare(bench)
            try bench.write(
                "rest.yaml",
                """
                name: practice
                client_authentication: post
                rotation: never
                """)
            _ = try await add(bench, ["--provider", "rest.yaml"])
            let apps = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
            let object = try #require(try apps.objects().first)
            let provider = try #require(object["provider"] as? [String: any Sendable])
            #expect(provider["name"] as? String == "practice")
            #expect(provider["client_authentication"] as? String == "post")
            #expect(provider["rotation"] as? String == "never")
            #expect(provider["token_endpoint"] as? String == "\(base)/token")
            let settings =
                (object["discovery"] as? [String: any Sendable])?["settings"] as? [String]
            #expect(settings?.contains("client_authentication") == false)
            try await bench.connect("anna")
            try bench.write("other.yaml", "name: x\ntoken_endpoint: https://b.example/token\n")
            let refused = try await add(
                bench, ["--provider", "other.yaml", "--replace"], status: 78)
            #expect(refused.errors.contains("other.yaml:2: "), "\(refused.errors)")
            #expect(refused.errors.contains("https://b.example/token"), "\(refused.errors)")
            let broken = try await add(bench, ["--provider", "client.secret"], status: 65)
            #expect(broken.errors.contains("client.secret"))
            let both = try await add(bench, ["--token-url", "https://a.example"], status: 64)
            #expect(both.errors.contains("--issuer says where the endpoints are"))
            let method = try await add(bench, ["--auth", "post", "--replace"])
            #expect(method.text == "application demo replaced\n")
            let noSecret = try await bench.expect(
                ["app", "add", "x", "--issuer", base, "--client-id", "demo"]
                    + ["--redirect-uri", bench.redirectURI] + bench.keyOptions, status: 64)
            #expect(noSecret.errors.contains("which client secret?"))
        }
    }

    @Test func whatTheVaultDoesNotDoIsSaid() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            for (members, status, text) in [
                (
                    ["require_pushed_authorization_requests": "true"], 78,
                    "require_pushed_authorization_requests is true"
                ),
                (["response_types_supported": "[\"token\"]"], 78, "lacks code"),
                (["token_endpoint": "\"http://a.example/t\""], 78, "which is not https"),
                ([Self.issMember: "\"yes\""], 65, "is neither true nor false"),
            ] as [([String: String], Int32, String)] {
                try Self.publish(bench, members)
                let output = try await add(bench, status: status)
                #expect(output.errors.contains(text), "\(output.errors)")
            }
            let missing = try await bench.expect(
                ["app", "refresh-issuer", "demo"] + bench.keyOptions, status: 66)
            #expect(missing.errors.contains("application"))
        }
    }

    @Test func aKeyIsGoneOnWith() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            try bench.write("key.pem", SigningKeys.p256)
            let words =
                ["app", "add", "demo", "--issuer", bench.simulator.baseURL, "--client-id", "demo"]
                + ["--redirect-uri", bench.redirectURI] + bench.keyOptions
            try await bench.expect(words + ["--signing-key-file", "key.pem"])
            let again = try await bench.expect(
                ["app", "refresh-issuer", "demo"] + bench.keyOptions)
            #expect(again.text.contains("says what it said before"))
            let apps = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
            let object = try #require(try apps.objects().first)
            #expect(object["signing_key"] != nil)
            let provider = try #require(object["provider"] as? [String: any Sendable])
            #expect(provider["client_authentication"] as? String == "private_key_jwt")
            // Whoever says how it authenticates is not asked whether that is right.
            let secret = words + ["--client-secret-file", "client.secret", "--replace"]
            try await bench.expect(secret, status: 78)
            try await bench.expect(secret + ["--auth", "basic"])
            try await bench.expect(words + ["--signing-key-file", "key.pem", "--replace"])
        }
    }
}
