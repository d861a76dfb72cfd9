// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What may not be sent just now does not keep others from it.
@Suite("Held back for an application's sake") struct HeldBackTests {
    static let hour: Int64 = 3_600_000

    @Test("What may not be risked is not in the way of what may")
    func nothingInTheWay() throws {
        let disk = try Disk.populated(20, concurrent: 4)
        try disk.changeProvider { $0.grantLostAnswers = [.init(status: 400, error: nil)] }
        let rig = try Rig.started(disk)
        // One is refused. What has left besides says nothing, and then one is asked at a time.
        let refused = try #require(rig.network.open.last)
        refused.request.answer(TransportReply(status: 400, body: nil))
        try rig.flush()
        for held in rig.network.open { try rig.answerWithTokens(held.connection) }
        try rig.flush()
        let probe = try #require(rig.network.open.first)
        #expect(rig.network.open.count == 1)
        probe.request.answer(TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        #expect(rig.network.open.isEmpty)
        // The one that was not answered is asked again in time, and takes the others with it.
        try rig.answerAll(milliseconds: 120_000) {
            $0.connection == refused.connection
                ? TransportReply(status: 400, body: nil)
                : try Rig.tokens($0.connection, $0.serial + 1)
        }
        let stale = (0..<20).filter { $0 != refused.connection && disk.serial($0) ?? 0 < 2 }
        #expect(stale.isEmpty)
    }

    @Test("While a change is on its way to the disk nothing leaves, with either secret")
    func changedJustNow() throws {
        let disk = try Disk.populated(6, expiringIn: Self.hour)
        let rig = try Rig.started(disk)
        rig.clock.now += Self.hour
        let put = try rig.putApplication(secret: 2, isAwaited: false)
        // The new secret is there, and what makes it known does not go on yet.
        #expect(rig.stepDisk() && !put.isDone)
        _ = rig.vault.refresher.turn()
        rig.stepDisk()
        #expect(rig.network.all.isEmpty)
        try rig.flush()
        #expect(put.code == nil && rig.network.open.map(\.secret) == [2])
    }

    @Test("What cannot be stored holds nothing up")
    func changedInVain() throws {
        let disk = try Disk.populated(6, expiringIn: Self.hour)
        let rig = try Rig.started(disk)
        rig.clock.now += Self.hour
        disk.room = .none
        #expect(try rig.putApplication(secret: 2).code == .storeFull)
        disk.room = .enough
        try rig.advance(milliseconds: 60_000)
        try rig.flush()
        #expect(rig.network.open.count == 6 && rig.network.open.allSatisfy { $0.secret == 1 })
    }
}
