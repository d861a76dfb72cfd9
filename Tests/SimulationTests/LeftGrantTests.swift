// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Tokens of a connection that are newer than those in its record: in an answer that nobody could
/// use, or in one that is still to come.
@Suite("Tokens that are newer than the stored ones, when a grant ends") struct LeftGrantTests {
    private let grants = EarlierGrantTests()

    /// A connection whose refresh is out.
    func rig(revokes: Bool = false) throws -> Rig {
        try UnreadTests().rig {
            $0.revocationEndpoint = "https://provider.example/revoke"
            $0.revokesReplacedGrant = revokes
        }
    }

    /// Ends what is asked of the revocation endpoint; returns whose tokens those were, in order.
    func revoke(_ rig: Rig, _ status: Int = 200) throws -> [Int64] {
        var serials: [Int64] = []
        while let held = rig.network.open.first(where: { $0.request.url.hasSuffix("/revoke") }) {
            serials.append(held.serial)
            held.request.answer(TransportReply(status: status, body: nil))
            try rig.flush()
        }
        return serials
    }

    /// Connects number 0 again, while what is out stays out.
    func reconnect(_ rig: Rig) throws -> Errand {
        let connect = try rig.call { vault in
            let request = try await vault.connect(Disk.id(0), application: ApplicationID("app"))
            let query = try Secret(text: "code=k0.0&state=\(request.state)")
            _ = try await vault.complete(callbackQuery: query)
        }
        try rig.flush()
        try #require(rig.network.open.last).request.answer(Rig.tokens(0, 50))
        try rig.flush()
        return connect
    }

