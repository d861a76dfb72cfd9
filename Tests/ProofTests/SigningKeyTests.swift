// SPDX-License-Identifier: Apache-2.0

import Testing

/// What a process still holds of a private key that its client has signed with: nothing, in the
/// file's order or in that of OpenSSL's numbers, from the registration on.
@Suite struct SigningKeyTests {
    struct Proof: Decodable {
        struct Stage: Decodable {
            let needles: Int
            let copies: Int
            let kinds: [String: Int]
            let hits: [String]
        }

        let stages: [String: Stage]
        let state: [String: String]
        let accepted: Int
    }

    private func prove(_ key: String) async throws -> Proof {
        let report = try await Tool.run(
            "signing_key_proof.py",
            ["--server", Tool.executable("provider-simulator")]
                + ["--subject", Tool.executable("proof-subject"), "--key", key])
        try #require(report.status == 0, "\(report.complaint)")
        return try report.decoded()
    }

    @Test(arguments: ["rsa", "p256", "ed25519"])
    func nothingIsLeftOfTheKey(_ key: String) async throws {
        let proof = try await prove(key)
        for name in ["after_registration", "after_signatures", "after_disconnect"] {
            let stage = try #require(proof.stages[name])
            #expect(stage.copies == 0, "\(name): \(stage.hits)")
            #expect(stage.needles >= 3)
        }
        // A process that does hold the key: the scanner sees all that it is asked for.
        let held = try #require(proof.stages["held"])
        #expect(held.copies >= held.needles)
        // The code, the refreshes, and both tokens' revocations.
        #expect(proof.accepted == 23)
        #expect(proof.state["tls"] == "true")
        #expect(proof.state["zero"] == "true")
    }
}
