// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// Times that come out of nowhere: a suspended machine, the year 2038, an answer that takes long.
@Suite("Clocks") struct ClockTests {
    static let lifetime: Int64 = 3_600_000

    @Test("A lifetime counts from the moment the request was sent")
    func slowAnswer() throws {
        let rig = try Rig.started(.populated(1))
        try rig.advance(milliseconds: 12_000)
        try rig.answerWithTokens(0)
        try rig.advance(milliseconds: 3000)
        try rig.flush()
        let status = try #require(try rig.vault.status(Disk.id(0)))
        #expect(status.accessTokenExpiry?.milliseconds == VirtualClock.start + Self.lifetime)
    }

    @Test("The 19th of January 2038 is a day like any other")
    func year2038() throws {
        let edge: Int64 = (1 << 31) * 1000
        let disk = Disk()
        try disk.register()
        try disk.connect(0..<20, expiringIn: edge + 600_000 - VirtualClock.start)
        let rig = try Rig(disk, moment: edge - 1)
        try rig.start()
        try rig.flush()
        #expect(rig.network.all.isEmpty)
        try rig.advance(milliseconds: 300_001)
        try rig.flush()
        while let held = rig.network.open.first {
            try rig.answerWithTokens(held.connection)
            try rig.flush()
        }
        #expect(rig.network.all.count == 20)
        for connection in 0..<20 {
            let status = try #require(try rig.vault.status(Disk.id(connection)))
            let expiry = rig.clock.now + Self.lifetime
            #expect(status.accessTokenExpiry?.milliseconds == expiry)
            let next = try #require(status.nextRefresh).milliseconds
            #expect((expiry - 660_000...expiry - 300_000).contains(next))
        }
    }

    /// How many requests left when, against the provider's limits.
    private struct Counter {
        static let concurrentMax = 4
        static let perSecondMax = 20
        private var counted: Int
        private var moments: [Int64] = []

        init(_ rig: Rig) { counted = rig.network.all.count }

        mutating func count(_ rig: Rig) {
            #expect(rig.network.open.count <= Self.concurrentMax)
            for _ in counted..<rig.network.all.count { moments.append(rig.clock.now) }
            counted = rig.network.all.count
            for index in moments.indices.dropFirst(Self.perSecondMax) {
                #expect(moments[index] - moments[index - Self.perSecondMax] >= 1000)
            }
        }
    }

    /// Answers everything out after a tenth of a second, for so long.
    private func answer(_ rig: Rig, milliseconds: Int64) throws {
        var counter = Counter(rig)
        let end = rig.clock.now + milliseconds
        while rig.clock.now < end {
            try rig.flush()
            counter.count(rig)
            try rig.advance(milliseconds: 100)
            for held in rig.network.open { try rig.answerWithTokens(held.connection) }
        }
        try rig.flush()
    }

    @Test("Eight hours of suspend cause no storm, and what expired meanwhile is not lent")
    func suspend() throws {
        let disk = Disk()
        try disk.register(concurrent: Counter.concurrentMax)
        try disk.changeProvider { $0.refreshesPerSecondMax = Counter.perSecondMax }
        try disk.connect(0..<100)
        let rig = try Rig(disk)
        try rig.start()
        try answer(rig, milliseconds: 30_000)
        #expect((0..<100).allSatisfy { rig.disk.serial($0) == 2 })
        // Some are out when the machine falls asleep; nothing of the vault runs meanwhile.
        for connection in 0..<3 {
            _ = try rig.call { try await $0.refresh(Disk.id(connection)) }
            try rig.advance(milliseconds: 100)
            try rig.flush()
        }
        #expect(rig.network.open.count == 3)
        let sent = rig.network.all.count
        rig.clock.now += 8 * Self.lifetime
        for held in rig.network.open {
            try rig.answer(held.connection, TransportReply(failure: .deadlineExceeded))
        }
        let lent = Lent()
        let caller = try rig.call { vault in
            try await vault.withAccessToken(Disk.id(99)) { lent.token = TokenText($0) }
        }
        #expect(!caller.isDone)
        try answer(rig, milliseconds: 30_000)
        #expect(caller.isDone && lent.token == TokenText(.access, 99, 3))
        #expect((0..<100).allSatisfy { rig.disk.serial($0).map { $0 >= 3 } ?? false })
        // One for each: the hours that were slept through are not made up for.
        #expect(rig.network.all.count - sent <= 103)
    }

    private final class Lent: @unchecked Sendable { var token: TokenText? }
}
