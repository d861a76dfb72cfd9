// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing

/// A provider that answers after the deadline, and takes a token that it has replaced for theft:
/// whoever ends before its answer loses the grant.
struct LateAnswerTests {
    /// Longer than callers wait for a refresh (15 s), by as much as a loaded machine may lose.
    private static let late = Duration.seconds(20)

    private func late(
        _ body: (Workbench) async throws -> Void
    ) async throws {
        try await Workbench.run({ $0.rotation = .rotating(grace: .zero) }) { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            bench.simulator.set(fault: .delayAfter(Self.late), replies: 1)
            try await body(bench)
        }
    }

    @Test func aCommandStaysUntilTheAnswerIsIn() async throws {
        try await late { bench in
            let output = try await bench.expect(["refresh", "anna"] + bench.keyOptions)
            #expect(output.text == "anna refreshed\n")
            #expect(output.errors.contains("anna: answer outstanding since "))
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
        }
    }

    @Test func whatACodeBringsTooLateIsRevokedBeforeTheCommandEnds() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            bench.simulator.set(fault: .delayAfter(Self.late), replies: 1)
            let command = try bench.start(
                ["connect", "anna", "--app", "demo", "--paste"] + bench.keyOptions, input: .open)
            let url = try await command.line { $0.hasPrefix("http") }
            try command.type(bench.simulator.approve(url) + "\n")
            let output = await command.end()
            #expect(output.status == 69, "\(output.errors)")
            #expect(bench.simulator.counters.codeExchanges == 1)
            #expect(bench.simulator.counters.revocations > 0)
            let log = try await bench.expect(["log", "anna"] + bench.keyOptions)
            #expect(log.text.contains("lateAnswer"))
        }
    }

    @Test func aServerThatEndsListensForWhatIsOut() async throws {
        try await late { bench in
            let server = try bench.start(["serve"] + bench.keyOptions, input: .open)
            _ = try await server.line { $0 == "ready" }
            let refresh = try await bench.expect(["refresh", "anna"], status: 75)
            #expect(refresh.errors.contains("anna: the answer to a refresh is outstanding"))
            let status = try await bench.expect(["status", "anna", "--json"])
            #expect(try status.objects().first?["answer_outstanding_since"] is String)
            let shown = try await bench.expect(["status", "anna"])
            #expect(shown.text.contains("  answer outstanding    since "))
            server.terminate()
            let end = await server.end()
            #expect(end.status == 0 && !end.errors.contains("unanswered"), "\(end.errors)")
            try await bench.expect(["refresh", "anna"] + bench.keyOptions)
        }
    }

    @Test func whatIsNotListenedForIsInDoubtOnRecord() async throws {
        try await late { bench in
            let server = try bench.start(
                ["serve", "--drain", "0"] + bench.keyOptions, input: .open)
            _ = try await server.line { $0 == "ready" }
            try await bench.expect(["refresh", "anna"], status: 75)
            server.terminate()
            let end = await server.end()
            #expect(end.status == 0)
            #expect(end.errors.contains("ended with 1 refresh request unanswered"))
            let status = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            #expect(try status.objects().first?["answer_outstanding_since"] is String)
        }
    }
}
