// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// The platform stores another pair while a refresh of the old one is out: what is said of the old
/// one is nothing to the new one.
@Suite("Fresh elsewhere") struct ElsewhereTests {
    static let answers: [(status: Int, body: String)] = [
        (400, #"{"error":"invalid_grant"}"#), (200, "<p>Sign in</p>"),
        (200, #"{"access_token":"a0.2","token_type":"mac"}"#), (400, #"{"error":"invalid_scope"}"#),
        (500, ""),
    ]

    /// One connection whose refresh is out.
    func rig() throws -> Rig {
        try Rig.started(.populated(1))
    }

    /// The platform stores a pair of its own, which lives so long.
    func putAnotherPair(_ rig: Rig, seconds: Int64) throws {
        let expiry = UnixTime(milliseconds: rig.clock.now + seconds * 1000)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(
                    accessToken: Secret(text: "a0.7"), refreshToken: Secret(text: "r0.7"),
                    accessTokenExpiry: expiry))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
    }

    @Test("No answer to the old pair harms the new one", arguments: answers)
    func harmless(_ answer: (status: Int, body: String)) throws {
        let rig = try rig()
        try putAnotherPair(rig, seconds: 7200)
        try rig.answer(0, Rig.reply(answer.status, answer.body))
        try rig.flush()
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.light == .yellow)
        #expect(rig.disk.serial(0) == 7)
        #expect(!rig.record(0).contains("Sign in"))
        #expect(rig.disk.count(.grantLost) == 0)
        #expect(rig.isIdle)
        #expect(rig.disk.doubts.isEmpty)
        let lent = try rig.call { vault in
            try await vault.withAccessToken(Disk.id(0)) { token in
                #expect(TokenText(token) == TokenText(.access, 0, 7))
            }
        }
        #expect(lent.isDone && lent.code == nil)
        // The next refresh is the new pair's.
        while rig.network.open.isEmpty {
            try rig.advance(milliseconds: max(1, #require(try rig.flush())))
            try rig.flush()
        }
        #expect(rig.network.open.map(\.serial) == [7])
    }

    @Test("A new pair does not inherit how often the old one failed")
    func startsAnew() throws {
        let rig = try rig()
        for _ in 0..<3 {
            _ = try rig.untilNext(0)
            try rig.answer(0, Rig.reply(500, ""))
            try rig.flush()
        }
        try putAnotherPair(rig, seconds: 60)
        _ = try rig.untilNext(0)
        try rig.answer(0, Rig.reply(500, ""))
        try rig.flush()
        #expect(try rig.untilNext(0) <= RefreshPolicy.backoffMillisecondsBase)
    }

    /// The platform stores an access token alone.
    func putAccessToken(_ rig: Rig) throws {
        let expiry = UnixTime(milliseconds: rig.clock.now + 60_000)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(0),
                TokenSet(accessToken: Secret(text: "a0.7"), accessTokenExpiry: expiry))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
    }

    @Test("An access token alone replaces the pair too: nothing of the old one comes back")
    func accessTokenAlone() throws {
        let rig = try rig()
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        try putAccessToken(rig)
        #expect(!rig.record(0).contains("r0.1"))
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(caller.isDone && caller.code == nil)
        #expect(!rig.record(0).contains("r0.") && rig.record(0).contains("a0.7"))
        #expect(rig.isIdle)
        try rig.advance(milliseconds: 3_600_000)
        try rig.flush()
        #expect(rig.network.all.count == 1)
    }

    @Test("And it ends a doubt about the refresh token that it replaces")
    func accessTokenAloneInDoubt() throws {
        let rig = try rig()
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        try putAccessToken(rig)
        #expect(rig.disk.doubts.isEmpty && rig.failureCount(0) == 0)
    }

    @Test("A refresh token whose grant is lost does not come back with an access token")
    func accessTokenAfterALoss() throws {
        let rig = try rig()
        try rig.answer(0, Rig.refusal(400, "invalid_grant"))
        try rig.flush()
        try putAccessToken(rig)
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        #expect(caller.isDone && caller.code == .notRefreshable)
        #expect(rig.network.all.count == 1)
    }
}
