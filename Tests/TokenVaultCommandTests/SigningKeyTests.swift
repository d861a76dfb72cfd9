// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing

/// A private key on the command line: where it comes from, and what is told of it.
struct SigningKeyTests {
    /// A part of the private key's text.
    static let part = "jpsQnnGQmL"

    private func prepare(_ bench: Workbench) async throws {
        try await bench.expect(["init", "--key-file", "v.key", "--generate-key"])
        try bench.write("key.pem", SigningKeys.p256)
        try bench.write(
            "signs.yaml",
            """
            name: practice
            authorization_endpoint: \(bench.simulator.baseURL)/authorize
            token_endpoint: \(bench.simulator.baseURL)/token
            revocation_endpoint: \(bench.simulator.baseURL)/revoke
            client_authentication: private_key_jwt
            assertion_audience: \(bench.simulator.baseURL)/token
            """)
    }

    private func add(_ bench: Workbench, _ more: [String], definition: String = "signs.yaml")
        -> [String]
    {
        ["app", "add", "demo", "--provider", definition, "--client-id", "demo"]
            + ["--redirect-uri", bench.redirectURI] + more + bench.keyOptions
    }

    private static func registered(_ settings: inout ProviderSimulator.Settings) {
        let jwk =
            #"{"crv":"P-256","kty":"EC","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","#
            + #""y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0","kid":"mine"}"#
        guard let key = try? ProviderSimulator.PublicKey(jwk: jwk) else { return }
        settings.clients[0].secret = nil
        settings.clients[0].publicKeys = [key]
    }

    @Test(arguments: [false, true])
    func isGivenOnceAndNeverShown(isServed: Bool) async throws {
        try await Workbench.run(Self.registered) { bench in
            try await prepare(bench)
            func life(_ options: [String]) async throws {
                let more = ["--signing-key-file", "key.pem", "--key-id", "mine"]
                let words = Array(add(bench, more).dropLast(bench.keyOptions.count)) + options
                try await bench.expect(words)
                let list = try await bench.expect(["app", "list", "--json"] + options)
                let form = try #require(list.objects().first)
                let key = try #require(form["signing_key"] as? [String: String])
                #expect(key == ["algorithm": "ES256", "key_id": "mine"])
                #expect(form["has_client_secret"] as? Bool == false)
                let table = try await bench.expect(["app", "list"] + options)
                #expect(table.text.contains(" key "))
                let shown = try await bench.expect(["app", "key", "demo"] + options)
                let jwk = try #require(shown.objects().first as? [String: String])
                #expect(jwk["kid"] == "mine" && jwk["use"] == "sig" && jwk["alg"] == "ES256")
                #expect(jwk["x"] == "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU")
                #expect(jwk["d"] == nil)
                for output in [list, table, shown] {
                    #expect(!(output.text + output.errors).contains(Self.part))
                }
                try await bench.connect("anna", options: options)
                try await bench.expect(["refresh", "anna"] + options)
                try await bench.expect(["disconnect", "anna"] + options)
            }
            if isServed {
                try await bench.serving { _ in try await life([]) }
            } else {
                try await life(bench.keyOptions)
            }
            #expect(bench.simulator.counters.clientsRefused == 0)
            #expect(bench.simulator.counters.assertionsAccepted >= 3)
        }
    }

    @Test func saysWhatIsWrongWithIt() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            try bench.write("client.secret", Workbench.clientSecret)
            try bench.write("open.pem", SigningKeys.p256, mode: 0o644)
            try bench.write(
                "public.pem",
                try await SigningKeys.openssl(["pkey", "-pubout"], input: SigningKeys.p256))
            try bench.write(
                "locked.pem",
                try await SigningKeys.openssl(
                    ["pkcs8", "-topk8", "-passout", "pass:x"],
                    input: SigningKeys.p256))
            try bench.write(
                "plain.yaml",
                """
                name: practice
                authorization_endpoint: https://a.example/authorize
                token_endpoint: https://a.example/token
                """)
            let key = "--signing-key-file"
            for (more, status, text) in [
                ([], 64, "which signing key? Give --signing-key-file"),
                ([key, "no.pem"], 66, "cannot open no.pem"),
                ([key, "open.pem"], 77, "chmod 600"),
                ([key, "public.pem"], 64, "is a public key or a certificate"),
                ([key, "locked.pem"], 64, "is encrypted: decrypt it first"),
                ([key, "client.secret"], 64, "cannot be read: give it as PKCS#8"),
                ([key, "key.pem", "--signing-algorithm", "RS256"], 64, "does not sign by that"),
                ([key, "key.pem", "--signing-algorithm", "HS256"], 64, "is RS256, PS256, ES256"),
                ([key, "key.pem", "--client-secret-file", "client.secret"], 64, "has no secret"),
                (["--key-id", "x"], 64, "go with a key"),
                ([key, "key.pem", "--key-id", "a\nb"], 64, "has an id (--key-id)"),
                ([key, "key.pem", "--signing-key-fd", "0"], 64, "give one of"),
            ] as [([String], Int32, String)] {
                let refused = try await bench.expect(add(bench, more), status: status)
                #expect(refused.errors.contains(text), "\(refused.errors)")
                #expect(!refused.errors.contains(Self.part))
            }
            let unused = try await bench.expect(
                add(
                    bench, ["--client-secret-file", "client.secret", key, "key.pem"],
                    definition: "plain.yaml"), status: 64)
            #expect(unused.errors.contains("by \"basic\" has no signing key"), "\(unused.errors)")
            let alone = try await bench.expect(
                add(bench, [key, "key.pem"], definition: "plain.yaml"), status: 64)
            #expect(alone.errors == unused.errors)
            try await bench.expect(
                add(bench, ["--client-secret-file", "client.secret"], definition: "plain.yaml"))
            let none = try await bench.expect(
                ["app", "key", "demo"] + bench.keyOptions, status: 66)
            #expect(none.errors.contains("has no signing key"), "\(none.errors)")
        }
    }

    /// Through a descriptor, and replaced by a new one: RSA by its default.
    @Test func isReplaced() async throws {
        try await Workbench.run { bench in
            try await prepare(bench)
            try await bench.expect(add(bench, ["--signing-key-file", "key.pem"]))
            let again = try await bench.expect(
                add(bench, ["--signing-key-fd", "0", "--replace"]), input: SigningKeys.rsa)
            #expect(again.text.contains("replaced"))
            let shown = try await bench.expect(["app", "key", "demo"] + bench.keyOptions)
            #expect(shown.text.contains(#""alg":"RS256""#))
            #expect(shown.text.contains("IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8"))
        }
    }
}
