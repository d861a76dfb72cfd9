// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Calls that wait long, when the process is asked to end.
@Suite("Long waits, when the vault is drained") struct DrainedWaitsTests {
    func drain(_ rig: Rig) throws -> Errand {
        let drain = try rig.call { _ = await $0.drain(for: .seconds(60)) }
        try rig.flush()
        return drain
    }

    @Test("A disconnect whose provider is down waits no longer, and erases")
    func revocation() throws {
        let grants = EarlierGrantTests()
        let rig = try Rig(grants.disk(revokes: false))
        let (errand, receipt) = try grants.disconnect(rig, waiting: .seconds(86_400))
        #expect(try grants.answerRevocations(rig, 503) == 2)
        #expect(!errand.isDone)
        #expect(try drain(rig).isDone)
        #expect(errand.isDone && errand.code == nil)
        #expect(receipt.withLock { $0?.tokensLiveOn } == true)
        #expect(rig.disk.contents.records[Disk.key(0)] == nil)
        try rig.advance(milliseconds: 86_400_000)
        #expect(try rig.flush() == nil)
        #expect(rig.network.all.count == 2 && rig.isIdle)
    }

    @Test("One that begins only then asks once")
    func begunLater() throws {
        let grants = EarlierGrantTests()
        let rig = try Rig(grants.disk(revokes: false))
        #expect(try drain(rig).isDone)
        let (errand, receipt) = try grants.disconnect(rig, waiting: .seconds(86_400))
        #expect(try grants.answerRevocations(rig, 503) == 2)
        #expect(errand.isDone && receipt.withLock { $0?.tokensLiveOn } == true)
    }

    @Test("Whoever waits for an attempt of an earlier process is told")
    func patientCaller() throws {
        let disk = try HoldTests().disk(expiringIn: 7_200_000)
        let rig = try HoldTests().next(disk, isRunning: false)
        let patient = try rig.call { try await $0.refresh(Disk.id(0), awaitsLateAnswer: true) }
        try rig.flush()
        #expect(!patient.isDone)
        #expect(try drain(rig).isDone)
        #expect(patient.isDone && patient.code == .closed)
        #expect(rig.network.all.isEmpty)
    }

    @Test("An operator's retry changes nothing then")
    func retry() throws {
        let rig = try UnreadTests().rig()
        try UnreadTests().answer(rig, UnreadTests.unread)
        #expect(try drain(rig).isDone)
        let one = try rig.call { try await $0.retry(Disk.id(0)) }
        let all = try rig.call { _ = try await $0.retry(application: ApplicationID("app")) }
        try rig.flush()
        #expect(one.code == .closed && all.code == .closed)
        rig.close()
        // The old refresh token is not presented by the next process either.
        let next = try Rig(rig.disk, moment: rig.clock.now)
        try next.start()
        try next.flush()
        try UnreadTests().expectHeld(next)
        #expect(next.network.all.isEmpty)
    }
}
