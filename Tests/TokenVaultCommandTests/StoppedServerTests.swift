// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

@testable import TokenVaultCommand

/// A process that serves and is stopped, and one that is to end while something is under way.
struct StoppedServerTests {
    @Test func whoeverAsksLearnsThatItStandsStill() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.serving { server in
                server.signal(SIGSTOP)
                for command in [["token", "anna"], ["list"]] {
                    let output = try await bench.expect(command, status: 75)
                    #expect(output.errors.contains("(pid \(server.identifier)) does not answer"))
                    #expect(output.errors.contains("`kill -CONT \(server.identifier)`"))
                }
                server.signal(SIGCONT)
                try await bench.expect(["status", "anna"])
            }
        }
    }

    /// A caller waits 15 s for a refresh, and a close 10 s for an answer; a drain says how long.
    @Test func theDrainSaysHowLongWhatIsOutIsWaitedFor() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.serving(["--drain", "1"]) { server in
                let before = bench.simulator.refreshRequests(forUser: "ada")
                bench.simulator.set(fault: .delayAfter(.seconds(600)))
                let caller = try bench.start(["refresh", "anna"], input: .text(""))
                for _ in 0..<500 where bench.simulator.refreshRequests(forUser: "ada") == before {
                    try await Task.sleep(for: .milliseconds(20))
                }
                let start = ContinuousClock.now
                server.terminate()
                let end = await server.end()
                let took = start.duration(to: .now)
                #expect(end.errors.contains("ended with 1 refresh request unanswered"))
                // By far less than either.
                #expect(took < .seconds(9), "\(took)")
                let told = await caller.end()
                #expect(told.status == 75, "\(told.errors)")
                #expect(told.errors.contains("answerOutstanding"), "\(told.errors)")
                bench.simulator.set(fault: nil)
            }
            let status = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            #expect(try status.objects().first?["answer_outstanding_since"] is String)
            // The provider may be at work on it for minutes: nobody is sent into that unwarned.
            let shown = try await bench.expect(["status", "anna"] + bench.keyOptions).text
            #expect(shown.contains("they wait until it is safe to ask again ("))
            let refresh = try bench.start(
                ["refresh", "anna"] + bench.keyOptions, input: .text(""))
            _ = try await refresh.line(ofErrors: true) {
                $0.contains("waiting until it is safe to ask again (until ")
            }
            refresh.terminate()
            _ = await refresh.end()
        }
    }

    @Test func whoeverHangsUpOnADisconnectHoldsNoPlace() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            for id in ["anna", "bert"] { try await bench.connect(id) }
            bench.simulator.set(fault: .status(503, retryAfter: nil), endpoint: .revoke)
            try await bench.controlling(peersMax: 1) { folder, vault, server in
                try await hangUp(folder, vault)
                // It goes on, and the only place is free.
                var kind = Wire.Kind.failure
                for _ in 0..<500 where kind == .failure {
                    let wire = try folder.ask(.token(id: "bert", minimumSeconds: 0))
                    kind = try wire.receiveHead(by: Deadline.after(milliseconds: 60_000)).kind
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(kind == .secret)
                #expect(try vault.status(ConnectionID("anna"))?.reason == .disconnectStarted)
                // At the end it is finished, though nobody hears of it.
                _ = await vault.drain(for: .zero)
                #expect(await server.finish(by: Deadline.after(milliseconds: 60_000)))
                #expect(try vault.status(ConnectionID("anna")) == nil)
            }
        }
    }

    /// Begins a disconnect that waits for long, and leaves.
    private func hangUp(_ folder: VaultFolder, _ vault: Vault) async throws {
        let wire = try folder.ask(.disconnect(id: "anna", waitSeconds: 600))
        for _ in 0..<500 where try vault.status(ConnectionID("anna"))?.light != .red {
            try await Task.sleep(for: .milliseconds(20))
        }
        withExtendedLifetime(wire) {}
    }
}
