// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Connections that move to another application, and handles that go to another connection, while
/// somebody still has the old one in mind.
@Suite("What moves meanwhile") struct MovingTests {
    @Test("A connection that went to another application is asked for there, within its limits")
    func anotherApplication() throws {
        let disk = try Disk.populated(10, concurrent: 1)
        try disk.register("other", host: "other.example")
        let rig = try Rig.started(disk)
        // One is out and some are ready; the caller waits in the queue.
        let caller = try rig.call { try await $0.refresh(Disk.id(9)) }
        let expiry = UnixTime(milliseconds: rig.clock.now + 5000)
        let put = try rig.call { vault in
            try await vault.put(
                Disk.id(9),
                TokenSet(
                    accessToken: Secret(text: "a9.7"), refreshToken: Secret(text: "r9.7"),
                    accessTokenExpiry: expiry),
                application: ApplicationID("other"))
        }
        try rig.flush()
        #expect(put.isDone && put.code == nil && !caller.isDone)
        while !caller.isDone {
            let held = try #require(rig.network.open.first)
            try rig.answerWithTokens(held.connection)
            try rig.flush()
        }
        #expect(caller.code == nil)
        let own = rig.network.all.filter { $0.connection == 9 }
        #expect(own.map(\.request.url) == ["https://other.example/token"])
        #expect(own.map(\.serial) == [7])
        #expect(rig.disk.serial(9) == 8)
    }

    @Test("Who asks with a handle that is another's by now takes nobody out of the schedule")
    func anothersHandle() throws {
        let rig = try Rig(.populated(2, expiringIn: 3_600_000))
        let other = Handle(number: try #require(rig.disk.contents.records[Disk.key(1)]?.slot))
        let due = rig.vault.refresher.deadline(handle: other)
        #expect(due != nil)
        let caller = try rig.call { vault in
            let now = UnixTime(milliseconds: 0)
            try await vault.refresher.refresh(
                Disk.key(0), handle: other, Plan(queue: 0, due: now, death: now))
        }
        #expect(caller.isDone && caller.code == .notFound)
        #expect(rig.vault.refresher.deadline(handle: other) == due)
    }
}
