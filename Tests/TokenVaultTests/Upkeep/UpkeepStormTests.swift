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
    /// The first dies five seconds after the storm began, the last after so many more.
    static let deathSeconds = 120

    /// What a provider sees, and when each connection is of no use any more.
    struct Storm: ~Copyable {
        var state = UpkeepState()
        var now = UnixTime(seconds: 1_800_000_000)
        let queue: Int
        /// The order in which they expire, by handle, and each one's place in it.
        var deaths: [UnixTime] = []
        var places: [Int] = []
        var admitted: [(handle: Handle, moment: UnixTime)] = []
        /// What is out, the oldest first: all answers take as long.
        var out: [(attempt: RefreshAttempt, moment: UnixTime)] = []
        var answered = 0

        init(_ random: inout SeededRandom) throws {
            queue = state.setQueue(
                try ApplicationID("app"), endpoint: "https://a.example",
                Governor.Limits(concurrentMax: concurrentMax, perSecondMax: perSecondMax),
                RefreshPolicy.Limits())
            let order = (0..<connections).shuffled(using: &random)
            places = Array(repeating: 0, count: connections)
            for (place, handle) in order.enumerated() { places[handle] = place }
            for handle in 0..<connections {
                let due = now.adding(milliseconds: Int64(random.below(1000)))
                let share = places[handle] * deathSeconds * 1000 / connections
                let death = now.adding(milliseconds: 5000 + Int64(share))
                deaths.append(death)
                state.schedule(
                    Handle(number: UInt32(handle)), Plan(queue: queue, due: due, death: death))
            }
        }

        mutating func pass() throws {
            while let first = out.first, first.moment <= now {
                out.removeFirst()
                state.answered(first.attempt, .answered, now, random: 0)
                state.end(first.attempt, now)
                answered += 1
            }
            while state.enqueueDue(now) {}
            for turn in state.takeTurns(now, limit: 256, onlyDemands: false) {
                let text = try Secret(integer: UInt64(turn.handle.number))
                let key = RecordKey(hashing: text.bytes)
                if let attempt = state.begin(turn, key, now) {
                    check(state.recorded(attempt, now))
                }
            }
            for attempt in state.admit(now) {
                admitted.append((attempt.handle, now))
                out.append((attempt, now.adding(milliseconds: answerMilliseconds)))
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
        #expect(Set(storm.admitted.map(\.handle)).count == Self.connections)
        #expect(storm.admitted.count == Self.connections)
        #expect(storm.state.scheduledCount == 0 && storm.state.activeCount == 0)
        check(storm.isWithinRate)
        // In the first second not all are due. After it they leave in the order in which they die,
        // but for those made ready ahead, and for the seconds, which the schedule does not divide.
        let blur = 5 * Self.concurrentMax + Self.connections / Self.deathSeconds
        check(storm.disorder(after: 2 * Self.perSecondMax) <= blur, "seed \(random.seed)")
        check(storm.deadWhenAdmitted == 0, "seed \(random.seed)")
    }
}

// What is looked at afterwards: once, not a hundred thousand times.
extension UpkeepStormTests.Storm {
    /// Whether in no second, whenever it begins, more are sent than allowed.
    var isWithinRate: Bool {
        let perSecondMax = UpkeepStormTests.perSecondMax
        return admitted.indices.dropFirst(perSecondMax).allSatisfy { index in
            let earlier = admitted[index - perSecondMax].moment
            return admitted[index].moment.milliseconds(since: earlier) >= 1000
        }
    }

    /// By how many places somebody left sooner or later than the order of deaths says, at most.
    func disorder(after first: Int) -> Int {
        admitted.indices.dropFirst(first).map { index in
            abs(places[Int(admitted[index].handle.number)] - index)
        }.max() ?? 0
    }

    /// How many left too late to be of use.
    var deadWhenAdmitted: Int {
        admitted.count { $0.moment >= deaths[Int($0.handle.number)] }
    }
}
