// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing

/// `tokenvault connect --jwt-bearer`.
struct JWTBearerTests {
    private static func registered(_ settings: inout ProviderSimulator.Settings) {
        let jwk =
            #"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
            + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#
        guard let key = try? ProviderSimulator.PublicKey(jwk: jwk) else { return }
        settings.clients[0].secret = nil
        settings.clients[0].publicKeys = [key]
        settings.clients[0].ownScopes = ["read", "write"]
        settings.clients[0].subjects = ["anna@a.example"]
    }

    private func prepare(_ bench: Workbench) async throws {
        try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
        try bench.write("key.pem", SigningKeys.p256)
        try bench.write(
            "bearer.yaml",
            """
            name: practice
            token_endpoint: \(bench.simulator.baseURL)/token
            revocation_endpoint: \(bench.simulator.baseURL)/revoke
            client_authentication: none
            assertion_claims: { scope: "{scope}" }
            """)
    }

    private let add = [
        "app", "add", "api", "--provider", "bearer.yaml", "--client-id", "demo",
    ]
    private let connect = [
        "connect", "anna", "--app", "api", "--jwt-bearer", "--subject", "anna@a.example",
    ]

    @Test(arguments: [false, true])
    func connectsWithoutABrowser(isServed: Bool) async throws {
        try await Workbench.run(Self.registered) { bench in
            try await prepare(bench)
            func life(_ options: [String]) async throws {
                let keyless = try await bench.expect(add + options, status: 64)
                #expect(keyless.errors.contains("which signing key?"), "\(keyless.errors)")
                try await bench.expect(
                    add + ["--signing-key-file", "key.pem", "--key-id", ""] + options)
                let refused = try await bench.expect(
                    connect.dropLast() + ["eve", "--scope", "read"] + options, status: 78)
                #expect(
                    refused.errors.contains("has not allowed the application there"),
                    "\(refused.errors)")
                let first = try await bench.expect(["status", "anna"] + options)
                #expect(first.text.contains("  subject               eve"), "\(first.text)")
                #expect(first.text.contains("connect --jwt-bearer"), "\(first.text)")
                let scope = try await bench.expect(
                    connect + ["--scope", "all"] + options, status: 78)
                #expect(scope.errors.contains("the provider refuses the scopes"))
                let done = try await bench.expect(connect + ["--scope", "read"] + options)
                #expect(done.text == "connected anna\n" && done.errors.isEmpty, "\(done.errors)")
                let shown = try await bench.expect(["status", "anna"] + options)
                #expect(shown.text.contains("  grant                 JWT bearer"))
                #expect(shown.text.contains("  next request          "))
                let json = try await bench.expect(["status", "anna", "--json"] + options)
                let form = try #require(json.objects().first)
                #expect(form["grant"] as? String == "jwt_bearer")
                #expect(form["subject"] as? String == "anna@a.example")
                #expect(form["granted_scope"] as? String == "read")
                try await bench.expect(["refresh", "anna"] + options)
                try await bench.expect(["disconnect", "anna"] + options)
            }
            if isServed {
                try await bench.serving { _ in try await life([]) }
            } else {
                try await life(bench.keyOptions)
            }
            let counters = bench.simulator.counters
            #expect(counters.clientTokens == 2 && counters.assertionsReplayed == 0)
        }
    }

    @Test func saysWhatIsMissing() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            try bench.write("client.secret", Workbench.clientSecret)
            try await bench.expect(
                ["app", "add", "api", "--client-id", "demo"]
                    + ["--client-secret-file", "client.secret"]
                    + ["--token-url", "\(bench.simulator.baseURL)/token"] + bench.keyOptions)
            for (words, text) in [
                (connect, "no assertion_claims: add it"),
                (connect + ["--client-credentials"], "give one of --client-credentials"),
                (connect + ["--paste"], "--jwt-bearer sends nobody to a browser"),
                (connect.dropLast() + [""], "--subject is a text of 1 to 1024 bytes"),
                (
                    ["connect", "anna", "--app", "api", "--subject", "x"],
                    "--subject goes with --jwt-bearer"
                ),
            ] as [([String], String)] {
                let refused = try await bench.expect(words + bench.keyOptions, status: 64)
                #expect(refused.errors.contains(text), "\(refused.errors)")
            }
        }
    }

    @Test func triesADefinition() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            let shown = try await bench.expect(["provider", "try", "bearer.yaml"])
            #expect(shown.text.contains("assertion=ASSERTION"), "\(shown.text)")
            #expect(shown.text.contains("iss=CLIENT_ID, sub=SUBJECT, aud="), "\(shown.text)")
        }
    }
}
