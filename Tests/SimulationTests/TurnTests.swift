// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What comes between a turn and its attempt, and what there is no room for.
@Suite("Turns") struct TurnTests {
    /// Takes the turns of all that is due, as the upkeep does first.
    func takeTurns(_ rig: Rig) -> [UpkeepState.Turn] {
        let now = rig.vault.time.now()
        return rig.vault.refresher.shared.withLock { shared in
            _ = shared.upkeep.enqueueDue(now)
            return shared.upkeep.takeTurns(now, limit: Refresher.batchMax, onlyDemands: false)
        }
    }

    func places(_ rig: Rig) -> [Int] {
        rig.vault.refresher.shared.withLock {
            [$0.upkeep.activeCount, $0.upkeep.endpoints[0].preparedCount]
        }
    }

    /// Answers whatever is out, until nothing is.
    func answerAll(_ rig: Rig) throws {
        while let held = rig.network.open.first {
            try rig.answerWithTokens(held.connection)
            try rig.flush()
        }
    }

    @Test("A caller who comes between turn and attempt gives the place back once")
    func callerComesBetween() throws {
        let rig = try Rig(.populated(2))
        rig.vault.refresher.run(true)
        let turns = takeTurns(rig)
        #expect(turns.count == 2)
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        rig.vault.refresher.prepare(turns)
        #expect(places(rig) == [1, 1])
        try rig.flush()
        #expect(places(rig) == [2, 0])
        try answerAll(rig)
        #expect(caller.isDone && caller.code == nil)
        #expect(rig.network.all.count == 2)
        #expect(rig.isIdle)
    }

    @Test("A disconnect between turn and attempt is told, and the place given back once")
    func disconnectComesBetween() throws {
        let rig = try Rig(.populated(2))
        let callers = try (0..<2).map { index in
            try rig.call { try await $0.refresh(Disk.id(index)) }
        }
        let turns = takeTurns(rig)
        #expect(turns.count == 2)
        let disconnect = try rig.call { try await $0.disconnect(Disk.id(0)) }
        rig.flushOnce()
        #expect(callers[0].isDone && callers[0].code == .disconnecting)
        rig.vault.refresher.prepare(turns)
        #expect(places(rig) == [1, 1])
        // Nothing is awaited: no request was made.
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
        #expect(rig.network.all.map(\.connection) == [1])
        try answerAll(rig)
        #expect(callers[1].isDone && callers[1].code == nil)
        try rig.advance(milliseconds: Vault.answerMilliseconds)
        #expect(rig.isIdle)
    }

    @Test("A connection that is gone before its attempt begins gives its place back once")
    func goneBeforeItsAttempt() throws {
        let rig = try Rig(.populated(2))
        let turns = takeTurns(rig)
        let disconnect = try rig.call { try await $0.disconnect(Disk.id(0)) }
        while !disconnect.isDone { rig.flushOnce() }
        rig.vault.refresher.prepare(turns)
        #expect(places(rig) == [1, 1])
        try rig.flush()
        #expect(rig.network.all.map(\.connection) == [1])
        try answerAll(rig)
        #expect(rig.isIdle)
    }

    @Test("Too few blocks for a batch: the rest comes later, nobody hangs, nothing is a failure")
    func shortOfBlocks() throws {
        let rig = try Rig(.populated(16, concurrent: 16))
        let callers = try (0..<16).map { index in
            try rig.call { try await $0.refresh(Disk.id(index)) }
        }
        let replies = try (0..<16).map { try PreparedReply($0) }
        let large = BlockHoard.take(allOf: [65_536, 8192, 2048])
        var hoards = [BlockHoard.take(allOf: [512]), BlockHoard.take(allOf: [128])]
        for index in hoards.indices { BlockHoard.give(6, of: &hoards[index]) }
        let start = ContinuousClock.now
        try rig.start()
        try rig.flush()
        let first = rig.network.open.count
        #expect(first > 0 && first < 16)
        // One block was waited for, and not one for each.
        #expect(start.duration(to: .now) < .seconds(3))
        // The writer never waits: it takes larger ones.
        BlockHoard.give(8, of: &hoards[0])
        for _ in 0..<4 {
            for held in rig.network.open {
                try rig.answer(held.connection, replies[held.connection].take())
            }
            try rig.flush()
            try rig.advance(milliseconds: Refresher.scarceMilliseconds)
            try rig.flush()
        }
        withExtendedLifetime((large, hoards)) {}
        #expect(callers.allSatisfy { $0.isDone })
        #expect(callers.allSatisfy { $0.code == nil || $0.code == .tooManySecrets })
        #expect(callers.count { $0.code == nil } == first)
        #expect((0..<16).allSatisfy { rig.disk.serial($0) == 2 && rig.failureCount($0) == 0 })
        #expect(rig.network.all.count == 16)
        #expect(rig.disk.count(.refreshDelayed) == 0)
        #expect(rig.isIdle)
    }

    @Test("Callers queue behind as many attempts as there can be")
    func callersQueue() throws {
        let count = UpkeepState.attemptsMax + 76
        let disk = try Disk.populated(count, concurrent: 1024)
        // So many cannot be listened to.
        try disk.changeProvider { $0.rotation = .never }
        let rig = try Rig(disk)
        let callers = try (0..<count).map { index in
            try rig.call { try await $0.refresh(Disk.id(index)) }
        }
        try rig.flush()
        #expect(rig.network.open.count == UpkeepState.attemptsMax)
        #expect(callers.allSatisfy { !$0.isDone })
        try answerAll(rig)
        #expect(callers.allSatisfy { $0.isDone && $0.code == nil })
        #expect(rig.network.all.count == count)
        #expect(rig.isIdle)
    }
}

/// An answer that was made while there was room for it.
private final class PreparedReply {
    private var reply: TransportReply?

    init(_ connection: Int) throws { reply = try Rig.tokens(connection, 2) }

    func take() throws -> TransportReply {
        guard let reply = reply.take() else { throw VaultError(.invalidArgument, .vault) }
        return reply
    }
}
