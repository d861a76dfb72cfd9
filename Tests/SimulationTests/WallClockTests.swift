// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// The wall clock is set while the vault is open, ahead and back, rightly and wrongly.
@Suite("The wall clock is set") struct WallClockTests {
    private static let hour: Int64 = 3_600_000
    private static let year: Int64 = 365 * 24 * hour

    /// A caller who wants a token of a connection; nil where it is refreshed first.
    private func lend(_ rig: Rig, _ connection: Int) throws -> TokenText? {
        let lent = Lent()
        _ = try rig.call { vault in
            try await vault.withAccessToken(Disk.id(connection)) { lent.token = TokenText($0) }
        }
        return lent.token
    }

    private final class Lent: @unchecked Sendable { var token: TokenText? }

    /// Answers everything out after a tenth of a second, for so long; never more is out than the
    /// provider allows, nor more leaves within a second.
    private func answer(_ rig: Rig, milliseconds: Int64) throws {
        var moments: [Int64] = []
        let end = rig.clock.now + milliseconds
        while rig.clock.now < end {
            let counted = rig.network.all.count
            try rig.flush()
            #expect(rig.network.open.count <= 4)
            for _ in counted..<rig.network.all.count { moments.append(rig.clock.now) }
            try rig.advance(milliseconds: 100)
            for held in rig.network.open { try rig.answerWithTokens(held.connection) }
        }
        try rig.flush()
        for index in moments.indices.dropFirst(20) {
            #expect(moments[index] - moments[index - 20] >= 1000)
        }
    }

    /// A hundred connections that expire in an hour, at a provider with limits.
    private func rig() throws -> Rig {
        let disk = Disk()
        try disk.register(concurrent: 4)
        try disk.changeProvider { $0.refreshesPerSecondMax = 20 }
        try disk.connect(0..<100, expiringIn: Self.hour)
        return try Rig(disk)
    }

    @Test("An answer that came an hour late, by a clock an hour ahead, is not lent as fresh after")
    func frozenByAClockAhead() throws {
        let disk = try Disk.populated(1)
        do {
            let rig = try Rig(disk, moment: VirtualClock.start + Self.hour)
            _ = try rig.call { try await $0.refresh(Disk.id(0)) }
            try rig.flush()
            rig.clock.now += Self.hour
            try rig.answerWithTokens(0)
            try rig.flush()
            rig.close()
        }
        #expect(disk.serial(0) == 2)
        let rig = try Rig(disk, moment: VirtualClock.start + Self.hour + 10_000)
        #expect(try lend(rig, 0) == nil)
        try rig.flush()
        #expect(rig.askedCount(0) == 1)
        try rig.answerWithTokens(0)
        try rig.flush()
    }

    @Test("The machine was paused, and its clock is set right: what expired is not lent, no storm")
    func paused() throws {
        let rig = try rig()
        try rig.start()
        try rig.flush()
        #expect(try lend(rig, 7) != nil)
        rig.clock.pauseMachine(milliseconds: 8 * Self.hour)
        // Nobody can know yet.
        #expect(try lend(rig, 7) != nil)
        rig.time.set(byMilliseconds: 8 * Self.hour)
        #expect(try lend(rig, 7) == nil)
        #expect(rig.vault.time.now().milliseconds == rig.clock.now)
        try answer(rig, milliseconds: 30_000)
        #expect(rig.network.all.count == 100)
        #expect((0..<100).allSatisfy { rig.disk.serial($0) == 2 })
        #expect(try lend(rig, 7) == TokenText(.access, 7, 2))
    }

    @Test("A clock that was behind is set right: what expired is not lent")
    func wasBehind() throws {
        // Issued an hour ago, it expires in ten minutes; but the clock says it is half an hour ago.
        let rig = try Rig(.populated(1, expiringIn: 600_000), offset: -Self.hour / 2)
        try rig.advance(milliseconds: 900_000)
        #expect(try lend(rig, 0) == TokenText(.access, 0, 1))
        rig.time.set(byMilliseconds: Self.hour / 2)
        #expect(try lend(rig, 0) == nil)
        try rig.flush()
        #expect(rig.wasAsked(0))
    }

    @Test("Ten years ahead: everything is refreshed once; and back: nothing more than else")
    func tenYears() throws {
        let rig = try rig()
        try rig.start()
        try rig.flush()
        #expect(rig.network.all.isEmpty)
        rig.time.set(byMilliseconds: 10 * Self.year)
        try answer(rig, milliseconds: 30_000)
        #expect(rig.network.all.count == 100)
        rig.time.set(byMilliseconds: -10 * Self.year)
        try answer(rig, milliseconds: 30_000)
        #expect(rig.network.all.count == 100)
        #expect(rig.vault.time.now().milliseconds == rig.clock.now)
        for connection in 0..<100 {
            #expect(try lend(rig, connection) == TokenText(.access, connection, 2))
        }
        // They live an hour, by whatever clock, and are refreshed in time.
        try rig.advance(milliseconds: Self.hour - 660_000 - 60_001)
        try rig.flush()
        #expect(rig.network.all.count == 100)
        try answer(rig, milliseconds: 360_000 + 60_000)
        #expect(rig.network.all.count == 200)
        #expect((0..<100).allSatisfy { rig.disk.serial($0) == 3 })
    }

