// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What becomes of a grant that connecting again replaces, and of tokens whose provider is down.
@Suite("Earlier grants, and providers that are down") struct EarlierGrantTests {
    func disk(revokes: Bool) throws -> Disk {
        let disk = try Disk.populated(1, expiringIn: 3_600_000)
        try disk.changeProvider {
            $0.revocationEndpoint = "https://provider.example/revoke"
            $0.revokesReplacedGrant = revokes
        }
        return disk
    }

    /// Connects number 0 again; what is asked of the provider is left open after the code.
    func reconnect(_ rig: Rig, refresh serial: Int64) throws -> Errand {
        let connect = try rig.call { vault in
            let request = try await vault.connect(Disk.id(0), application: ApplicationID("app"))
            let query = try Secret(text: "code=k0.0&state=\(request.state)")
            _ = try await vault.complete(callbackQuery: query)
        }
        try rig.flush()
        let code = try #require(rig.network.open.first)
        code.request.answer(try Rig.tokens(0, serial))
        try rig.flush()
        return connect
    }

    /// Ends what is asked of the revocation endpoint, one after the other; returns how many it was.
    func answerRevocations(_ rig: Rig, _ status: Int) throws -> Int {
        var count = 0
        while let held = rig.network.open.first {
            #expect(held.request.url.hasSuffix("/revoke"))
            held.request.answer(TransportReply(status: status, body: nil))
            count += 1
            try rig.flush()
        }
        return count
    }

    func disconnect(
        _ rig: Rig, waiting: Duration = .zero
    ) throws -> (errand: Errand, receipt: Monitor<DisconnectReceipt?>) {
        let receipt = Monitor<DisconnectReceipt?>(nil)
        let errand = try rig.call { vault in
            let given = try await vault.disconnect(Disk.id(0), waiting: waiting)
            receipt.withLock { $0 = given }
        }
        try rig.flush()
        return (errand, receipt)
    }

    @Test("Where the definition says so the grant before is revoked, once the new one is stored")
    func revoked() throws {
        let rig = try Rig(disk(revokes: true))
        let connect = try reconnect(rig, refresh: 50)
        #expect(!connect.isDone && rig.disk.serial(0) == 50)
        #expect(try answerRevocations(rig, 200) == 2)
        #expect(connect.isDone && connect.code == nil)
        #expect(rig.disk.count(.grantReplaced) == 1)
        let (errand, receipt) = try disconnect(rig)
        #expect(try answerRevocations(rig, 200) == 2)
        #expect(errand.isDone && receipt.withLock { $0?.earlierGrants } == 0)
    }

    @Test("Where not, or where the provider does not, log and receipt say that they stay")
    func leftAlive() throws {
        for revokes in [false, true] {
            let rig = try Rig(disk(revokes: revokes))
            let heard = try rig.listen()
            for serial in 2...4 as ClosedRange<Int64> {
                let connect = try reconnect(rig, refresh: 10 * serial)
                #expect(try answerRevocations(rig, 500) == (revokes ? 2 : 0))
                #expect(connect.isDone && connect.code == nil)
            }
            #expect(heard.numbers(.grantReplaced) == [1, 1, 1])
            let (errand, receipt) = try disconnect(rig)
            #expect(try answerRevocations(rig, 200) == 2)
            #expect(errand.isDone && receipt.withLock { $0?.earlierGrants } == 3)
            #expect(receipt.withLock { $0?.refreshTokenLivesOn } == false)
            #expect(receipt.withLock { $0?.accessTokenLivesOn } == false)
            #expect(receipt.withLock { $0?.tokensLiveOn } == true)
        }
    }

    @Test("What had expired before it was replaced is no grant that may live on")
    func expiredBefore() throws {
        let rig = try Rig(disk(revokes: false))
        let expiry = UnixTime(milliseconds: rig.clock.now + 1000)
        let put = try rig.call { vault in
            let tokens = TokenSet(accessToken: try Secret(text: "a"), accessTokenExpiry: expiry)
            _ = try await vault.put(Disk.id(0), tokens)
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil)
        try rig.advance(milliseconds: 2000)
        try rig.flush()
        let connect = try reconnect(rig, refresh: 50)
        #expect(connect.isDone && connect.code == nil && rig.disk.serial(0) == 50)
        #expect(rig.disk.count(.grantReplaced) == 0)
    }

