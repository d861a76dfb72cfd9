// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

@testable import TokenVaultCommand

/// A process that serves and is stopped, and one that is to end while something is under way.
struct StoppedServerTests {
    private func serve(
        _ bench: Workbench, _ options: [String] = [], _ body: (Running) async throws -> Void
    ) async throws {
        let server = try bench.start(["serve"] + options + bench.keyOptions, input: .open)
        _ = try await server.line { $0 == "ready" }
        do {
            try await body(server)
        } catch {
            kill(server.identifier, SIGKILL)
            _ = await server.end()
            throw error
        }
    }

    @Test func whoeverAsksLearnsThatItStandsStill() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await serve(bench) { server in
                kill(server.identifier, SIGSTOP)
                for command in [["token", "anna"], ["list"]] {
                    let output = try await bench.expect(command, status: 75)
                    #expect(output.errors.contains("(pid \(server.identifier)) does not answer"))
                    #expect(output.errors.contains("`kill -CONT \(server.identifier)`"))
                }
                kill(server.identifier, SIGCONT)
                try await bench.expect(["status", "anna"])
                server.terminate()
                #expect(await server.end().status == 0)
            }
        }
    }

    /// A caller waits 15 s for a refresh, and a close 10 s for an answer; a drain says how long.
    @Test func theDrainSaysHowLongWhatIsOutIsWaitedFor() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await serve(bench, ["--drain", "1"]) { server in
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
                #expect(end.status == 0)
                #expect(end.errors.contains("1 refreshes were not answered: they are in doubt"))
                // By far less than either.
                #expect(took < .seconds(9), "\(took)")
                let told = await caller.end()
                #expect(told.status == 75, "\(told.errors)")
                #expect(told.errors.contains("answerOutstanding"), "\(told.errors)")
                bench.simulator.set(fault: nil)
            }
            let status = try await bench.expect(["status", "anna", "--json"] + bench.keyOptions)
            #expect(try status.objects().first?["answer_outstanding_since"] is String)
        }
    }

    @Test func whoeverHangsUpOnADisconnectHoldsNoPlace() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            for id in ["anna", "bert"] { try await bench.connect(id) }
            bench.simulator.set(fault: .status(503, retryAfter: nil), endpoint: .revoke)
            var settings = Vault.Settings()
            settings.allowsLoopbackHTTP = true
            let path = bench.folder.appending(path: "v").path
            let vault = try Vault.open(
                at: path, rootKey: .file(bench.folder.appending(path: "v.key").path),
                settings: settings)
            defer { vault.close() }
            try await vault.ready()
            let folder = try VaultFolder(path)
            let server = try ControlServer(
                folder, OwnVault(vault, endsWithRequest: false), peersMax: 1)
            try server.start()
            try await hangUp(folder, vault)
            // It goes on, and the only place is free.
            var kind = Wire.Kind.failure
            for _ in 0..<500 where kind == .failure {
                let wire = try ask(folder, .token(id: "bert", minimumSeconds: 0))
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

    private func ask(_ folder: VaultFolder, _ request: Request) throws -> Wire {
        let wire = Wire(owning: try #require(try folder.connect()))
        try wire.send(request)
        try wire.sendEnd()
        return wire
    }

    /// Begins a disconnect that waits for long, and leaves.
    private func hangUp(_ folder: VaultFolder, _ vault: Vault) async throws {
        let wire = try ask(folder, .disconnect(id: "anna", waitSeconds: 600))
        for _ in 0..<500 where try vault.status(ConnectionID("anna"))?.light != .red {
            try await Task.sleep(for: .milliseconds(20))
        }
        withExtendedLifetime(wire) {}
    }
}
