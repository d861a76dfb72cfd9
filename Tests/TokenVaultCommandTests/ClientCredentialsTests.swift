// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// `tokenvault connect --client-credentials`.
struct ClientCredentialsTests {
    private func prepare(_ bench: Workbench) async throws {
        try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
        try bench.write("client.secret", Workbench.clientSecret + "\n")
        // No redirect URI, and no authorization endpoint.
        try await bench.expect(
            ["app", "add", "api", "--client-id", "demo", "--client-secret-file", "client.secret"]
                + ["--token-url", "\(bench.simulator.baseURL)/token"]
                + ["--revoke-url", "\(bench.simulator.baseURL)/revoke"] + bench.keyOptions)
    }

    @Test func connectsWithoutABrowser() async throws {
        try await Workbench.run {
            $0.clients[0].ownScopes = ["read", "write"]
        } _: { bench in
            try await prepare(bench)
            let connect = ["connect", "reports", "--app", "api", "--client-credentials"]
            let refused = try await bench.expect(
                connect + ["--scope", "all"] + bench.keyOptions, status: 78)
            #expect(refused.errors.contains("the provider refuses the scopes"))
            #expect(refused.errors.contains("by itself"))
            let first = try await bench.expect(["status", "reports"] + bench.keyOptions)
            #expect(first.text.contains("connect --client-credentials"), "\(first.text)")
            let done = try await bench.expect(connect + ["--scope", "read"] + bench.keyOptions)
            #expect(done.text == "connected reports\n" && done.errors.isEmpty, "\(done.errors)")
            let shown = try await bench.expect(["status", "reports"] + bench.keyOptions)
            #expect(shown.text.contains("  grant                 client credentials"))
            #expect(shown.text.contains("  next request          "))
            let json = try await bench.expect(["status", "reports", "--json"] + bench.keyOptions)
            #expect(try json.objects().first?["grant"] as? String == "client_credentials")
            try await bench.expect(["refresh", "reports"] + bench.keyOptions)
            #expect(bench.simulator.counters.clientTokens == 2)
            let flow = try await bench.expect(
                ["connect", "reports", "--app", "api", "--paste"] + bench.keyOptions, status: 64)
            #expect(flow.errors.contains("no authorization endpoint"), "\(flow.errors)")
            let receipt = try await bench.expect(
                ["disconnect", "reports", "--json"] + bench.keyOptions)
            #expect(try receipt.objects().first?["access_token"] as? String == "revoked")
        }
    }

    @Test func aServedVaultConnectsToo() async throws {
        try await Workbench.run {
            $0.clients[0].ownScopes = ["read"]
        } _: { bench in
            try await prepare(bench)
            try await bench.serving { _ in
                let done = try await bench.expect(
                    ["connect", "reports", "--app", "api", "--client-credentials"])
                #expect(done.text == "connected reports\n")
                let status = try await bench.expect(["status", "reports", "--json"])
                #expect(try status.objects().first?["grant"] as? String == "client_credentials")
                try bench.write("wrong.secret", "another\n")
                try await bench.expect(
                    ["app", "add", "api", "--client-id", "demo", "--replace"]
                        + ["--client-secret-file", "wrong.secret"]
                        + ["--token-url", "\(bench.simulator.baseURL)/token"])
                let refused = try await bench.expect(["refresh", "reports"], status: 78)
                #expect(
                    refused.errors.contains("the provider rejects the application"),
                    "\(refused.errors)")
                let shown = try await bench.expect(["status", "reports"])
                #expect(shown.text.contains("red"), "\(shown.text)")
            }
        }
    }
}
