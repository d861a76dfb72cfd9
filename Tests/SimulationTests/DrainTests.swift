// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// The orderly end of a process that still waits for answers.
@Suite("Draining") struct DrainTests {
    /// How many were left, once it is known.
    final class Left: @unchecked Sendable {
        var count: Int?
    }

    func drain(_ rig: Rig, seconds: Int = 60) throws -> Left {
        let left = Left()
        _ = try rig.call { left.count = await $0.drain(for: .seconds(seconds)) }
        return left
    }

    @Test("Nothing new leaves, what has not left is taken back, and what is out is awaited")
    func answered() throws {
        let disk = try Disk.populated(12, concurrent: 4)
        let rig = try Rig.started(disk)
        let waiting = try rig.call { try await $0.refresh(Disk.id(11)) }
        #expect(rig.network.open.count == 4)
        let left = try drain(rig)
        try rig.flush()
        #expect(waiting.isDone && waiting.code == .closed)
        let later = try rig.call { try await $0.refresh(Disk.id(11)) }
        #expect(later.isDone && later.code == .closed)
        for connection in rig.network.open.map(\.connection) {
            #expect(left.count == nil)
            try rig.answerWithTokens(connection)
            try rig.flush()
        }
        #expect(left.count == 0 && disk.doubts.isEmpty)
        // Whatever comes due.
        try rig.advance(milliseconds: 3_600_000)
        #expect(try rig.flush() == nil)
        #expect(rig.network.all.count == 4 && rig.isIdle)
    }

    @Test("What is not answered stays in doubt, on record")
    func unanswered() throws {
        let disk = try Disk.populated(2)
        let rig = try Rig.started(disk)
        try rig.advance(milliseconds: 15_000)
        for connection in 0..<2 { try rig.makeOverdue(connection) }
        let left = try drain(rig)
        try rig.advance(milliseconds: 59_999)
        #expect(left.count == nil)
        try rig.answerWithTokens(1)
        try rig.flush()
        try rig.advance(milliseconds: 1)
        #expect(left.count == 1)
        rig.close()
        #expect(disk.doubts.map(\.attempt.key) == [Disk.key(0)])
        #expect(disk.serial(1) == 2)
    }

    @Test("Whoever waits for what is not answered is told at its end, and not at a deadline later")
    func callersAreLetGo() throws {
        let disk = try Disk.populated(1)
        let rig = try Rig.started(disk)
        let callers = try [false, true].map { isPatient in
            try rig.call { try await $0.refresh(Disk.id(0), awaitsLateAnswer: isPatient) }
        }
        #expect(rig.network.open.count == 1)
        let left = try drain(rig, seconds: 1)
        try rig.advance(milliseconds: 999)
        #expect(left.count == nil && callers.allSatisfy { !$0.isDone })
        try rig.advance(milliseconds: 1)
        #expect(left.count == 1)
        #expect(callers.allSatisfy { $0.isDone && $0.code == .answerOutstanding })
        rig.close()
        #expect(disk.doubts.map(\.attempt.key) == [Disk.key(0)])
    }

    @Test("With nothing out it is over at once, and a close does not wait for it")
    func idle() throws {
        let rig = try Rig(.populated(3, expiringIn: 3_600_000))
        #expect(try drain(rig).count == 0)
        let open = try Rig.started(.populated(1))
        let left = try drain(open)
        open.close()
        #expect(left.count != nil)
    }

    @Test("Readers are served, and a disconnect is done")
    func othersGoOn() throws {
        let rig = try Rig(.populated(2, expiringIn: 3_600_000))
        #expect(try drain(rig).count == 0)
        let reader = try rig.call { vault in
            try await vault.withAccessToken(Disk.id(0)) { #expect($0.secret.count > 0) }
        }
        #expect(reader.isDone && reader.code == nil)
        let disconnect = try rig.call { _ = try await $0.disconnect(Disk.id(1)) }
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
    }
}
