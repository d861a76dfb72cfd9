// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Whatever is under way when the vault is closed: who waits is told, and no secret stays.
@Suite("The end of a process, in order") struct ClosingTests {
    /// Runs a process to its end and tells how many secrets it leaves.
    func secretsLeft(_ body: () throws -> Void) throws -> Int {
        let before = SecretArena.shared.openSecretCount
        try body()
        #expect(SecretArena.shared.freeBlocksAreZero())
        return SecretArena.shared.openSecretCount - before
    }

    func refresh(_ rig: Rig, _ connection: Int) throws -> Errand {
        try rig.call { try await $0.refresh(Disk.id(connection)) }
    }

    @Test("Tokens that cannot be stored any more are wiped", arguments: [0, 1000, 3500])
    func unstored(_ milliseconds: Int64) throws {
        let disk = try Disk.populated(2)
        let left = try secretsLeft {
            let rig = try Rig(disk)
            let callers = try (0..<2).map { try refresh(rig, $0) }
            try rig.flush()
            disk.room = .none
            try rig.answerWithTokens(0)
            try rig.answer(1, Rig.reply(200, "r1.2, but not as it should be"))
            // With 0 they are on their way to the disk while the vault is closed.
            if milliseconds > 0 {
                try rig.flush()
                try rig.advance(milliseconds: milliseconds)
            }
            rig.close()
            #expect(callers.allSatisfy { $0.isDone && $0.code != nil })
            #expect(rig.isIdle)
        }
        #expect(left == 0)
        // The next process asks first.
        #expect(Set(disk.doubts.map(\.attempt.key)) == [Disk.key(0), Disk.key(1)])
    }

    @Test("A batch that becomes durable during the close is taken back")
    func readyDuringTheClose() throws {
        let disk = try Disk.populated(3)
        let left = try secretsLeft {
            let rig = try Rig(disk)
            let caller = try refresh(rig, 0)
            try rig.settle()
            #expect(disk.contents.batches.isEmpty)
            rig.close()
            #expect(caller.isDone && caller.code == .closed)
            #expect(rig.network.all.isEmpty)
            #expect(rig.isIdle)
        }
        #expect(left == 0)
        // Nothing of it can be out: the next process need not wait.
        #expect(disk.contents.batches.isEmpty && disk.doubts.isEmpty)
    }

    @Test("What is ready and not sent is taken back; what was sent is in doubt")
    func readyBeforeTheClose() throws {
        let disk = try Disk.populated(3, concurrent: 1)
        let left = try secretsLeft {
            let rig = try Rig(disk)
            try rig.start()
            let callers = try (0..<3).map { try refresh(rig, $0) }
            try rig.flush()
            #expect(rig.network.all.count == 1)
            rig.close()
            #expect(callers.allSatisfy { $0.isDone && $0.code != nil })
            #expect(rig.isIdle)
        }
        #expect(left == 0)
        #expect(disk.doubts.count == 1)
    }

    @Test("An answer on its way to the disk is stored")
    func isStoredDuringTheClose() throws {
        let disk = try Disk.populated(1)
        let left = try secretsLeft {
            let rig = try Rig(disk)
            try rig.start()
            try rig.flush()
            try rig.answerWithTokens(0)
            rig.close()
            #expect(rig.isIdle)
        }
        #expect(left == 0)
        #expect(disk.serial(0) == 2)
        #expect(disk.doubts.isEmpty)
    }

    @Test("Whoever waits for the scan and is cancelled waits no longer")
    func cancelledWhileTheScanRuns() throws {
        var seen = 0
        let rig = try Rig(.populated(3)) { rig, key in
            guard key == Disk.key(1) else { return }
            let calls: [@Sendable (Vault) async throws -> Void] = [
                { try await $0.ready() }, { try await $0.refresh(Disk.id(0)) },
                { try await $0.run() },
            ]
            for body in calls {
                let waiting = try rig.call(body)
                #expect(!waiting.isDone)
                waiting.cancel()
                try rig.flush()
                #expect(waiting.isDone && waiting.code == .cancelled)
                seen += 1
            }
            // Before it waits.
            let late = try rig.call { vault in
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                try await vault.ready()
            }
            try rig.flush()
            #expect(late.isDone && late.code == .cancelled)
        }
        #expect(seen == 3)
        let ready = try rig.call { try await $0.ready() }
        #expect(ready.isDone && ready.code == nil)
        #expect(rig.vault.refresher.shared.withLock { $0.scanCallers.isEmpty })
    }
}
