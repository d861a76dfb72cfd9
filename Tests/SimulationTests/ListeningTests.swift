// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Answers that do not come in time, and what becomes of the connection meanwhile.
@Suite("Late answers") struct ListeningTests {
    /// Connections that are due, their requests out since 15 s.
    func rig(_ connections: Int = 1, concurrent: Int = 8) throws -> Rig {
        let disk = try Disk.populated(connections, concurrent: concurrent)
        try disk.changeProvider { $0.revocationEndpoint = "https://provider.example/revoke" }
        let rig = try Rig.started(disk)
        try rig.advance(milliseconds: 15_000)
        return rig
    }

    func put(_ rig: Rig, serial: Int64, expiringIn milliseconds: Int64 = 3_600_000) throws {
        let expiry = UnixTime(milliseconds: rig.clock.now + milliseconds)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: "a0.\(serial)"),
                    refreshToken: Secret(text: "r0.\(serial)"), accessTokenExpiry: expiry),
                application: ApplicationID("app"))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
    }

    func refresh(_ rig: Rig, awaitsLateAnswer: Bool = false) throws -> Errand {
        try rig.call {
            try await $0.refresh(Disk.id(0), awaitsLateAnswer: awaitsLateAnswer)
        }
    }

    func outstandingSince(_ rig: Rig) throws -> Int64? {
        try rig.vault.status(Disk.id(0))?.answerOutstandingSince?.milliseconds
    }

    @Test("Who waits is let go, who comes later is told at once, and the tokens are taken")
    func late() throws {
        let rig = try rig()
        let heard = try rig.listen()
        let caller = try refresh(rig)
        let patient = try refresh(rig, awaitsLateAnswer: true)
        let gone = try refresh(rig, awaitsLateAnswer: true)
        #expect(try outstandingSince(rig) == nil)
        try rig.makeOverdue(0)
        #expect(caller.isDone && caller.code == .answerOutstanding)
        #expect(try outstandingSince(rig) == rig.clock.now - 15_000)
        try rig.advance(milliseconds: 60_000)
        let later = try refresh(rig)
        #expect(later.isDone && later.code == .answerOutstanding)
        gone.cancel()
        try rig.flush()
        #expect(gone.isDone && gone.code == .cancelled && !patient.isDone)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.reason == .answerOutstanding && status.nextStep == .wait)
        #expect(rig.network.all.count == 1)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(patient.isDone && patient.code == nil)
        #expect(rig.disk.serial(0) == 2 && rig.disk.doubts.isEmpty)
        #expect(try outstandingSince(rig) == nil)
        #expect(try rig.vault.status(Disk.id(0))?.reason == nil)
        #expect(rig.disk.count(.answerOutstanding) == 1 && rig.disk.count(.recovered) == 1)
        #expect(heard.numbers(.answerOutstanding) == [600] && heard.count(.recovered) == 1)
        #expect(rig.isIdle)
    }

    @Test("Where it is not answered after all the same token is asked for again, after a pause")
    func neverAnswered() throws {
        let rig = try rig()
        try rig.makeOverdue(0)
        try rig.advance(milliseconds: 585_000)
        try rig.answer(0, TransportReply(failure: .deadlineExceeded))
        try rig.flush()
        #expect(rig.disk.doubts.count == 1 && rig.failureCount(0) == 1)
        #expect(rig.disk.count(.refreshDelayed) == 1)
        _ = try rig.untilNext(0)
        #expect(rig.network.open.map(\.serial) == [1])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.doubts.isEmpty && rig.isIdle)
    }

    @Test("The deadline of many is one failure of each, however each ends")
    func failures() throws {
        let rig = try rig(8)
        for connection in 0..<Governor.failuresInARowMax - 1 { try rig.makeOverdue(connection) }
        for connection in 0..<Governor.failuresInARowMax - 1 {
            try rig.answer(connection, TransportReply(failure: .lost(curlCode: 56)))
        }
        try rig.flush()
        #expect(health(rig) == .up)
        try rig.makeOverdue(Governor.failuresInARowMax - 1)
        #expect(health(rig) != .up)
    }

    func health(_ rig: Rig) -> Governor.Health {
        rig.vault.refresher.shared.withLock { $0.upkeep.endpoints[0].governor.health }
    }

    @Test("An answer after all ends the pause of a provider that was thought to be down")
    func endsThePause() throws {
        let rig = try rig(20)
        let out = rig.network.open.map(\.connection)
        for connection in out { try rig.makeOverdue(connection) }
        try rig.flush()
        #expect(health(rig) != .up && rig.network.open.count == 8)
        for connection in out.dropLast() {
            try rig.answer(connection, TransportReply(failure: .lost(curlCode: 56)))
        }
        try rig.flush()
        #expect(health(rig) != .up && rig.network.open.count == 1)
        try rig.answerWithTokens(try #require(out.last))
        try rig.flush()
        #expect(health(rig) == .up)
        // From one on.
        #expect(rig.network.open.count == 1)
        try rig.answerWithTokens(try #require(rig.network.open.first).connection)
        try rig.flush()
        #expect(rig.network.open.count == 2)
    }

    @Test("As many as may be in flight stop all that is new at that endpoint, and callers are told")
    func full() throws {
        let disk = try Disk.populated(4, concurrent: 2)
        try disk.register("other", host: "other.example", concurrent: 2)
        try disk.connect(4..<8, to: "other")
        let rig = try Rig.started(disk)
        try rig.advance(milliseconds: 15_000)
        let out = rig.network.open.map(\.connection).filter { $0 < 4 }
        let waiting = Set(0..<4).subtracting(out).sorted()
        let caller = try rig.call { try await $0.refresh(Disk.id(waiting[0])) }
        for connection in out { try rig.makeOverdue(connection) }
        try rig.flush()
        #expect(caller.isDone && caller.code == .backingOff)
        let later = try rig.call { try await $0.refresh(Disk.id(waiting[1])) }
        #expect(later.isDone && later.code == .backingOff)
        // The other provider's go on.
        for connection in rig.network.open.map(\.connection) where connection >= 4 {
            try rig.answerWithTokens(connection)
        }
        try rig.flush()
        #expect(rig.network.open.count { $0.connection >= 4 } == 2)
        #expect(rig.network.open.filter { $0.connection < 4 }.map(\.connection) == out)
        try rig.answerWithTokens(out[0])
        try rig.flush()
        #expect(rig.network.open.count { $0.connection < 4 } == 2)
        while let open = rig.network.open.first {
            try rig.answerWithTokens(open.connection)
            try rig.flush()
        }
        #expect(rig.network.all.count == 8 && rig.isIdle)
    }

    @Test("Other tokens need not wait for the answer to the old, which is dropped")
    func replaced() throws {
        let rig = try rig()
        try rig.makeOverdue(0)
        let patient = try refresh(rig, awaitsLateAnswer: true)
        try put(rig, serial: 7)
        #expect(patient.isDone && patient.code == nil)
        #expect(try outstandingSince(rig) == nil)
        let caller = try refresh(rig)
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [1, 7])
        let old = try #require(rig.network.open.first)
        old.request.answer(try Rig.tokens(0, 2))
        try rig.flush()
        #expect(!caller.isDone && rig.disk.serial(0) == 7)
        #expect(rig.disk.count(.lateAnswer) == 1)
        // Nothing is revoked: it could end the grant that the other tokens are of.
        #expect(rig.network.open.map(\.serial) == [7])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(caller.isDone && caller.code == nil && rig.disk.serial(0) == 8)
        #expect(rig.disk.doubts.isEmpty && rig.isIdle)
    }

    @Test("What becomes of the old is nothing to the other tokens: neither doubt nor schedule")
    func replacedAndLost() throws {
        let rig = try rig()
        try rig.makeOverdue(0)
        try put(rig, serial: 7)
        _ = try refresh(rig)
        try rig.flush()
        let old = try #require(rig.network.open.first)
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        #expect(rig.failureCount(0) == 1)
        let handle = Handle(number: try #require(rig.disk.contents.records[Disk.key(0)]?.slot))
        let due = rig.vault.refresher.deadline(handle: handle)
        old.request.answer(try Rig.tokens(0, 2))
        try rig.flush()
        #expect(rig.failureCount(0) == 1 && rig.disk.doubts.count == 1)
        #expect(rig.vault.refresher.shared.withLock { $0.doubts[Disk.key(0)] } != nil)
        #expect(due != nil && rig.vault.refresher.deadline(handle: handle) == due)
    }

    @Test("Tokens that were replaced in time make no listener of the connection's")
    func replacedBefore() throws {
        let rig = try rig()
        let caller = try refresh(rig)
        try put(rig, serial: 7)
        #expect(!caller.isDone)
        try rig.makeOverdue(0)
        // It looks again, and finds the others.
        #expect(caller.isDone && caller.code == nil)
        #expect(rig.disk.count(.answerOutstanding) == 0)
        #expect(try outstandingSince(rig) == nil)
        try rig.answer(0, TransportReply(failure: .deadlineExceeded))
        try rig.flush()
        #expect(rig.disk.doubts.isEmpty && rig.failureCount(0) == 0 && rig.isIdle)
    }

    @Test(
        "A disconnect waits, and says how long it is listened for; late tokens are revoked",
        arguments: [false, true])
    func disconnected(_ wasReplaced: Bool) throws {
        let rig = try rig()
        try rig.makeOverdue(0)
        let end = rig.clock.now - 15_000 + 600_000
        if wasReplaced { try put(rig, serial: 7) }
        let receipts = Monitor<DisconnectReceipt?>(nil)
        let disconnect = try rig.call { vault in
            let receipt = try await vault.disconnect(Disk.id(0))
            receipts.withLock { $0 = receipt }
        }
        try rig.flush()
        let listener = try #require(rig.network.open.first)
        try rig.advance(milliseconds: Vault.answerMilliseconds - 1)
        #expect(rig.network.open.count == 1 && !disconnect.isDone)
        try rig.advance(milliseconds: 1)
        // The tokens that are there are revoked.
        for _ in 0..<2 {
            try #require(rig.network.open.last).request.answer(
                TransportReply(status: 200, body: nil))
            try rig.flush()
        }
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
        let receipt = try #require(receipts.withLock { $0 })
        #expect(!receipt.isEveryAnswerIn)
        #expect(receipt.listensUntil == UnixTime(milliseconds: end))
        listener.request.answer(try Rig.tokens(0, 2))
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [2])
        for _ in 0..<2 {
            try #require(rig.network.open.last).request.answer(
                TransportReply(status: 200, body: nil))
            try rig.flush()
        }
        #expect(rig.disk.count(.lateAnswer) == 1)
        #expect(rig.disk.contents.records[Disk.key(0)] == nil && rig.disk.doubts.isEmpty)
        #expect(rig.isIdle)
    }

    @Test("A disconnect of what is not overdue yet says when it could end at the latest")
    func disconnectedBefore() throws {
        let rig = try rig()
        let receipts = Monitor<DisconnectReceipt?>(nil)
        let disconnect = try rig.call { vault in
            let receipt = try await vault.delete(Disk.id(0))
            #expect(receipt)
        }
        let listener = try #require(rig.network.open.first)
        try rig.flush()
        listener.request.tellOverdue()
        try rig.advance(milliseconds: Vault.answerMilliseconds)
        try rig.flush()
        #expect(disconnect.isDone && receipts.withLock { $0 } == nil)
        // The next life has nothing to do with it.
        try put(rig, serial: 9, expiringIn: 1000)
        try rig.advance(milliseconds: 2000)
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [1, 9])
        listener.request.answer(try Rig.tokens(0, 2))
        try rig.flush()
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.serial(0) == 10 && rig.isIdle)
    }
}
