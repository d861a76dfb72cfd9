// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Successes that name a token and that nobody can use.
@Suite("Replies that lie unread") struct UnreadTests {
    static let hour: Int64 = 3_600_000
    /// One that names tokens of the serial 2, which need more than a bearer's.
    static let unread = #"{"access_token":"a0.2","refresh_token":"r0.2","token_type":"mac","x":1}"#

    /// Connections that are due, their requests out.
    func rig(
        connections: Int = 1, _ change: (inout Provider) -> Void = { _ in }
    ) throws -> Rig {
        let disk = try Disk.populated(connections)
        try disk.changeProvider(change)
        return try Rig.started(disk)
    }

    func answer(_ rig: Rig, _ body: String) throws { try answer(rig, 0, body) }

    func answer(_ rig: Rig, _ connection: Int, _ body: String) throws {
        try rig.answer(connection, Rig.reply(200, body))
        try rig.flush()
    }

    func pass(_ rig: Rig, hours: Int) throws {
        for _ in 0..<60 * hours {
            try rig.advance(milliseconds: Self.hour / 60)
            try rig.flush()
        }
    }

    func expectHeld(_ rig: Rig, _ connection: Int = 0) throws {
        let status = try #require(try rig.vault.status(Disk.id(connection)))
        #expect(status.reason == .replyUnread && status.nextStep == .retry)
        #expect(status.nextRefresh == nil)
    }

    @Test(
        "It is kept, ours of it, and the old refresh token is not presented while it lies there",
        arguments: [
            unread, #"{"access_token":"a0.2\n","refresh_token":"r0.2","name":"x"}"#,
            #"{"data":{"refresh_token":"r0.2"},"name":"x"}"#, "refresh_token=r0.2&name=x",
            #"{"refresh_token":"r0.2","error":"x","name":"x"}"#,
        ])
    func held(_ body: String) throws {
        let rig = try rig()
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        try answer(rig, body)
        #expect(caller.isDone && caller.code == .providerAnswerUnreadable)
        #expect(rig.record(0).contains("r0.2") && !rig.record(0).contains("name"))
        #expect(rig.disk.count(.replyUnread) == 1)
        // The answer is definite: nothing is in doubt.
        #expect(rig.disk.doubts.isEmpty && rig.isIdle)
        try expectHeld(rig)
        try pass(rig, hours: 48)
        let later = try rig.call { try await $0.refresh(Disk.id(0)) }
        let reader = try rig.call { try await $0.withAccessToken(Disk.id(0)) { _ in } }
        let rejected = try rig.call { try await $0.reportRejected(Disk.id(0)) }
        try rig.flush()
        for errand in [later, reader, rejected] {
            #expect(errand.isDone && errand.code == .providerAnswerUnreadable)
        }
        #expect(rig.network.all.count == 1)
        try expectHeld(rig)
        #expect(try rig.vault.status(Disk.id(0))?.light == .red)
        // Nor by the next process.
        rig.close()
        let next = try Rig(rig.disk, moment: rig.clock.now)
        try next.start()
        try next.flush()
        try pass(next, hours: 2)
        #expect(next.network.all.isEmpty)
        try expectHeld(next)
        #expect(next.record(0).contains("r0.2"))
    }

