// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// The thread sleeps while there is nothing to do, and not a moment longer.
@Suite("Sleep and waking") struct WakingTests {
    @Test("A probe that is due while nothing can be prepared does not keep the thread awake")
    func passedProbe() throws {
        let disk = Disk()
        try disk.register(concurrent: 1)
        try disk.register("other", concurrent: 1)
        try disk.connect(0..<1)
        try disk.connect(1..<7, to: "other", expiringIn: 3_600_000)
        let rig = try Rig(disk)
        try rig.start()
        try rig.flush()
        try rig.answer(0, Rig.refusal(401, "invalid_client"))
        try rig.flush()
        // The other application of the same endpoint takes every place.
        let callers = try (1..<7).map { index in
            try rig.call { try await $0.refresh(Disk.id(index)) }
        }
        try rig.flush()
        #expect(rig.network.open.map(\.connection) == [1])
        rig.clock.now += ApplicationQueue.probeMilliseconds + 1000
        let sleep = try rig.flush()
        #expect(sleep == nil || sleep.map { $0 > 1000 } == true)
        // It has its turn all the same.
        while let held = rig.network.open.first {
            try rig.answerWithTokens(held.connection)
            try rig.flush()
        }
        #expect(rig.network.all.count { $0.connection == 0 } == 2)
        #expect(callers.allSatisfy { $0.isDone && $0.code == nil })
        #expect(rig.isIdle)
    }

    @Test("What is ready and waits for the rate alone wakes the thread")
    func waitsForTheRate() throws {
        let rig = try Rig(.populated(2, perSecond: 1))
        try rig.start()
        rig.fallAsleep()
        rig.flushOnce()
        #expect(rig.network.open.count == 1)
        #expect(rig.wasWoken())
        let sleep = try #require(try rig.settle())
        #expect(sleep > 0 && sleep <= 1000)
        try rig.advance(milliseconds: sleep)
        #expect(rig.network.open.count == 2)
    }

    @Test("An answer that lets the next one wait for the rate alone wakes the thread")
    func answeredWithinTheSecond() throws {
        let rig = try Rig.started(.populated(2, concurrent: 1, perSecond: 1))
        rig.fallAsleep()
        try rig.answerWithTokens(0)
        #expect(rig.network.open.isEmpty)
        #expect(rig.wasWoken())
        let sleep = try #require(try rig.settle())
        #expect(sleep > 0 && sleep <= 1000)
        try rig.advance(milliseconds: sleep)
        #expect(rig.network.open.map(\.connection) == [1])
    }

    @Test("The end of a probe wakes the thread, and the next leaves a minute later")
    func endOfAProbe() throws {
        let rig = try Rig.started(.populated(2))
        for connection in 0..<2 { try rig.answer(connection, Rig.refusal(401, "invalid_client")) }
        try rig.flush()
        try rig.advance(milliseconds: ApplicationQueue.probeMilliseconds)
        try rig.flush()
        let probe = try #require(rig.network.open.first)
        #expect(rig.network.open.count == 1)
        try rig.answer(probe.connection, TransportReply(status: 500, body: nil))
        try rig.settle()
        rig.fallAsleep()
        rig.flushOnce()
        #expect(rig.wasWoken())
        try rig.advance(milliseconds: ApplicationQueue.probeMilliseconds - 1)
        try rig.flush()
        #expect(rig.network.open.isEmpty)
        let sleep = try #require(try rig.settle())
        #expect(sleep <= 1)
        try rig.advance(milliseconds: sleep)
        try rig.flush()
        #expect(rig.network.open.count == 1)
    }
}
