// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// The provider rejects the application, or asks for a pause, while more is on its way to the wire.
@Suite("Rejections and pauses") struct RejectionTests {
    func refresh(_ rig: Rig, _ connection: Int) throws -> Errand {
        try rig.call { try await $0.refresh(Disk.id(connection)) }
    }

    @Test("Nothing more leaves for an application at the moment of its rejection")
    func nothingLeavesAtTheMoment() throws {
        let rig = try Rig(.populated(5, concurrent: 1))
        let callers = try (0..<5).map { try refresh(rig, $0) }
        try rig.start()
        try rig.flush()
        #expect(rig.network.all.map(\.connection) == [0])
        try rig.answer(0, Rig.refusal(401, "invalid_client"))
        #expect(rig.network.all.count == 1)
        try rig.flush()
        #expect(rig.network.all.count == 1)
        #expect(callers.allSatisfy { $0.isDone })
        #expect(callers[0].code == .applicationMisconfigured)
        #expect(rig.isIdle && rig.disk.doubts.isEmpty)
        #expect(rig.disk.alarms == 1)
        // Nobody's failure, and one probe a minute.
        #expect((0..<5).allSatisfy { rig.failureCount($0) == 0 })
        try rig.advance(milliseconds: ApplicationQueue.probeMilliseconds - 1)
        try rig.flush()
        #expect(rig.network.all.count == 1)
        try rig.advance(milliseconds: 1)
        try rig.flush()
        #expect(rig.network.all.count == 2)
        let probe = try #require(rig.network.open.first)
        try rig.answerWithTokens(probe.connection)
        try rig.flush()
        // What was rejected itself waits for a minute of its own.
        for _ in 0..<2 {
            while let held = rig.network.open.first {
                try rig.answerWithTokens(held.connection)
                try rig.flush()
            }
            try rig.advance(milliseconds: ApplicationQueue.probeMilliseconds)
            try rig.flush()
        }
        #expect((0..<5).allSatisfy { rig.disk.serial($0) == 2 })
        #expect(rig.isIdle)
    }

    @Test("unauthorized_client of one connection rejects nobody else; of two, the application")
    func oneAloneMayBeDead() throws {
        let rig = try Rig(.populated(4, concurrent: 1))
        try rig.start()
        try rig.flush()
        let first = try #require(rig.network.open.first).connection
        try rig.answer(first, Rig.refusal(400, "unauthorized_client"))
        try rig.flush()
        #expect(rig.disk.alarms == 0)
        #expect(rig.failureCount(first) == 1)
        let second = try #require(rig.network.open.first).connection
        #expect(second != first)
        // An answer with tokens clears the application of the suspicion.
        try rig.answerWithTokens(second)
        try rig.flush()
        let third = try #require(rig.network.open.first).connection
        try rig.answer(third, Rig.refusal(400, "unauthorized_client"))
        try rig.flush()
        #expect(rig.disk.alarms == 0)
        let fourth = try #require(rig.network.open.first).connection
        try rig.answer(fourth, Rig.refusal(400, "unauthorized_client"))
        try rig.flush()
        #expect(rig.disk.alarms == 1)
        #expect(rig.network.open.isEmpty)
        #expect(rig.isIdle)
    }

    /// What closes the way to the wire while an attempt is on its way to the disk.
    enum Barrier: CaseIterable { case rejection, pause }

    @Test(
        "Ready after the way was closed: taken back, and who waits is told",
        arguments: Barrier.allCases)
    func readyTooLate(_ barrier: Barrier) throws {
        let rig = try Rig(.populated(3))
        _ = try refresh(rig, 0)
        try rig.flush()
        #expect(rig.network.open.map(\.connection) == [0])
        let callers = try (1..<3).map { try refresh(rig, $0) }
        // Their attempts wait for the disk.
        try rig.settle()
        switch barrier {
        case .rejection: try rig.answer(0, Rig.refusal(401, "invalid_client"))
        case .pause:
            try rig.answer(
                0, TransportReply(status: 429, body: nil, retryAfterSeconds: 60))
        }
        try rig.start()
        try rig.flush()
        let code: VaultError.Code =
            barrier == .rejection ? .applicationMisconfigured : .backingOff
        #expect(callers.allSatisfy { $0.isDone && $0.code == code })
        #expect(rig.network.all.count == 1)
        #expect(rig.isIdle)
        #expect(rig.disk.doubts.isEmpty)
        #expect((1..<3).allSatisfy { rig.failureCount($0) == 0 })
        // They come when the way is open again.
        for _ in 0..<20 {
            try rig.advance(milliseconds: 10_000)
            try rig.flush()
            while let held = rig.network.open.first {
                try rig.answerWithTokens(held.connection)
                try rig.flush()
            }
        }
        #expect((0..<3).allSatisfy { rig.disk.serial($0) == 2 })
        #expect(rig.network.all.count == 4)
    }
}
