// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Refreshes leave in batches: one record of their attempts, durable before the first byte.
@Suite("Batches") struct BatchTests {
    @Test("A thousand that are due leave in four batches, and none before its batch is durable")
    func share() throws {
        let disk = try Disk.populated(1000, concurrent: 1024)
        // Of answers that are listened for not so many may be out at a time.
        try disk.changeProvider { $0.rotation = .never }
        let rig = try Rig(disk)
        try rig.start()
        #expect(rig.network.all.isEmpty)
        #expect(disk.contents.batches.isEmpty)
        try rig.flush()
        #expect(rig.network.all.count == 1000)
        #expect(disk.contents.batches.count == 4)
        #expect(disk.contents.batches.values.allSatisfy { $0.attempts.count <= 256 })
        #expect(Set(disk.doubts.map(\.attempt.key)).count == 1000)
        // Each ends with its result, and the batch with the last of them.
        for connection in 0..<999 { try rig.answerWithTokens(connection) }
        try rig.flush()
        #expect(disk.doubts.map(\.attempt.key) == [Disk.key(999)])
        try rig.answerWithTokens(999)
        try rig.flush()
        #expect(disk.contents.batches.isEmpty)
        #expect(rig.isIdle)
    }

    @Test("Where the record cannot be made durable, nothing is sent")
    func fullDisk() throws {
        let rig = try Rig(.populated(1))
        let disk = rig.disk
        disk.room = .onlyWhatMayUseReserve
        try rig.start()
        for _ in 0..<10 {
            try rig.flush()
            try rig.advance(milliseconds: 1000)
        }
        #expect(rig.network.all.isEmpty)
        disk.room = .enough
        try rig.advance(milliseconds: 1000)
        try rig.flush()
        #expect(rig.network.open.count == 1)
    }
}
