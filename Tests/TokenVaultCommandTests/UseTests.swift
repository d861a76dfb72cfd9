// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// `use`, `rejected` and `failed`: what the platform tells of its own use.
struct UseTests {
    private func status(_ bench: Workbench) async throws -> [String: any Sendable] {
        let output = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
        return try output.objects().first ?? [:]
    }

    @Test(arguments: [false, true])
    func theLightFollowsTheUse(isServed: Bool) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            var server: Running?
            if isServed {
                server = try bench.start(["serve"] + bench.keyOptions, input: .open)
                _ = try await server?.line { $0 == "ready" }
            }
            let options = bench.keyOptions
            let first = try await status(bench)
            #expect(first["light"] as? String == "yellow")
            let generation = try #require(first["generation"] as? Int)
            try await bench.expect(["use", "anna"] + options)
            #expect(try await status(bench)["light"] as? String == "green")
            try await bench.expect(["failed", "anna", "--code", "17"] + options)
            let failed = try await status(bench)
            #expect(failed["light"] as? String == "red")
            #expect(failed["reason"] as? String == "useFailed")
            #expect(failed["reason_number"] as? Int == 17)
            #expect(failed["next_step"] as? String == "check_use")
            let text = try await bench.expect(["status", "anna"] + options).text
            #expect(text.contains("useFailed (code 17)"))
            #expect(text.contains("look at the component that used it"))
            try await bench.expect(["use", "anna"] + options)
            #expect(try await status(bench)["light"] as? String == "green")
            // The first rejection refreshes; the same one later costs nothing.
            for _ in 0..<2 {
                let words = ["rejected", "anna", "--generation", "\(generation)"]
                try await bench.expect(words + options)
                #expect(try await status(bench)["refresh_count"] as? Int == 1)
            }
            try await bench.expect(["rejected", "anna"] + options)
            #expect(try await status(bench)["refresh_count"] as? Int == 2)
            try await bench.expect(["use", "nobody"] + options, status: 66)
            try await bench.expect(["rejected", "nobody"] + options, status: 66)
            try await bench.expect(["failed", "nobody", "--code", "1"] + options, status: 66)
            try await bench.expect(["failed", "anna"] + options, status: 64)
            server?.terminate()
            if let server { #expect(await server.end().status == 0) }
        }
    }

    @Test func aRejectionIsSeenUntilAnotherTokenComes() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.expect(["use", "anna"] + bench.keyOptions)
            bench.simulator.set(
                fault: .status(503, retryAfter: nil), replies: nil, endpoint: .token)
            try await bench.expect(["rejected", "anna"] + bench.keyOptions, status: 69)
            let found = try await status(bench)
            #expect(found["light"] as? String == "red")
            #expect(found["token_rejected"] is String)
            #expect(found["reason"] as? String == "refreshDelayed")
            try await bench.expect(["token", "anna"] + bench.keyOptions, status: 69)
            try await bench.expect(
                ["rejected", "anna", "--generation", "999999"] + bench.keyOptions, status: 64)
            bench.simulator.set(fault: nil, endpoint: .token)
            let token = try await bench.token("anna")
            #expect(try await bench.works(token))
            let mended = try await status(bench)
            #expect(mended["light"] as? String == "green" && mended["token_rejected"] == nil)
            #expect(mended["refresh_count"] as? Int == 1)
        }
    }

    @Test func aFailureBeforeTheFirstConnectIsRed() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            let command = try bench.start(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
            _ = try await command.line { $0.hasPrefix("http") }
            try command.type("nothing\n")
            _ = await command.end()
            // There is no token that could have been rejected.
            let rejected = try await bench.expect(
                ["rejected", "anna"] + bench.keyOptions, status: 79)
            #expect(rejected.errors.contains("nobody has completed its flow yet"))
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(!log.text.contains("tokenRejected"))
            try await bench.expect(["failed", "anna", "--code", "-3"] + bench.keyOptions)
            let failed = try await status(bench)
            #expect(failed["light"] as? String == "red")
            #expect(failed["reason_number"] as? Int == -3)
            #expect(failed["next_step"] as? String == "connect")
            try await bench.connect("anna")
            #expect(try await status(bench)["light"] as? String == "yellow")
        }
    }
}
