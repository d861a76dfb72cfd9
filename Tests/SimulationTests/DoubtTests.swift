// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What is left of an attempt after which nobody knows whether the refresh token was replaced.
@Suite("Attempts in doubt") struct DoubtTests {
    /// Connections that are due, their requests out.
    func rig(
        grace: Int64 = 0, rotation: Provider.Rotation = .always, connections: Int = 1
    ) throws -> Rig {
        let disk = try Disk.populated(connections)
        try disk.changeProvider {
            $0.reuseGraceSeconds = grace
            $0.rotation = rotation
        }
        return try Rig.started(disk)
    }

    /// The platform stores tokens of an hour.
    func put(_ rig: Rig, serial: Int64) throws {
        let expiry = UnixTime(milliseconds: rig.clock.now + 3_600_000)
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

    func lose(_ rig: Rig) throws {
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
    }

    @Test(
        "A server or a gateway that broke off may have acted; one that put it off has not",
        arguments: [
            (500, true), (502, true), (504, true), (520, true), (503, false), (501, false),
            (429, false), (408, false), (403, false),
        ])
    func brokenOff(_ status: Int, _ isInDoubt: Bool) throws {
        let rig = try rig()
        try rig.answer(0, TransportReply(status: status, body: nil))
        try rig.flush()
        #expect(rig.disk.doubts.count == (isInDoubt ? 1 : 0))
        _ = try rig.untilNext(0)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.doubts.isEmpty && rig.disk.contents.batches.isEmpty)
    }

    @Test(
        "A success that names no token is in doubt: the next process asks first",
        arguments: ["", "<p>Your new token is r0.2</p>", #"{"access_token":"a0.2","x":{}"#, "{}"])
    func unread(_ body: String) throws {
        let rig = try rig(rotation: .never)
        try rig.answer(
            0, body.isEmpty ? TransportReply(status: 200, body: nil) : Rig.reply(200, body))
        try rig.flush()
        #expect(rig.disk.count(.replyUnread) == 0 && rig.disk.count(.refreshDelayed) == 1)
        #expect(!rig.record(0).contains("0.2"))
        #expect(rig.disk.doubts.map(\.attempt.key) == [Disk.key(0)])
        rig.close()
        let next = try Rig(rig.disk)
        try next.start()
        try next.flush()
        #expect(next.disk.count(.attemptInDoubt) == 1)
        #expect(next.network.open.map(\.serial) == [1])
    }

    @Test("An attempt in doubt is told once, however often the vault is opened, and so is its end")
    func toldOnce() throws {
        let rig = try rig(rotation: .never)
        try rig.answer(0, Rig.reply(200, "{}"))
        try rig.flush()
        rig.close()
        var moment = rig.clock.now
        for _ in 0..<3 {
            let next = try Rig(rig.disk, moment: moment)
            next.close()
            #expect(next.disk.count(.attemptInDoubt) == 1)
            moment = next.clock.now
        }
        let next = try Rig(rig.disk, moment: moment)
        try next.start()
        try next.flush()
        try next.answerWithTokens(0)
        try next.flush()
        #expect(next.disk.count(.recovered) == 1 && next.disk.count(.attemptInDoubt) == 1)
    }

    @Test("However long the provider was down before, a lost answer is asked for again in a hurry")
    func hurriesAfterAnOutage() throws {
        let rig = try rig(grace: 30, connections: 2)
        for _ in 0..<2 * RefreshPolicy.urgentAttemptsMax {
            try rig.answer(0, TransportReply(status: 503, body: nil))
            // Another connection shows that the provider is not down.
            try rig.answerWithTokens(1)
            try rig.flush()
            _ = try rig.call { try await $0.refresh(Disk.id(1)) }
            _ = try rig.untilNext(0)
        }
        #expect(rig.failureCount(0) == 2 * RefreshPolicy.urgentAttemptsMax)
        try lose(rig)
        #expect(rig.failureCount(0) == 1)
        // Told at the beginning of the series, and when the trouble changes.
        #expect(rig.disk.count(.refreshDelayed) == 2)
        try rig.answerWithTokens(1)
        #expect(try rig.untilNext(0) <= 1000)
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.count(.recovered) == 1)
    }

    @Test("Of two attempts that a dead process left, none is forgotten")
    func twoBatches() throws {
        let rig = try rig(rotation: .never)
        try lose(rig)
        _ = try rig.untilNext(0)
        rig.store.die()
        #expect(rig.disk.doubts.map(\.attempt.key) == [Disk.key(0), Disk.key(0)])
        let next = try Rig(rig.disk)
        try next.start()
        try next.flush()
        #expect(next.disk.count(.attemptInDoubt) == 1)
        try next.answerWithTokens(0)
        try next.flush()
        #expect(next.disk.contents.batches.isEmpty)
    }

    @Test("The late answer to an orphan says nothing of the next life's doubt")
    func orphanOfTheLifeBefore() throws {
        let rig = try rig()
        let orphan = try #require(rig.network.last(0))
        let disconnect = try rig.call { try await $0.disconnect(Disk.id(0)) }
        try rig.flush()
        try rig.advance(milliseconds: Vault.answerMilliseconds)
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
        try put(rig, serial: 7)
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(try #require(rig.network.last(0)).serial == 7)
        try lose(rig)
        #expect(caller.isDone && rig.disk.doubts.count >= 1)
        orphan.request.answer(try Rig.tokens(0, 2))
        try rig.flush()
        #expect(rig.vault.refresher.shared.withLock { $0.doubts[Disk.key(0)] } != nil)
        #expect(rig.disk.doubts.map(\.attempt.key) == [Disk.key(0)])
    }

    @Test("New tokens end the doubt about the old")
    func replaced() throws {
        let rig = try rig()
        try lose(rig)
        #expect(rig.disk.doubts.count == 1)
        try put(rig, serial: 7)
        #expect(rig.disk.doubts.isEmpty && rig.disk.contents.batches.isEmpty)
    }

    @Test(
        "A request whose tokens were replaced meanwhile leaves nothing in doubt",
        arguments: [true, false])
    func replacedMeanwhile(_ isLost: Bool) throws {
        let rig = try rig()
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        try put(rig, serial: 7)
        #expect(!caller.isDone)
        if isLost {
            try lose(rig)
        } else {
            try rig.answer(0, Rig.reply(200, "<p>no tokens</p>"))
            try rig.flush()
        }
        #expect(rig.disk.doubts.isEmpty && rig.disk.contents.batches.isEmpty)
        #expect(rig.disk.serial(0) == 7)
        // Nor their failure: whoever waited finds the new ones.
        #expect(caller.isDone && caller.code == nil)
        #expect(rig.failureCount(0) == 0 && rig.disk.count(.refreshDelayed) == 0)
    }

    @Test("The same where the answer is judged while the new tokens are on their way to the disk")
    func replacedWhileItIsStored() throws {
        let rig = try rig()
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        let expiry = UnixTime(milliseconds: rig.clock.now + 3_600_000)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: "a0.7"), refreshToken: Secret(text: "r0.7"),
                    accessTokenExpiry: expiry))
        }
        #expect(!put.isDone)
        try rig.answer(0, Rig.reply(500, ""))
        #expect(!caller.isDone)
        try rig.flush()
        #expect(put.isDone && caller.isDone && caller.code == nil)
        #expect(rig.failureCount(0) == 0)
        #expect(rig.disk.doubts.isEmpty && rig.disk.contents.batches.isEmpty)
        #expect(try rig.vault.status(Disk.id(0))?.reason == nil)
    }
}