    @Test("While the access token lives it is lent, and the light is not red")
    func lentMeanwhile() throws {
        let rig = try rig()
        let expiry = UnixTime(milliseconds: rig.clock.now + Self.hour)
        try rig.answerWithTokens(0)
        try rig.flush()
        let refresh = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        try answer(rig, Self.unread)
        #expect(refresh.isDone && refresh.code == .providerAnswerUnreadable)
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.light == .yellow && status.nextStep == .retry)
        #expect(try #require(status.accessTokenExpiry) >= expiry)
        let reader = try rig.call { try await $0.withAccessToken(Disk.id(0)) { _ in } }
        #expect(reader.isDone && reader.code == nil)
    }

    @Test(
        "Where the provider does not rotate, or has a grace, it is tried again as before",
        arguments: [true, false])
    func notHeld(_ rotates: Bool) throws {
        let rig = try rig {
            if rotates { $0.reuseGraceSeconds = 30 } else { $0.rotation = .never }
        }
        try answer(rig, Self.unread)
        #expect(rig.record(0).contains("r0.2") && rig.disk.count(.replyUnread) == 1)
        #expect(try rig.untilNext(0) < 60_000)
        #expect(rig.network.open.map(\.serial) == [1])
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.serial(0) == 2 && !rig.record(0).contains("mac"))
        #expect(rig.disk.doubts.isEmpty && rig.isIdle)
    }

    @Test("An operator says so: the old one is presented, until tokens come or another such reply")
    func retried() throws {
        let rig = try rig()
        try answer(rig, Self.unread)
        let first = try rig.call { try await $0.retry(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [1])
        // Passing trouble: it stays as the operator said, and the reply stays too.
        try rig.answer(0, TransportReply(status: 503, body: nil))
        try rig.flush()
        #expect(first.isDone && first.code == .providerBusy)
        #expect(rig.record(0).contains("r0.2"))
        #expect(try rig.untilNext(0) < 60_000)
        // The next such reply holds the newest token: it takes the place of the first.
        try answer(rig, #"{"refresh_token":"r0.3","token_type":"mac"}"#)
        #expect(rig.record(0).contains("r0.3") && !rig.record(0).contains("r0.2"))
        try expectHeld(rig)
        try pass(rig, hours: 1)
        #expect(rig.network.open.isEmpty)
    }

    @Test("Another process carries an operator's word out, once nobody can be at work on it")
    func retriedByAnother() throws {
        let rig = try rig()
        try answer(rig, Self.unread)
        let retry = try rig.call { try await $0.retry(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.map(\.serial) == [1])
        rig.close()
        #expect(retry.isDone)
        let next = try Rig(rig.disk, moment: rig.clock.now)
        try next.start()
        try next.flush()
        #expect(next.network.all.isEmpty)
        let another = try next.call { try await $0.retry(Disk.id(0)) }
        try next.flush()
        #expect(another.isDone && another.code == .answerOutstanding)
        #expect(try next.untilNext(0) <= RefreshPolicy.doubtMillisecondsMax)
        #expect(next.network.open.map(\.serial) == [1])
        try next.answerWithTokens(0)
        try next.flush()
        #expect(next.disk.serial(0) == 2 && !next.record(0).contains("mac"))
        #expect(try next.vault.status(Disk.id(0))?.nextStep == ConnectionStatus.NextStep.none)
        #expect(next.isIdle && next.disk.doubts.isEmpty)
    }

    @Test("Where it can be used by now an operator's retry takes its tokens over and sends nothing")
    func retriedWithAnotherDefinition() throws {
        let rig = try rig()
        try answer(rig, Self.unread)
        try rig.disk.changeProvider { $0.bearerTokenTypes = ["MAC"] }
        let retry = try rig.call { try await $0.retry(Disk.id(0)) }
        try rig.flush()
        #expect(retry.isDone && retry.code == nil)
        #expect(rig.network.all.count == 1)
        #expect(rig.disk.serial(0) == 2 && !rig.record(0).contains("mac"))
        #expect(rig.disk.count(.recovered) == 1)
        #expect(try rig.vault.status(Disk.id(0))?.nextRefresh != nil)
        let reader = try rig.call { try await $0.withAccessToken(Disk.id(0)) { _ in } }
        #expect(reader.isDone && reader.code == nil)
    }

    @Test("An application's connections are retried together, and those that wait for nobody left")
    func retriedTogether() throws {
        let rig = try rig(connections: 6)
        for connection in 0..<4 { try answer(rig, connection, Self.unread) }
        for connection in 4..<6 { try rig.answerWithTokens(connection) }
        try rig.flush()
        let found = Monitor<Vault.RetryOutcome?>(nil)
        let retry = try rig.call { vault in
            let outcome = try await vault.retry(application: ApplicationID("app"))
            found.withLock { $0 = outcome }
        }
        try rig.flush()
        #expect(Set(rig.network.open.map(\.connection)) == [0, 1, 2, 3])
        for connection in 0..<3 { try rig.answerWithTokens(connection) }
        try rig.answer(3, Rig.refusal(400, "invalid_grant"))
        try rig.flush()
        #expect(retry.isDone && retry.code == nil)
        let outcome = try #require(found.withLock { $0 })
        let recovered = Set(try (0..<3).map { try Disk.id($0) })
        #expect(Set(outcome.recovered) == recovered)
        let failed = try Disk.id(3)
        #expect(outcome.failed.map(\.connection) == [failed])
        #expect(outcome.failed.map(\.error.code) == [.grantLost])
        let nobody = try rig.call { _ = try await $0.retry(application: ApplicationID("nobody")) }
        #expect(nobody.isDone && nobody.code == .applicationNotFound)
    }

    @Test(
        "At open it is read again, also where the grant was taken for lost since",
        arguments: [true, false])
    func readAgainAtOpen(_ isLost: Bool) throws {
        let rig = try rig(connections: 2)
        let sent = rig.clock.now
        try rig.advance(milliseconds: 4000)
        try answer(rig, 0, #"{"expires_in":7200,"# + String(Self.unread.dropFirst()))
        try answer(rig, 1, Self.unread.replacing("0.", with: "1."))
        if isLost {
            let retry = try rig.call { try await $0.retry(Disk.id(0)) }
            try rig.flush()
            try rig.answer(0, Rig.refusal(400, "invalid_grant"))
            try rig.flush()
            #expect(retry.isDone && retry.code == .grantLost)
        }
        rig.close()
        try rig.disk.changeProvider { $0.bearerTokenTypes = ["mac"] }
        let next = try Rig(rig.disk, moment: rig.clock.now)
        try next.flush()
        #expect(next.network.all.isEmpty)
        for connection in 0..<2 {
            #expect(next.disk.serial(connection) == 2)
            #expect(!next.record(connection).contains("mac"))
            let status = try #require(try next.vault.status(Disk.id(connection)))
            #expect(status.light == .yellow && status.nextStep == ConnectionStatus.NextStep.none)
        }
        #expect(next.disk.count(.recovered) == 2)
        // Its lifetime counts from when it was asked for.
        let status = try #require(try next.vault.status(Disk.id(0)))
        #expect(
            status.accessTokenExpiry == UnixTime(milliseconds: sent).adding(milliseconds: 7_200_000)
        )
        // The successors are presented from now on.
        try next.start()
        let refresh = try next.call { try await $0.refresh(Disk.id(0)) }
        try next.flush()
        #expect(next.network.open.map(\.connection) == [0])
        #expect(next.network.open.map(\.serial) == [2])
        try next.answerWithTokens(0)
        try next.flush()
        #expect(refresh.isDone && refresh.code == nil)
    }

    @Test("What earlier versions kept of pages and halves holds nothing up")
    func pagesOfEarlierVersions() throws {
        let rig = try rig()
        try answer(rig, Self.unread)
        rig.close()
        try rig.disk.changeRecord(0) { record in
            let page = try Secret(text: "<p>Sign in: access_token</p>")
            try record.fields.set(ConnectionTag.unreadReply, page.bytes)
        }
        let next = try Rig(rig.disk, moment: rig.clock.now)
        try next.start()
        try next.flush()
        #expect(next.network.open.map(\.serial) == [1])
        try next.answerWithTokens(0)
        try next.flush()
        #expect(!next.record(0).contains("Sign in"))
    }

    @Test(
        "Of one too long for its record the tokens stay, or the refresh token at least",
        arguments: [
            (30_000, true, "tokens"), (40_000, true, "refresh token"), (40_000, false, "nothing"),
        ])
    func tooLongForItsRecord(_ count: Int, _ rotates: Bool, _ kept: String) throws {
        let disk = try Disk.populated(1)
        try disk.changeRecord(0) { record in
            let scope = String(repeating: "s", count: 16_000)
            try record.fields.set(ConnectionTag.grantedScope, text: scope)
            try record.fields.set(ConnectionTag.requestedScope, text: scope)
        }
        let rig = try Rig.started(disk)
        let scope = String(repeating: "y", count: 16_000)
        let token = String(repeating: "x", count: count)
        try answer(
            rig,
            #"{"scope":"\#(scope)","access_token":"\#(token)","token_type":"mac""#
                + (rotates ? #","refresh_token":"r0.2"}"# : "}"))
        #expect(!rig.record(0).contains(scope))
        #expect(rig.record(0).contains(token) == (kept == "tokens"))
        #expect(rig.record(0).contains("r0.2") == rotates)
        if kept == "nothing" {
            #expect(try rig.untilNext(0) < 60_000)
        } else {
            try expectHeld(rig)
        }
    }

    @Test("New tokens of the platform end the waiting")
    func replaced() throws {
        let rig = try rig()
        try answer(rig, Self.unread)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(accessToken: Secret(text: "a0.7"), refreshToken: Secret(text: "r0.7")))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        #expect(rig.disk.serial(0) == 7 && !rig.record(0).contains("mac"))
        #expect(try rig.vault.status(Disk.id(0))?.nextRefresh != nil)
    }
}
