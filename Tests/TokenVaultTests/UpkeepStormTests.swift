// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// 100,000 connections that are due in the same second.
@Suite struct UpkeepStormTests {
    static let connections = 100_000
    static let concurrentMax = 64
    static let perSecondMax = 2000
    static let answerMilliseconds: Int64 = 20

    /// What a provider sees, and when each connection is of no use any more.
    struct Storm: ~Copyable {
        var state = UpkeepState()
        var now = UnixTime(seconds: 1_800_000_000)
        let lane: Int
        /// The order in which they die, by slot, and each one's place in it.
        var deaths: [UnixTime] = []
        var places: [Int] = []
        var departures: [(slot: UInt32, moment: UnixTime)] = []
        /// What is out, the oldest first: all answers take as long.
        var out: [(number: UInt64, moment: UnixTime)] = []
        var answered = 0

        init(_ random: inout SeededRandom) throws {
            lane = state.setLane(
                try ApplicationID("app"), endpoint: "https://a.example",
                Governor.Limits(concurrentMax: concurrentMax, perSecondMax: perSecondMax),
                RefreshPolicy.Limits())
            let order = (0..<connections).shuffled(using: &random)
            places = Array(repeating: 0, count: connections)
            for (place, slot) in order.enumerated() { places[slot] = place }
            // They are due within one second, and die in the two minutes after it, four of them in
            // the same second as many others: the schedule keeps seconds.
            for slot in 0..<connections {
                let due = now.adding(milliseconds: Int64(random.below(1000)))
                let death = now.adding(milliseconds: 1000 + Int64(places[slot]) * 120_000 / 100_000)
                deaths.append(death)
                state.schedule(UInt32(slot), Plan(lane: lane, due: due, death: death))
            }
        }

        mutating func pass() throws {
            while let first = out.first, first.moment <= now {
                out.removeFirst()
                state.land(first.number, .answered, now, random: 0)
                state.end(first.number, now)
                answered += 1
            }
            while state.ripen(now) {}
            for boarding in state.board(now, limit: 256, onlyDemands: false) {
                let text = try Secret(integer: UInt64(boarding.slot))
                let key = RecordKey(hashing: text.bytes)
                if let flight = state.begin(boarding, key) {
                    check(state.makeReady(flight.number, now))
                }
            }
            for number in state.depart(now) {
                let slot = try unwrap(state.flights[number]).slot
                departures.append((slot, now))
                out.append((number, now.adding(milliseconds: answerMilliseconds)))
            }
            check(out.count <= concurrentMax)
            now = now.adding(milliseconds: 1)
        }
    }

    @Test func keepsTheLimitsAndServesWhoDiesFirst() throws {
        var random = SeededRandom(variable: "TOKENVAULT_SEED")
        var storm = try Storm(&random)
        let start = storm.now
        while storm.answered < Self.connections {
            try storm.pass()
            try #require(storm.now.milliseconds(since: start) < 70_000, "it takes too long")
        }
        #expect(Set(storm.departures.map(\.slot)).count == Self.connections)
        #expect(storm.departures.count == Self.connections)
        #expect(storm.state.scheduledCount == 0 && storm.state.aloftCount == 0)
        for index in storm.departures.indices.dropFirst(Self.perSecondMax) {
            let earlier = storm.departures[index - Self.perSecondMax]
            check(storm.departures[index].moment.milliseconds(since: earlier.moment) >= 1000)
        }
        // In the first second not all are due. After it they leave in the order in which they
        // die, but for those made ready ahead, and seconds are not told apart.
        let blur = 4 * Self.concurrentMax + 256 + 2 * Self.connections / 120
        for (index, departure) in storm.departures.enumerated().dropFirst(2 * Self.perSecondMax) {
            check(
                abs(storm.places[Int(departure.slot)] - index) <= blur + 2 * Self.perSecondMax,
                "seed \(random.seed): number \(index)")
            // Nobody dies: the last of a hundred thousand leaves long before its time.
            check(departure.moment < storm.deaths[Int(departure.slot)], "seed \(random.seed)")
        }
    }
}
