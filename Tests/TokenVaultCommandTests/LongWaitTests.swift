// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// Commands that somebody has told to wait for a provider that is down.
struct LongWaitTests {
    /// Longer than anything here takes that does not wait for it, in seconds.
    private static let wait = "180"

    /// A provider that revokes nothing for so many requests, or ever.
    private func down(
        _ ids: [String], replies: Int? = nil, _ body: (Workbench) async throws -> Void
    ) async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            for id in ids { try await bench.connect(id) }
            bench.simulator.set(
                fault: .status(503, retryAfter: nil), replies: replies, endpoint: .revoke)
            try await body(bench)
        }
    }

    /// Disconnects that wait, each seen to have begun.
    private func disconnect(_ bench: Workbench, _ ids: [String]) async throws -> [Running] {
        var waiting: [Running] = []
        for id in ids {
            waiting.append(
                try bench.start(
                    ["disconnect", id, "--yes", "--wait", Self.wait], input: .text("")))
            for _ in 0..<500 {
                let status = try await bench.run(["status", id, "--json"])
                if status.status != 0 || status.text.contains("disconnectStarted") { break }
                try await Task.sleep(for: .milliseconds(20))
            }
        }
        return waiting
    }

    @Test func aDisconnectTriesAgainForAsLongAsItIsTold() async throws {
        try await down(["anna"], replies: 4) { bench in
            let receipt = try await bench.expect(
                ["disconnect", "anna", "--json", "--wait", "60"] + bench.keyOptions)
            #expect(try receipt.objects().first?["refresh_token"] as? String == "revoked")
            #expect(bench.simulator.counters.revocations > 0)
        }
        try await down(["anna"]) { bench in
            let output = try await bench.expect(
                ["disconnect", "anna", "--wait", "2"] + bench.keyOptions, status: 69)
            #expect(output.errors.contains("erased here, but not revoked at the provider"))
            try await bench.expect(["status", "anna"] + bench.keyOptions, status: 66)
        }
    }

    @Test func whoeverEndsAWaitWasToldWhatIsLeftUndone() async throws {
        try await down(["anna"]) { bench in
            let command = try bench.start(
                ["disconnect", "anna", "--yes", "--wait", Self.wait] + bench.keyOptions,
                input: .text(""))
            _ = try await command.line(ofErrors: true) {
                $0.contains("serve too, then erases the tokens without revoking them")
            }
            command.signal(SIGINT)
            _ = await command.end()
            // The open that reads the log erases, and says that it was not the disconnect.
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(log.text.contains("disconnected  begun before, finished at open"))
            #expect(bench.simulator.counters.revocations == 0)
        }
    }

    @Test func aServerThatEndsWaitsForNoRevocation() async throws {
        try await down(["anna"]) { bench in
            try await bench.serving { server in
                let waiting = try await disconnect(bench, ["anna"])
                let start = ContinuousClock.now
                server.terminate()
                _ = await server.end()
                #expect(start.duration(to: .now) < .seconds(120))
                // It was erased, and whoever waited has the receipt.
                let output = await waiting[0].end()
                #expect(output.status == 69)
                #expect(output.errors.contains("erased here, but not revoked at the provider"))
            }
            try await bench.expect(["status", "anna"] + bench.keyOptions, status: 66)
        }
    }

    @Test func theOthersAreAnsweredMeanwhile() async throws {
        let ids = (1...20).map { "user\($0)" }
        try await down(ids + ["anna", "bert"]) { bench in
            try await bench.serving { server in
                let waiting = try await disconnect(bench, ids)
                for command in waiting { #expect(command.isRunning) }
                let token = try await bench.run(["token", "anna"], showsToken: true)
                #expect(token.status == 0, "\(token.errors)")
                // Without a wait it is done at once.
                try await bench.expect(["disconnect", "bert", "--yes"], status: 69)
                server.terminate()
                _ = await server.end()
                for command in waiting { #expect(await command.end().status == 69) }
            }
        }
    }
}
