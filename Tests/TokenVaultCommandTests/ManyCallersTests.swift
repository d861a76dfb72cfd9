// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault

@testable import TokenVaultCommand

/// The control socket under many callers: whoever waits for a provider, or says nothing, holds up
/// nobody. What is compared is who is answered before whom, not how long it takes.
struct ManyCallersTests {
    /// More than there would be threads for.
    private static let callers = 48
    /// Longer than a caller of this test waits, in milliseconds.
    private static let patience: Int64 = 120_000

    private func serve(
        _ bench: Workbench, _ body: (VaultFolder) async throws -> Void
    ) async throws {
        try await bench.serving(["--drain", "0"]) { _ in
            try await body(VaultFolder(bench.folder.appending(path: "v").path))
        }
    }

    /// Whether nothing has come over a wire, not even its end.
    private func isSilent(_ wire: Wire) -> Bool {
        var poll = pollfd(fd: wire.socket, events: Int16(POLLIN), revents: 0)
        return unsafe Glibc.poll(&poll, 1, 0) == 0
    }

    private func kind(_ wire: Wire) throws -> Wire.Kind {
        try wire.receiveHead(by: Deadline.after(milliseconds: Self.patience)).kind
    }

    private func token(_ folder: VaultFolder, _ id: String) throws {
        let wire = try folder.ask(.token(id: id, minimumSeconds: 0))
        let deadline = Deadline.after(milliseconds: Self.patience)
        let head = try wire.receiveHead(by: deadline)
        #expect(head.kind == .secret)
        _ = try wire.receiveSecret(count: head.count, by: deadline)
        #expect(try kind(wire) == .end)
        // Then nothing is left of it there, either.
        #expect(throws: CommandFailure.self) { try kind(wire) }
    }

    @Test func whoeverWaitsForAProviderHoldsUpNobody() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            for id in ["anna", "bert"] { try await bench.connect(id) }
            try await serve(bench) { folder in
                bench.simulator.set(fault: .delayBefore(.seconds(600)))
                var waiting = try (0..<Self.callers).map { _ in
                    try folder.ask(.refresh(id: "bert"))
                }
                try token(folder, "anna")
                #expect(waiting.allSatisfy(isSilent))
                // They hang up, and take no room from those who come.
                waiting = []
                try token(folder, "anna")
                bench.simulator.set(fault: nil)
            }
        }
    }

    @Test func whoeverWaitsIsAnsweredBeforeTheEnd() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await bench.controlling { folder, vault, server in
                bench.simulator.set(fault: .delayBefore(.seconds(600)))
                let waiting = try folder.ask(.refresh(id: "anna"))
                let idle = try folder.wire()
                for _ in 0..<500 where bench.simulator.refreshRequests(forUser: "ada") == 0 {
                    try await Task.sleep(for: .milliseconds(20))
                }
                #expect(await !server.finish(by: Deadline.after(milliseconds: 300)))
                // Nobody is taken in any more, nor waited for who has not asked.
                #expect(try folder.connect() == nil)
                #expect(throws: CommandFailure.self) { try kind(idle) }
                #expect(isSilent(waiting))
                bench.simulator.set(fault: nil)
                _ = await vault.drain(for: .zero)
                #expect(await server.finish(by: Deadline.after(milliseconds: Self.patience)))
                #expect(try kind(waiting) == .failure)
            }
        }
    }

    @Test func whoeverSaysNothingHoldsUpNobody() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            try await bench.connect("anna")
            try await serve(bench) { folder in
                let idle = try (0..<Self.callers).map { _ in try folder.wire() }
                // One that stops in the middle of its request, and one before its secret.
                let half = try folder.wire()
                try half.send(Request.list)
                let announced = try folder.wire()
                try announced.send(Request.complete(id: "x", application: "demo"))
                let head = Wire.head(.secret, count: 4096)
                _ = try unsafe head.withUnsafeBytes { try unsafe announced.sendAtOnce($0) }
                try token(folder, "anna")
                #expect((idle + [half, announced]).allSatisfy(isSilent))
                // In time they are let go of.
                for wire in idle + [half, announced] {
                    #expect(throws: CommandFailure.self) { try kind(wire) }
                }
                try token(folder, "anna")
            }
        }
    }

    @Test func whoeverReadsNothingIsLeftAloneUntilItDoes() throws {
        var ends: [Int32] = [0, 0]
        let isMade = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends)
        try #require(isMade == 0)
        var size: Int32 = 4096
        let length = socklen_t(MemoryLayout<Int32>.size)
        unsafe setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, length)
        let reader = Wire(owning: ends[1])
        let peer = ControlPeer(Wire(owning: ends[0]))
        let text = String(repeating: "x", count: 200_000)
        peer.refuse(CommandFailure(.temporaryFailure, text))
        #expect(peer.stage == .told)
        #expect(peer.deadline != nil)
        var count = 0
        while let bytes = try? reader.receiveAtOnce(atMost: 1 << 16) {
            count += bytes.count
            peer.proceed { _, _ in Issue.record("nothing was asked") }
        }
        #expect(count > text.count)
        #expect(peer.isOver)
    }

    @Test func aServerWithoutRoomLetsGoOfWhoIsSilent() async throws {
        try await Workbench.run { bench in
            try await bench.prepare()
            for id in ["anna", "bert"] { try await bench.connect(id) }
            try await bench.controlling(peersMax: 4) { folder, vault, server in
                let idle = try (0..<4).map { _ in try folder.wire() }
                try token(folder, "anna")
                // The one that came first, and none but that.
                #expect(idle.map(isSilent) == [false, true, true, true])
                // Whoever waits for an answer does not give way to who comes later.
                bench.simulator.set(fault: .delayBefore(.seconds(600)))
                let waiting = try (0..<4).map { _ in try folder.ask(.refresh(id: "bert")) }
                let refused = try folder.ask(.token(id: "anna", minimumSeconds: 0))
                let head = try refused.receiveHead(by: Deadline.after(milliseconds: Self.patience))
                #expect(head.kind == .failure)
                let failure =
                    try refused.receive(
                        FailureForm.self, count: head.count,
                        by: Deadline.after(milliseconds: Self.patience)
                    ).error as? CommandFailure
                #expect(failure?.status == .temporaryFailure)
                #expect(waiting.allSatisfy(isSilent))
                bench.simulator.set(fault: nil)
                _ = await vault.drain(for: .zero)
                #expect(await server.finish(by: Deadline.after(milliseconds: Self.patience)))
            }
        }
    }
}
