// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What comes back, or does not, while somebody else writes or the disk is full.
@Suite("Answers that come at a bad moment") struct AnswerTests {
    static let minute: Int64 = 60_000

    /// One connection that is due.
    func rig() throws -> Rig {
        try Rig(.populated(1))
    }

    /// The same, its request handed over.
    func rigWithRequest(sendsAtOnce: Bool = true) throws -> Rig {
        let rig = try rig()
        rig.network.sendsAtOnce = sendsAtOnce
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [1])
        return rig
    }

    func refresh(_ rig: Rig) throws -> Errand {
        try rig.call { try await $0.refresh(Disk.id(0)) }
    }

    func expectStorageRefused(_ rig: Rig) throws {
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.reason == .storageRefused)
        #expect(status.nextStep == .makeRoom)
    }

    /// The platform stores another pair, which expires in five seconds.
    func putAnother(_ rig: Rig) throws -> Errand {
        let expiry = UnixTime(milliseconds: rig.clock.now + 5000)
        return try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: "a0.7"), refreshToken: Secret(text: "r0.7"),
                    accessTokenExpiry: expiry))
        }
    }

    @Test("Replaced before a byte left: taken back, nobody's failure, and the newer pair is used")
    func replacedBeforeItLeft() throws {
        let rig = try rigWithRequest(sendsAtOnce: false)
        let caller = try refresh(rig)
        let put = try putAnother(rig)
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        #expect(rig.network.open.isEmpty)
        #expect(caller.isDone && caller.code == nil)
        #expect(rig.isIdle)
        #expect(rig.failureCount(0) == 0)
        #expect(rig.disk.count(.refreshDelayed) == 0)
        #expect(rig.disk.doubts.isEmpty)
        try rig.advance(milliseconds: 5000)
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [7])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.serial(0) == 8)
        #expect(rig.network.all.count == 2)
    }

    @Test("Replaced after it left: what comes is dropped, and the newer pair is used")
    func replacedAfterItLeft() throws {
        let rig = try rigWithRequest()
        let caller = try refresh(rig)
        let put = try putAnother(rig)
        try rig.flush()
        #expect(put.isDone && !caller.isDone)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(caller.isDone && caller.code == nil)
        #expect(rig.disk.serial(0) == 7)
        #expect(rig.disk.count(.lateAnswer) == 1)
        #expect(rig.isIdle)
        try rig.advance(milliseconds: 5000)
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [7])
    }

    @Test("A success that nobody can use is kept until it can be sealed")
    func unreadableOnAFullDisk() throws {
        let rig = try rigWithRequest()
        let caller = try refresh(rig)
        rig.disk.room = .none
        let reply = #"{"refresh_token":"r0.2","token_type":"mac"}"#
        try rig.answer(0, Rig.reply(200, reply))
        try rig.flush()
        #expect(caller.isDone && caller.code == .storeFull)
        // The old refresh token is not presented again while its successor may be in there.
        for _ in 0..<60 {
            try rig.advance(milliseconds: 1000)
            try rig.flush()
        }
        let second = try refresh(rig)
        #expect(rig.network.all.count == 1)
        #expect(!rig.record(0).contains(reply))
        rig.disk.room = .onlyWhatMayUseReserve
        try rig.advance(milliseconds: 1000)
        try rig.flush()
        #expect(rig.record(0).contains(reply))
        #expect(second.isDone && second.code == .providerAnswerUnreadable)
        #expect(rig.isIdle)
    }

    @Test("Tokens that cannot be stored are kept until they can; nothing is sent meanwhile")
    func tokensOnAFullDisk() throws {
        let rig = try rigWithRequest()
        let heard = try rig.listen()
        let caller = try refresh(rig)
        #expect(try rig.vault.status(Disk.id(0))?.reason == nil)
        rig.disk.room = .none
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(caller.isDone && caller.code == .storeFull)
        try expectStorageRefused(rig)
        for _ in 0..<60 {
            try rig.advance(milliseconds: 1000)
            try rig.flush()
        }
        #expect(rig.network.all.count == 1)
        #expect(rig.disk.serial(0) == 1)
        rig.disk.room = .onlyWhatMayUseReserve
        let second = try refresh(rig)
        try rig.advance(milliseconds: 1000)
        try rig.flush()
        #expect(second.isDone && second.code == nil)
        #expect(rig.disk.serial(0) == 2)
        #expect(rig.isIdle && rig.failureCount(0) == 0)
        #expect(rig.disk.doubts.isEmpty)
        // Told once when it began and once when it was over.
        #expect(heard.numbers(.storageRefused) == [1, 0])
        #expect(try rig.vault.status(Disk.id(0))?.reason == nil)
    }

    @Test("A full disk is not the provider's failure")
    func fullDisk() throws {
        let rig = try rig()
        let heard = try rig.listen()
        rig.disk.room = .onlyWhatMayUseReserve
        try rig.start()
        for _ in 0..<600 {
            try rig.flush()
            try rig.advance(milliseconds: 1000)
        }
        let caller = try refresh(rig)
        try rig.flush()
        #expect(caller.isDone && caller.code == .storeFull)
        #expect(rig.network.all.isEmpty)
        #expect(rig.failureCount(0) == 0)
        #expect(rig.disk.count(.refreshDelayed) == 0)
        // Once a second and no more.
        #expect(rig.disk.groups <= 602)
        try expectStorageRefused(rig)
        // With room again it is a second away, and so is the next attempt after a failure.
        rig.disk.room = .enough
        try rig.advance(milliseconds: 1000)
        try rig.flush()
        #expect(rig.network.open.count == 1)
        #expect(heard.numbers(.storageRefused) == [1, 0])
        try rig.answer(0, TransportReply(status: 500, body: nil))
        try rig.flush()
        #expect(rig.failureCount(0) == 1)
        try rig.advance(milliseconds: 1000)
        try rig.flush()
        #expect(rig.network.open.count == 1)
    }

    @Test("A store that takes nothing any more is asked again after minutes, not after a second")
    func refusedForGood() throws {
        let rig = try rig()
        rig.store.refuse(VaultError(.storageFailed, .store))
        try rig.start()
        for _ in 0..<299 {
            try rig.flush()
            try rig.advance(milliseconds: 1000)
        }
        #expect(rig.disk.groups == 1)
        #expect(rig.failureCount(0) == 0)
        try rig.advance(milliseconds: 1000)
        try rig.flush()
        #expect(rig.disk.groups == 2)
    }

    @Test("What an answer says beside its tokens is not forgotten while they wait for room")
    func newsOnAFullDisk() throws {
        let rig = try rigWithRequest()
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        #expect(rig.disk.doubts.count == 1)
        _ = try rig.untilNext(0)
        rig.disk.room = .none
        try rig.answerWithTokens(0)
        try rig.flush()
        rig.disk.room = .enough
        try rig.advance(milliseconds: Refresher.storeAgainMilliseconds)
        try rig.flush()
        #expect(rig.disk.serial(0) == 2)
        #expect(rig.disk.count(.recovered) == 1)
        #expect(rig.disk.contents.batches.isEmpty)
    }

    @Test("What a damaged record does not take is tried ever more seldom, and not dropped")
    func damagedRecord() throws {
        let rig = try rigWithRequest()
        rig.store.refusesCommits = VaultError(.authenticationFailed, .store)
        try rig.answerWithTokens(0)
        for _ in 0..<600 {
            try rig.flush()
            try rig.advance(milliseconds: 1000)
        }
        // After 1, 2, 4, ... seconds, and then once a minute.
        #expect((7...18).contains(rig.disk.groups))
        rig.store.refusesCommits = nil
        try rig.advance(milliseconds: Refresher.storeAgainMilliseconds << 6)
        try rig.flush()
        #expect(rig.disk.serial(0) == 2)
    }

    @Test("Where all places are taken by what the disk refuses, callers are told at once")
    func allPlacesTaken() throws {
        let disk = try Disk.populated(UpkeepState.attemptsMax + 1, concurrent: 1024)
        // So many cannot be listened to.
        try disk.changeProvider { $0.rotation = .never }
        let rig = try Rig.started(disk)
        #expect(rig.network.open.count == UpkeepState.attemptsMax)
        let left = try #require((0...UpkeepState.attemptsMax).first { !rig.wasAsked($0) })
        let early = try rig.call { try await $0.refresh(Disk.id(left)) }
        #expect(!early.isDone)
        rig.disk.room = .none
        for held in rig.network.open { try rig.answerWithTokens(held.connection) }
        try rig.flush()
        #expect(early.isDone && early.code == .storeFull)
        let caller = try rig.call { try await $0.refresh(Disk.id(left)) }
        #expect(caller.isDone && caller.code == .storeFull)
    }
}
