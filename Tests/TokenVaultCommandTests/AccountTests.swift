// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// What the command says of an account that is another one, of scopes, and of a user who declines.
struct AccountTests {
    private func prepare(_ bench: Workbench, _ more: [String] = []) async throws {
        try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
        try bench.write("client.secret", Workbench.clientSecret + "\n")
        let base = bench.simulator.baseURL
        try bench.write(
            "p.yaml",
            """
            name: practice
            authorization_endpoint: \(base)/authorize
            token_endpoint: \(base)/token
            revocation_endpoint: \(base)/revoke
            refresh_parameters: { scope: read }
            lookup: { url: \(base)/userinfo, account: sub }
            """)
        try await add(bench, "p.yaml", more)
    }

    private func add(
        _ bench: Workbench, _ definition: String, _ more: [String], status: Int32 = 0
    ) async throws {
        let output = try await bench.expect(
            ["app", "add", "demo", "--provider", definition, "--client-id", "demo"]
                + ["--client-secret-file", "client.secret", "--redirect-uri", bench.redirectURI]
                + ["--scope", "read", "--scope", "write"] + bench.keyOptions + more,
            status: status)
        guard status != 0 else { return }
        #expect(output.errors.contains("--refuse-other-account needs a provider"))
    }

    private func connect(
        _ bench: Workbench, _ user: String, status: Int32 = 0
    ) async throws -> String {
        let command = try bench.start(
            ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
        let url = try await command.line { $0.hasPrefix("http") }
        try command.type(bench.simulator.approve(url, user: user) + "\n")
        let output = await command.end()
        #expect(output.status == status, "\(output.errors)")
        return output.errors
    }

    @Test func anotherAccountIsSaid() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            #expect(try await !connect(bench, "ada").contains("account"))
            let warned = try await connect(bench, "bob")
            #expect(warned.contains("another account came back: bob, and it was ada before"))
            let shown = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(shown.text.contains("  account               bob\n"))
            #expect(shown.text.contains("  account before        ada: another one came back\n"))
            let status = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            #expect(try status.objects().first?["earlier_account"] as? String == "ada")
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(log.text.contains("accountChanged  it is another account than before\n"))
            #expect(try await !connect(bench, "bob").contains("account"))
        }
    }

    @Test func anotherAccountIsRefused() async throws {
        try await Workbench.run { bench in
            try await prepare(bench, ["--refuse-other-account"])
            let apps = try await bench.expect(["app", "list", "--json"] + bench.keyOptions)
            #expect(try apps.objects().first?["refuses_other_account"] as? Bool == true)
            _ = try await connect(bench, "ada")
            try await bench.serving { _ in
                let refused = try await connect(bench, "bob", status: 79)
                #expect(refused.contains("another account came back"), "\(refused)")
            }
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(log.text.contains("connectFailed  another account\n"))
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
            try bench.write(
                "mute.yaml",
                """
                name: practice
                authorization_endpoint: \(bench.simulator.baseURL)/authorize
                token_endpoint: \(bench.simulator.baseURL)/token
                """)
            let more = ["--replace", "--refuse-other-account"]
            try await add(bench, "mute.yaml", more, status: 64)
            try await add(bench, "p.yaml", ["--replace"])
            _ = try await connect(bench, "bob")
        }
    }

    @Test func whatWasNotGrantedIsNamed() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            _ = try await connect(bench, "ada")
            let all = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(!all.text.contains("not granted"))
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
            let shown = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(shown.text.contains("  not granted           write\n"))
            let status = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            let object = try #require(status.objects().first)
            #expect(object["missing_scopes"] as? [String] == ["write"])
            #expect(object["extra_scopes"] == nil)
        }
    }

    @Test func whoDeclinesIsToldApart() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            let command = try bench.start(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
            let url = try await command.line { $0.hasPrefix("http") }
            let state = try #require(
                URLComponents(string: url)?.queryItems?.first { $0.name == "state" }?.value)
            try command.type(bench.redirectURI + "?error=access_denied&state=\(state)\n")
            #expect(await command.end().status == 79)
            let status = try await bench.expect(["status", "anna"] + bench.keyOptions)
            #expect(status.text.contains("connectDenied (access_denied)"))
            #expect(status.text.contains("the user or the provider refused: run connect again"))
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(log.text.hasSuffix("connectDenied  access_denied\n"))
        }
    }
}
