// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// A lost answer may have brought a new refresh token. Some providers still take the old one for a
/// while: that is how long there is to present it again.
@Suite("A lost answer and the provider's grace") struct GraceTests {
    /// Connections that are due, at a provider that takes a replaced token for so long.
    func rig(grace: Int64, connections: Int = 1) throws -> Rig {
        let disk = try Disk.populated(connections)
        try disk.changeProvider { $0.reuseGraceSeconds = grace }
        return try Rig.started(disk)
    }

    @Test("Within 30 seconds the same token is presented four times more, at first within two")
    func hurries() throws {
        let rig = try rig(grace: 30, connections: 2)
        var waits: [Int64] = []
        for _ in 0..<10 {
            #expect(try #require(rig.network.last(0)).serial == 1)
            try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
            // Another connection shows that the provider is not down.
            try rig.answerWithTokens(1)
            try rig.flush()
            let other = try rig.call { try await $0.refresh(Disk.id(1)) }
            waits.append(try rig.untilNext(0))
            #expect(!other.isDone)
        }
        #expect(waits[0] <= 2000)
        #expect(waits.prefix(4).reduce(0, +) <= 25_000)
        #expect(waits.allSatisfy { $0 <= 30_000 / RefreshPolicy.graceParts })
        try rig.answerWithTokens(0)
        try rig.flush()
        #expect(rig.disk.serial(0) == 2)
        #expect(rig.disk.doubts.allSatisfy { $0.attempt.key != Disk.key(0) })
    }

    @Test(
        "It is listened for until there is just time to ask again, then for as long as it takes",
        arguments: [
            (10, 600_000), (23, 600_000), (24, 16_000), (30, 22_000), (59, 51_000), (60, 0),
        ] as [(Int64, Int)])
    func listensMeanwhile(_ grace: Int64, _ expected: Int) throws {
        let rig = try rig(grace: grace)
        let first = try #require(rig.network.last(0)).request
        #expect(first.listenMilliseconds == expected)
        #expect(first.isListenedTo == (expected > 0))
        // It is never answered.
        if first.isListenedTo {
            try rig.advance(milliseconds: 15_000)
            try rig.makeOverdue(0)
        }
        let end = max(expected, first.deadlineMilliseconds)
        try rig.advance(milliseconds: Int64(end) - (first.isListenedTo ? 15_000 : 0))
        try rig.answer(0, TransportReply(failure: .deadlineExceeded))
        try rig.flush()
        let wait = try rig.untilNext(0)
        if expected < 600_000 { #expect(Int64(end) + wait < 1000 * grace) }
        let second = try #require(rig.network.last(0))
        #expect(second.serial == 1)
        // Nothing that comes after it is sure to be taken any more.
        let listens = second.request.listenMilliseconds
        #expect(grace < 60 ? listens == 600_000 : (33_000...37_000).contains(listens))
    }

    @Test("When the grace is over there is no hurry any more")
    func calmsDown() throws {
        let rig = try rig(grace: 30)
        var wait: Int64 = 0
        for _ in 0...RefreshPolicy.urgentAttemptsMax {
            try rig.answer(0, Rig.reply(500, ""))
            try rig.flush()
            wait = try rig.untilNext(0)
        }
        #expect(wait >= RefreshPolicy.backoffMillisecondsMax / 2)
    }

    @Test("Whoever is in doubt goes before all that is merely due")
    func goesFirst() throws {
        let disk = Disk()
        try disk.register(concurrent: 1)
        // The one whose answer gets lost lives longest.
        try disk.connect(0..<1, expiringIn: 60_000)
        try disk.connect(1..<40)
        let rig = try Rig(disk)
        let caller = try rig.call { try await $0.refresh(Disk.id(0)) }
        try rig.start()
        try rig.flush()
        try rig.answer(0, TransportReply(failure: .lost(curlCode: 56)))
        try rig.flush()
        #expect(caller.code == .answerLost)
        var order: [Int] = []
        for _ in 0..<40 {
            // So it is due again after four answers at the most.
            try rig.advance(milliseconds: 250)
            try rig.flush()
            let held = try #require(rig.network.open.first)
            order.append(held.connection)
            try rig.answerWithTokens(held.connection)
            try rig.flush()
        }
        let place = try #require(order.firstIndex(of: 0))
        // What was made ready before it goes before it.
        #expect(place <= 4 + 5)
        #expect(Set(order).count == 40)
    }
}