    @Test("Where nothing can revoke, what has not expired lives on: the receipt says until when")
    func noEndpoint() throws {
        for (isExpired, isRemoved) in [(false, false), (true, false), (false, true)] {
            let rig = try Rig(Disk.populated(1, expiringIn: isExpired ? 1000 : 3_600_000))
            if isRemoved {
                _ = try rig.call { try await $0.removeApplication(ApplicationID("app")) }
            }
            try rig.advance(milliseconds: 2000)
            try rig.flush()
            let (errand, receipt) = try disconnect(rig)
            #expect(errand.isDone)
            let found = try #require(receipt.withLock { $0 })
            #expect(found.tokensLiveOn && found.refreshTokenLivesOn)
            #expect(found.accessTokenLivesOn == !isExpired)
            #expect(found.accessTokenExpiry.map { $0 > found.completed } == !isExpired)
            #expect((found.refreshToken == .unsupported) == !isRemoved)
        }
    }

    @Test("The same refresh token again is the same grant: it is not revoked")
    func theSameGrant() throws {
        let rig = try Rig(disk(revokes: true))
        let connect = try reconnect(rig, refresh: 1)
        #expect(connect.isDone && rig.network.open.isEmpty)
        #expect(rig.disk.count(.grantReplaced) == 0)
    }

    @Test("Without a wait a provider that is down costs the revocation, and the receipt says so")
    func downWithoutAWait() throws {
        let rig = try Rig(disk(revokes: false))
        let (errand, receipt) = try disconnect(rig)
        #expect(try answerRevocations(rig, 503) == 2)
        #expect(errand.isDone && receipt.withLock { $0?.tokensLiveOn } == true)
        #expect(rig.disk.contents.records[Disk.key(0)] == nil)
    }

    @Test("Nothing is erased unrevoked for want of room to open it: the call can be repeated")
    func noRoom() throws {
        let rig = try Rig(disk(revokes: false))
        // A refresh that is out holds the disconnect up behind its fence.
        _ = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        #expect(rig.network.open.count == 1)
        let (errand, _) = try disconnect(rig)
        var hoard = BlockHoard.take(allOf: [128, 512, 2048, 8192, 65_536])
        try rig.advance(milliseconds: 11_000)
        try rig.flush()
        withExtendedLifetime(hoard) {}
        hoard = nil
        #expect(errand.code == .tooManySecrets && rig.network.open.count == 1)
        #expect(rig.disk.contents.records[Disk.key(0)] != nil)
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        let (again, receipt) = try disconnect(rig)
        #expect(try answerRevocations(rig, 200) == 2)
        #expect(again.isDone && receipt.withLock { $0?.refreshToken } == .revoked)
        #expect(rig.disk.contents.records[Disk.key(0)] == nil)
    }

    @Test("With a wait it is asked again, and erased only then")
    func downForAWhile() throws {
        let rig = try Rig(disk(revokes: false))
        let (errand, receipt) = try disconnect(rig, waiting: .seconds(60))
        #expect(try answerRevocations(rig, 503) == 2)
        for _ in 0..<20 where rig.network.open.isEmpty {
            #expect(!errand.isDone && rig.disk.contents.records[Disk.key(0)] != nil)
            try rig.advance(milliseconds: 1000)
            try rig.flush()
        }
        #expect(try answerRevocations(rig, 200) == 2)
        #expect(errand.isDone && receipt.withLock { $0?.refreshToken } == .revoked)
        #expect(receipt.withLock { $0?.tokensLiveOn } == false)
        #expect(rig.disk.contents.records[Disk.key(0)] == nil)
    }

    @Test("The wait has an end, and a process that ends before leaves the erasure to the next")
    func downForLonger() throws {
        let disk = try disk(revokes: false)
        do {
            let rig = try Rig(disk)
            let (errand, receipt) = try disconnect(rig, waiting: .seconds(60))
            var asked = 0
            for _ in 0..<61 {
                asked += try answerRevocations(rig, 503)
                try rig.advance(milliseconds: 1000)
                try rig.flush()
            }
            asked += try answerRevocations(rig, 503)
            #expect(errand.isDone && receipt.withLock { $0?.tokensLiveOn } == true)
            #expect((8...16).contains(asked))
        }
        try disk.connect(1..<2)
        do {
            let rig = try Rig(disk)
            _ = try rig.call { try await $0.disconnect(Disk.id(1), waiting: .seconds(3600)) }
            try rig.flush()
            _ = try answerRevocations(rig, 503)
            rig.store.die()
        }
        #expect(disk.contents.records[Disk.key(1)] != nil)
        _ = try Rig(disk)
        #expect(disk.contents.records[Disk.key(1)] == nil)
    }
}
