// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What one process leaves for the next: attempts in doubt, another clock's times, and no secret.
@Suite("From one process to the next") struct RestartTests {
    enum Ending: CaseIterable {
        /// The answer was lost, and then the process ended in order.
        case lostThenClosed
        /// The answer was lost, and then the process died.
        case lostThenCrashed
        /// The process ended in order while it waited for the answer.
        case closedWhileWaiting
    }

    /// A disk with connections whose tokens are good for an hour. Their provider replaces no
    /// refresh token: nothing keeps the next process from asking at once.
    func disk(_ connections: Int, concurrent: Int = 8) throws -> Disk {
        let disk = try Disk.populated(
            connections, concurrent: concurrent, expiringIn: 3_600_000)
        try disk.changeProvider { $0.rotation = .never }
        return disk
    }

    func refresh(_ rig: Rig, _ connection: Int = 0) throws -> Errand {
        let errand = try rig.call { try await $0.refresh(Disk.id(connection)) }
        try rig.flush()
        return errand
    }

    @Test("A lost answer is not forgotten: the next process asks first", arguments: Ending.allCases)
    func lostAnswer(_ ending: Ending) throws {
        let disk = try disk(2)
        do {
            let rig = try Rig(disk)
            _ = try refresh(rig)
            #expect(rig.network.open.map(\.connection) == [0])
            if ending != .closedWhileWaiting {
                try rig.answer(0, TransportReply(failure: .deadlineExceeded))
                try rig.flush()
                #expect(rig.failureCount(0) == 1)
            }
            if ending == .lostThenCrashed { rig.store.die() }
        }
        #expect(disk.doubts.map(\.attempt.key) == [Disk.key(0)])
        do {
            let rig = try Rig(disk)
            #expect(disk.doubts.count == 1)
            try rig.start()
            try rig.flush()
            #expect(disk.count(.attemptInDoubt) == 1)
            #expect(rig.network.open.map(\.connection) == [0])
            #expect(rig.network.open.map(\.serial) == [1])
            try rig.answerWithTokens(0)
            try rig.flush()
            #expect(disk.doubts.isEmpty && disk.contents.batches.isEmpty)
            #expect(rig.isIdle)
        }
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        #expect(disk.count(.attemptInDoubt) == 1)
        #expect(rig.network.all.isEmpty)
    }

    @Test("An answer that came is not in doubt, whatever it said")
    func whatWasAnsweredIsNoDoubt() throws {
        let disk = try disk(1)
        let rig = try Rig(disk)
        let caller = try refresh(rig)
        try rig.answer(0, TransportReply(status: 503, body: nil))
        try rig.flush()
        #expect(caller.isDone && caller.code == .providerBusy)
        #expect(disk.doubts.isEmpty && disk.contents.batches.isEmpty)
        // One in doubt is settled by the next that is answered.
        try rig.advance(milliseconds: 1000)
        _ = try refresh(rig)
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        #expect(disk.doubts.count == 1)
        try rig.advance(milliseconds: 2000)
        _ = try refresh(rig)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(disk.contents.batches.isEmpty)
    }

    @Test(
        "A disconnect leaves no doubt, before or after the answer was lost",
        arguments: [true, false])
    func disconnectLeavesNoDoubt(_ isLostBefore: Bool) throws {
        let disk = try disk(1)
        let rig = try Rig(disk)
        _ = try refresh(rig)
        if isLostBefore {
            try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
            try rig.flush()
        }
        let disconnect = try rig.call { try await $0.disconnect(Disk.id(0)) }
        try rig.flush()
        if !isLostBefore {
            #expect(!disconnect.isDone)
            try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
            try rig.flush()
        }
        #expect(disconnect.isDone && disconnect.code == nil)
        #expect(disk.contents.records[Disk.key(0)] == nil)
        #expect(disk.doubts.isEmpty && disk.contents.batches.isEmpty)
    }

    @Test("What happens to an orphan does not count in the connection's next life")
    func orphansFailure() throws {
        let disk = try disk(1)
        let rig = try Rig(disk)
        _ = try refresh(rig)
        let disconnect = try rig.call { try await $0.disconnect(Disk.id(0)) }
        try rig.flush()
        try rig.advance(milliseconds: Vault.answerMilliseconds)
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
        let expiry = UnixTime(milliseconds: rig.clock.now + 3_600_000)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: "a0.7"), refreshToken: Secret(text: "r0.7"),
                    accessTokenExpiry: expiry),
                application: ApplicationID("app"))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        let handle = Handle(number: try #require(disk.contents.records[Disk.key(0)]?.slot))
        let due = rig.vault.refresher.deadline(handle: handle)
        try rig.answer(0, TransportReply(status: 500, body: nil))
        try rig.flush()
        #expect(rig.failureCount(0) == 0)
        #expect(due != nil && rig.vault.refresher.deadline(handle: handle) == due)
        #expect(disk.serial(0) == 7)
        #expect(rig.isIdle)
    }

    @Test("A clock that stepped back: what the other one wrote is due, and is not lent")
    func clockThatSteppedBack() throws {
        let disk = try disk(1)
        do {
            let rig = try Rig(disk, offset: 24 * 3_600_000)
            _ = try refresh(rig)
            try rig.answerWithTokens(0)
            try rig.flush()
            #expect(disk.serial(0) == 2)
        }
        let rig = try Rig(disk)
        let reader = try rig.call { vault in
            try await vault.withAccessToken(Disk.id(0)) { #expect(TokenText($0)?.serial == 3) }
        }
        #expect(!reader.isDone)
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [2])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(reader.isDone && reader.code == nil)
        // From here on it is due as usual.
        try rig.advance(milliseconds: 1_800_000)
        try rig.flush()
        #expect(rig.network.all.count == 1)
        try rig.advance(milliseconds: 1_500_000)
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [3])
    }

    @Test("A clock that stepped back, and nobody asks: it is refreshed at once all the same")
    func clockThatSteppedBackUnasked() throws {
        let disk = try disk(1)
        do {
            let rig = try Rig(disk, offset: 24 * 3_600_000)
            _ = try refresh(rig)
            try rig.answerWithTokens(0)
            try rig.flush()
        }
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [2])
    }
}
