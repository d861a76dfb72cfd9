// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// A process died, or was ended, while the provider of strict rotation had not answered: it may
/// still be at work on the request.
@Suite("Attempts of an earlier process") struct HoldTests {
    static let start = VirtualClock.start

    /// What a process leaves that sent one refresh at the start and died.
    func disk(
        expiringIn milliseconds: Int64, _ change: (inout Provider) -> Void = { _ in }
    ) throws -> Disk {
        let disk = try Disk.populated(1, expiringIn: milliseconds)
        try disk.changeProvider(change)
        let rig = try Rig(disk)
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.count == 1)
        rig.store.die()
        #expect(disk.doubts.map(\.recorded.milliseconds) == [Self.start])
        return disk
    }

    /// The next process, so many seconds later.
    func next(_ disk: Disk, after seconds: Int64 = 5, isRunning: Bool = true) throws -> Rig {
        let rig = try Rig(disk, moment: Self.start + 1000 * seconds)
        if isRunning { try rig.start() }
        try rig.flush()
        return rig
    }

    @Test(
        "It is asked a minute before the tokens die, after 45 s at least and 5 minutes at most",
        arguments: [(7_200_000, 300), (180_000, 120), (20_000, 45)] as [(Int64, Int64)])
    func waits(_ expiry: Int64, _ seconds: Int64) throws {
        let rig = try next(disk(expiringIn: expiry))
        #expect(rig.disk.count(.attemptInDoubt) == 1 && rig.network.all.isEmpty)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.answerOutstandingSince?.milliseconds == Self.start)
        #expect(status.nextRefresh?.milliseconds == Self.start + 1000 * seconds)
        _ = try rig.untilNext(0)
        #expect(rig.clock.now - Self.start == 1000 * seconds)
        #expect(try rig.vault.status(Disk.id(0))?.answerOutstandingSince == nil)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.doubts.isEmpty && rig.isIdle)
    }

    @Test("Whoever wants a token gets the fresh one; one that expired is waited for, or not")
    func callers() throws {
        let rig = try next(disk(expiringIn: 20_000), isRunning: false)
        let reader = try rig.call { vault in
            try await vault.withAccessToken(Disk.id(0)) { #expect(TokenText($0)?.serial == 1) }
        }
        #expect(reader.isDone && reader.code == nil)
        try rig.advance(milliseconds: 20_000)
        let caller = try rig.call { try await $0.withAccessToken(Disk.id(0)) { _ in } }
        #expect(caller.isDone && caller.code == .answerOutstanding)
        let gone = try rig.call { try await $0.refresh(Disk.id(0), awaitsLateAnswer: true) }
        let patient = try rig.call { vault in
            try await vault.withAccessToken(Disk.id(0), awaitsLateAnswer: true) {
                #expect(TokenText($0)?.serial == 2)
            }
        }
        gone.cancel()
        try rig.flush()
        #expect(gone.isDone && gone.code == .cancelled)
        #expect(try rig.untilNext(0) == 20_000)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(patient.isDone && patient.code == nil)
        #expect(rig.network.all.count == 1 && rig.isIdle)
    }

    @Test("Nothing of an old attempt is out any more")
    func old() throws {
        let rig = try next(disk(expiringIn: 7_200_000), after: 301)
        #expect(rig.disk.count(.attemptInDoubt) == 1)
        #expect(rig.network.open.map(\.serial) == [1])
    }

    @Test("An application that is looked at with care is not tried with it")
    func careful() throws {
        let disk = Disk()
        try disk.register()
        try disk.connect(1..<3, expiringIn: 10_000)
        // It was refreshed last, as far as anybody knows.
        try disk.connect(0..<1, expiringIn: 7_200_000)
        let rig = try Rig(disk)
        _ = try rig.putApplication(secret: 2)
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.map(\.connection) == [0])
        rig.store.die()
        let next = try next(disk)
        #expect(next.network.open.count == 1 && !next.wasAsked(0))
        try next.answerAll(milliseconds: 44_000 - 5000) {
            try Rig.tokens($0.connection, $0.serial + 1)
        }
        #expect(next.wasAsked(1) && next.wasAsked(2) && !next.wasAsked(0))
        _ = try next.untilNext(0)
        #expect(next.clock.now - Self.start == 300_000)
    }

    @Test("Where the same refresh token is taken again nothing is waited for", arguments: [0, 1])
    func lenient(_ which: Int) throws {
        let disk = try disk(expiringIn: 7_200_000) {
            if which == 0 { $0.rotation = .never } else { $0.reuseGraceSeconds = 30 }
        }
        let rig = try next(disk)
        #expect(rig.network.open.map(\.serial) == [1])
    }

    @Test("Nobody waits for what was about other tokens")
    func replaced() throws {
        let rig = try next(disk(expiringIn: 20_000), isRunning: false)
        let patient = try rig.call { try await $0.refresh(Disk.id(0), awaitsLateAnswer: true) }
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(accessToken: Secret(text: "a0.7"), refreshToken: Secret(text: "r0.7")),
                application: ApplicationID("app"))
        }
        try rig.flush()
        #expect(put.isDone && rig.disk.doubts.isEmpty)
        #expect(try rig.vault.status(Disk.id(0))?.answerOutstandingSince == nil)
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [7])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(caller.isDone && caller.code == nil)
        // It was waiting for the old ones, and those are gone.
        try rig.advance(milliseconds: 60_000)
        try rig.flush()
        #expect(patient.isDone && patient.code == nil)
        #expect(rig.network.all.count == 1 && rig.isIdle)
    }

    @Test("A vault that is closed keeps nobody waiting")
    func closed() throws {
        let rig = try next(disk(expiringIn: 20_000), isRunning: false)
        let patient = try rig.call { try await $0.refresh(Disk.id(0), awaitsLateAnswer: true) }
        rig.close()
        #expect(patient.isDone && patient.code == .closed)
        #expect(rig.disk.doubts.count == 1)
    }

    @Test("What the process stood still over is recorded anew before it leaves, but once")
    func recordedAnewAfterAStandstill() throws {
        let disk = try Disk.populated(1)
        let rig = try Rig(disk)
        try rig.start()
        // While the first record is on its way to the disk, and while the second is.
        for isSent in [false, true] {
            rig.clock.now += 3_600_000
            #expect(rig.stepDisk())
            #expect(rig.network.all.isEmpty != isSent)
            try rig.settle()
        }
        #expect(rig.askedCount(0) == 1)
        // Of the two, one is left, and it is the later.
        let recorded = try #require(disk.doubts.first).recorded.milliseconds
        #expect(disk.doubts.count == 1 && recorded == Self.start + 3_600_000)
    }

    @Test("What waited for its turn is recorded anew before it leaves", arguments: [true, false])
    func recordedAnew(_ isFull: Bool) throws {
        let disk = try Disk.populated(3, concurrent: 1)
        let rig = try Rig.started(disk)
        let caller = try rig.call { try await $0.refresh(Disk.id(1)) }
        for _ in 0..<3 {
            try rig.advance(milliseconds: 10_000)
            try rig.flush()
        }
        if isFull { disk.room = .onlyWhatMayUseReserve }
        try rig.advance(milliseconds: 10_000)
        try rig.flush()
        let first = try #require(rig.network.open.first).connection
        disk.room = .enough
        try rig.answerWithTokens(first)
        try rig.flush()
        if isFull { try rig.advance(milliseconds: 2000) }
        try rig.flush()
        let next = try #require(rig.network.open.first).connection
        let recorded = disk.doubts.filter { $0.attempt.key == Disk.key(next) }
        #expect(recorded.count == 1)
        let age = try #require(recorded.first).recorded.milliseconds - rig.clock.now
        #expect(-age < UpkeepState.recordMillisecondsMax)
        while let open = rig.network.open.first {
            try rig.answerWithTokens(open.connection)
            try rig.flush()
        }
        #expect(caller.isDone && (caller.code == nil || isFull))
        #expect(disk.doubts.isEmpty && disk.contents.batches.isEmpty && rig.isIdle)
        #expect(rig.network.all.count == 3)
    }
}