    static let readable: [(body: String, revoked: [Int64])] = [
        (#"{"access_token":"a0.2","refresh_token":"r0.2","token_type":"mac"}"#, [2, 2, 1, 1]),
        (#"{"accessToken":"a0.2","refresh-token":"r0.2"}"#, [2, 2, 1, 1]),
        (#"{"data":{"t":{"refresh_token":"r0\u002e2"}}}"#, [2, 1, 1]),
        ("refresh_token=r0%2E2&access_token=a0.2&name=x", [2, 2, 1, 1]),
    ]

    static let unreadable: [(body: String, revoked: [Int64])] = [
        (#"{"access_token":"a0.2","refresh_token":"r0.2\n"}"#, [2, 1, 1]),
        (#"{"access_token":"a0.2","refresh_token":["r0.2"]}"#, [2, 1, 1]),
        (#"{"refresh_token":"r0.2","access_token":{"value":"a0.2"}}"#, [2, 1, 1]),
        (#"{"refresh_token":"r0.2","data":{"refresh_token":"r0.3"}}"#, [2, 1, 1]),
        ("refresh_token=r0.2%0A", [1, 1]),
    ]

    @Test("A disconnect revokes those of an answer that lies unread first", arguments: readable)
    func unreadRevoked(_ body: String, _ revoked: [Int64]) throws {
        let rig = try rig()
        try UnreadTests().answer(rig, body)
        try UnreadTests().expectHeld(rig)
        let (errand, receipt) = try grants.disconnect(rig)
        #expect(try revoke(rig) == revoked)
        #expect(errand.isDone && errand.code == nil)
        let found = try #require(receipt.withLock { $0 })
        #expect(found.refreshToken == .revoked && found.accessToken == .revoked)
        #expect(!found.tokensLiveOn && found.isEveryAnswerIn)
        #expect(rig.disk.contents.records[Disk.key(0)] == nil && rig.isIdle)
    }

    @Test("What cannot be read of it may live on, and the receipt says so", arguments: unreadable)
    func unreadLeft(_ body: String, _ revoked: [Int64]) throws {
        let rig = try rig()
        try UnreadTests().answer(rig, body)
        let (errand, receipt) = try grants.disconnect(rig)
        #expect(try revoke(rig) == revoked)
        #expect(errand.isDone && receipt.withLock { $0?.tokensLiveOn } == true)
    }

    @Test("One that is not revoked lives on, though those of the record were, or had expired")
    func unreadRefused() throws {
        let rig = try rig()
        try UnreadTests().answer(rig, #"{"access_token":"a0.2","token_type":"mac"}"#)
        try UnreadTests().pass(rig, hours: 2)
        let (errand, receipt) = try grants.disconnect(rig)
        let first = try #require(rig.network.open.first)
        #expect(first.serial == 2)
        first.request.answer(TransportReply(status: 400, body: nil))
        try rig.flush()
        #expect(try revoke(rig) == [1, 1])
        let found = try #require(receipt.withLock { $0 })
        #expect(errand.isDone && found.refreshToken == .revoked)
        #expect(found.accessTokenLivesOn && found.accessTokenExpiry == nil)
    }

    @Test("An answer that an earlier process did not hear is none that is in")
    func inDoubt() throws {
        let disk = try HoldTests().disk(expiringIn: 7_200_000) {
            $0.revocationEndpoint = "https://provider.example/revoke"
        }
        let rig = try HoldTests().next(disk, isRunning: false)
        #expect(try rig.vault.status(Disk.id(0))?.answerOutstandingSince != nil)
        let (errand, receipt) = try grants.disconnect(rig)
        #expect(try revoke(rig) == [1, 1])
        #expect(errand.isDone && receipt.withLock { $0?.isEveryAnswerIn } == false)
        #expect(receipt.withLock { $0?.listensUntil } == nil)
        #expect(rig.disk.doubts.isEmpty)
    }

    @Test("The last try of a wait is made at its end")
    func lastTry() throws {
        let rig = try Rig(grants.disk(revokes: false))
        let end = rig.clock.now + 60_000
        let (errand, receipt) = try grants.disconnect(rig, waiting: .seconds(60))
        for _ in 0...60 {
            _ = try revoke(rig, rig.clock.now < end ? 503 : 200)
            try rig.advance(milliseconds: 1000)
            try rig.flush()
        }
        #expect(errand.isDone && receipt.withLock { $0?.refreshToken } == .revoked)
        #expect(receipt.withLock { $0?.tokensLiveOn } == false && rig.isIdle)
    }

    @Test("A reconnect that revokes revokes those of an unread answer, too", arguments: readable)
    func replacedUnread(_ body: String, _ revoked: [Int64]) throws {
        let rig = try rig(revokes: true)
        let heard = try rig.listen()
        try UnreadTests().answer(rig, body)
        let connect = try reconnect(rig)
        #expect(try revoke(rig) == revoked)
        #expect(connect.isDone && connect.code == nil && rig.disk.serial(0) == 50)
        #expect(heard.numbers(.grantReplaced) == [0])
    }

    @Test("Where it cannot read one, the grant before may live on", arguments: unreadable)
    func replacedUnreadable(_ body: String, _ revoked: [Int64]) throws {
        let rig = try rig(revokes: true)
        let heard = try rig.listen()
        try UnreadTests().answer(rig, body)
        let connect = try reconnect(rig)
        #expect(try revoke(rig) == revoked)
        #expect(connect.isDone && connect.code == nil)
        #expect(heard.numbers(.grantReplaced) == [1])
    }

    @Test("An answer to the grant before that comes later is revoked", arguments: [true, false])
    func replacedOutstanding(_ revokes: Bool) throws {
        let rig = try rig(revokes: revokes)
        let heard = try rig.listen()
        try rig.makeOverdue(0)
        let listener = try #require(rig.network.open.first)
        let connect = try reconnect(rig)
        #expect(try revoke(rig) == (revokes ? [1, 1] : []))
        #expect(connect.isDone && connect.code == nil)
        // Nobody knows yet what else there is.
        #expect(heard.numbers(.grantReplaced) == [1])
        listener.request.answer(try Rig.tokens(0, 2))
        try rig.flush()
        #expect(try revoke(rig) == (revokes ? [2, 2] : []))
        #expect(heard.numbers(.grantReplaced) == (revokes ? [1, 0] : [1]))
        #expect(rig.disk.serial(0) == 50 && rig.isIdle)
        let (errand, receipt) = try grants.disconnect(rig)
        #expect(try revoke(rig) == [50, 50])
        #expect(errand.isDone && receipt.withLock { $0?.earlierGrants } == (revokes ? 0 : 1))
    }

    @Test("So is one that nobody can use, and after a disconnect", arguments: [true, false])
    func lateAndUnread(_ isReplaced: Bool) throws {
        let rig = try rig(revokes: true)
        let heard = try rig.listen()
        try rig.makeOverdue(0)
        let listener = try #require(rig.network.open.first)
        if isReplaced {
            _ = try reconnect(rig)
        } else {
            _ = try grants.disconnect(rig)
            try rig.advance(milliseconds: Vault.answerMilliseconds)
            try rig.flush()
        }
        #expect(try revoke(rig) == [1, 1])
        listener.request.answer(try Rig.reply(200, UnreadTests.unread))
        try rig.flush()
        #expect(try revoke(rig) == [2, 2])
        #expect(heard.numbers(.grantReplaced) == (isReplaced ? [1, 0] : []))
        #expect(rig.disk.count(.lateAnswer) == 1 && rig.isIdle)
    }
}