    @Test("An hour back: no token is lent longer for it", arguments: [true, false])
    func anHourBack(runs: Bool) throws {
        // Of one connection the tokens came just before, by a clock that was ahead of now.
        let rig = try Rig(.populated(2, expiringIn: 600_000), offset: Self.hour / 4)
        if runs { try rig.start() }
        let first = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.flush()
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(first.isDone && first.code == nil)
        if runs {
            try rig.answerWithTokens(1)
            try rig.flush()
        }
        let sent = rig.network.all.count
        rig.time.set(byMilliseconds: -Self.hour)
        try rig.flush()
        #expect(rig.vault.time.now().milliseconds == rig.clock.now - Self.hour * 3 / 4)
        #expect(rig.network.all.count == sent)
        #expect(try lend(rig, 0) == TokenText(.access, 0, 2))
        if runs {
            try rig.advance(milliseconds: Self.hour - 660_000 - 1)
            #expect(rig.network.open.isEmpty)
            try rig.advance(milliseconds: 360_002)
            try rig.flush()
            #expect(rig.network.open.count == 2)
        } else {
            #expect(try lend(rig, 1) == nil)
            try rig.flush()
            #expect(rig.network.open.map(\.connection) == [1])
            try rig.advance(milliseconds: Self.hour - 11_000)
            #expect(try lend(rig, 0) == TokenText(.access, 0, 2))
            try rig.advance(milliseconds: 1001)
            #expect(try lend(rig, 0) == nil)
        }
    }

    @Test("Pauses, back-offs and timers are as long as they were")
    func intervals() throws {
        let rig = try Rig.started(.populated(3, concurrent: 3))
        try rig.answer(0, TransportReply(status: 503, body: nil, retryAfterSeconds: 600))
        try rig.answerWithTokens(1)
        try rig.flush()
        // The third one's disconnect waits for its answer.
        let disconnect = try rig.call { try await $0.disconnect(Disk.id(2)) }
        try rig.flush()
        try rig.advance(milliseconds: 5000)
        rig.time.set(byMilliseconds: -Self.hour)
        try rig.flush()
        try rig.advance(milliseconds: 4900)
        try rig.flush()
        #expect(!disconnect.isDone)
        try rig.advance(milliseconds: 100)
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
        try rig.answer(2, TransportReply(failure: .deadlineExceeded))
        try rig.advance(milliseconds: 589_000)
        try rig.flush()
        #expect(rig.network.open.isEmpty)
        let waited = try rig.untilNext(0)
        #expect(waited <= 1000 + 60_000)
    }

    @Test("A connection that is refused is asked as rarely as before, and not more so")
    func refused() throws {
        let rig = try Rig.started(.populated(1))
        func refuse(milliseconds: Int64) throws -> Int {
            let asked = rig.network.all.count
            try rig.answerAll(milliseconds: milliseconds) { _ in
                TransportReply(status: 400, body: nil)
            }
            return rig.network.all.count - asked
        }
        _ = try refuse(milliseconds: Self.hour / 2)
        #expect(rig.wasAsked(0))
        for _ in 0..<3 {
            rig.time.set(byMilliseconds: -3 * Self.hour)
            #expect(try refuse(milliseconds: 600_000) == 0)
            #expect(try lend(rig, 0) == nil)
            #expect(try refuse(milliseconds: 0) == 0)
            #expect(try (1...2).contains(refuse(milliseconds: 2 * Self.hour - 600_000)))
        }
    }

    @Test("Small corrections change nothing, nor does the clock go back before all is moved")
    func corrections() throws {
        let rig = try Rig(.populated(1))
        let start = rig.vault.time.now()
        for step in [1000, -2000, 1999, -1999] as [Int64] {
            rig.time.set(byMilliseconds: step)
            try rig.settle()
            #expect(rig.vault.time.now() == start)
        }
        rig.time.set(byMilliseconds: -Self.hour)
        #expect(rig.vault.time.now() == start)
        try rig.settle()
        #expect(rig.vault.time.now().milliseconds == start.milliseconds - Self.hour - 1000)
    }

    @Test("A clock that is set back and forth costs what the limits allow, and comes to rest")
    func flapping() throws {
        let rig = try rig()
        try rig.start()
        for _ in 0..<10 {
            rig.time.set(byMilliseconds: -Self.hour)
            try answer(rig, milliseconds: 1000)
            rig.time.set(byMilliseconds: Self.hour)
            try answer(rig, milliseconds: 1000)
        }
        try answer(rig, milliseconds: 30_000)
        let sent = rig.network.all.count
        try answer(rig, milliseconds: 600_000)
        #expect(rig.network.all.count == sent)
        for connection in 0..<100 { #expect(try lend(rig, connection) != nil) }
        #expect(rig.isIdle)
    }
}
