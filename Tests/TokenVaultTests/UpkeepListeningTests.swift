// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Flights that are overdue, and the limits of their number.
@Suite struct UpkeepListeningTests {
    func key(_ number: UInt64) throws -> RecordKey {
        let text = try Secret(integer: number)
        return RecordKey(hashing: text.bytes)
    }

    func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }

    /// A lane at an endpoint of its own.
    func lane(
        _ state: inout UpkeepState, _ number: Int, concurrent: Int = 8, isListenedTo: Bool = true
    ) throws -> Int {
        var limits = RefreshPolicy.Limits()
        if !isListenedTo { limits.listenMilliseconds = 0 }
        return state.setLane(
            try ApplicationID("app\(number)"), endpoint: "https://\(number).example",
            Governor.Limits(concurrentMax: concurrent, perSecondMax: 100_000), limits)
    }

    /// Sends all that may leave at `now`; returns their flights.
    func fly(_ state: inout UpkeepState, _ now: UnixTime) throws -> [UInt64] {
        var departures: [UInt64] = []
        for _ in 0..<64 {
            _ = state.ripen(now)
            let boardings = state.board(now, limit: 256, onlyDemands: false)
            if boardings.isEmpty { break }
            for boarding in boardings {
                let key = try boarding.flight?.key ?? key(UInt64(boarding.slot))
                guard let flight = state.begin(boarding, key, now) else { continue }
                check(state.makeReady(flight.number, now))
            }
            departures += state.depart(now)
        }
        return departures
    }

    func listen(_ state: inout UpkeepState, _ flight: UInt64, _ now: UnixTime) throws {
        let told = state.beginListening(flight, until: now, now, random: 0)
        check(try unwrap(told).isEmpty)
    }

    func schedule(_ state: inout UpkeepState, _ slots: Range<UInt32>, _ lane: Int) {
        for slot in slots {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(100)))
        }
    }

    @Test func nobodyIsAskedForWhileItIsHeld() throws {
        var state = UpkeepState()
        let lane = try lane(&state, 0)
        schedule(&state, 1..<3, lane)
        state.hold(1, until: time(45))
        check(state.deadline(1) == time(45))
        // Whatever makes it due: somebody else's success, a change of its application.
        schedule(&state, 1..<2, lane)
        check(state.deadline(1) == time(45) && state.isHeld(1, time(44)))
        check(try fly(&state, time(10)).count == 1)
        state.move(milliseconds: -5000)
        check(state.deadline(1) == time(40) && !state.isHeld(1, time(40)))
        // It has other tokens.
        state.forgetRisk(1)
        schedule(&state, 1..<2, lane)
        check(state.deadline(1) == time(1))
    }

    @Test func leavesItsPlaceAndTakesOneWhenItEnds() throws {
        var state = UpkeepState()
        let lane = try lane(&state, 0)
        schedule(&state, 1..<2, lane)
        let flight = try unwrap(try fly(&state, time(10)).first)
        check(state.aloftCount == 1 && state.listenerCount == 0)
        try listen(&state, flight, time(25))
        check(state.aloftCount == 0 && state.listenerCount == 1)
        check(state.beginListening(flight, until: time(30), time(26), random: 0) == nil)
        state.land(flight, .answered, time(50), random: 0)
        check(state.aloftCount == 1 && state.listenerCount == 0)
        state.end(flight, time(50))
        check(state.aloftCount == 0 && state.endpoints[0].governor.listening == 0)
    }

    @Test func oneThatEndsWithoutAnAnswerLeavesNothingBehind() throws {
        var state = UpkeepState()
        schedule(&state, 1..<2, try lane(&state, 0))
        let flight = try unwrap(try fly(&state, time(10)).first)
        try listen(&state, flight, time(25))
        state.end(flight, time(50))
        check(state.aloftCount == 0 && state.listenerCount == 0)
        check(state.endpoints[0].governor.listening == 0)
    }

    @Test func callersAreToldAtOnceUnlessTheyArePatient() throws {
        var state = UpkeepState()
        let lane = try lane(&state, 0)
        schedule(&state, 1..<2, lane)
        let flight = try unwrap(try fly(&state, time(10)).first)
        let key = try key(1)
        func demand(_ waiter: UInt64, isPatient: Bool = false) -> UpkeepState.Demand {
            state.demand(
                key, slot: 1, lane: lane, death: time(100), waiter: waiter, isPatient: isPatient,
                time(11))
        }
        check(demand(1) == .joined && demand(2, isPatient: true) == .joined)
        check(state.beginListening(flight, until: time(600), time(25), random: 0) == [1])
        check(demand(3) == .refused(.answerOutstanding))
        check(demand(4, isPatient: true) == .joined)
        check(state.isAwaited(flight))
        state.leave(key, 4)
        state.land(flight, .answered, time(50), random: 0)
        check(state.end(flight, time(50)) == [2])
    }

    @Test func otherTokensHaveAFlightOfTheirOwn() throws {
        var state = UpkeepState()
        let lane = try lane(&state, 0)
        schedule(&state, 1..<2, lane)
        let first = try unwrap(try fly(&state, time(10)).first)
        let key = try key(1)
        try listen(&state, first, time(25))
        check(state.supersede(key) == first)
        check(state.flight(key) == nil && state.isOut(first))
        schedule(&state, 1..<2, lane)
        let second = try unwrap(try fly(&state, time(30)).first)
        check(state.flight(key)?.number == second)
        state.land(first, .answered, time(40), random: 0)
        state.end(first, time(40))
        check(state.flight(key)?.number == second)
        check(state.detached.isEmpty)
    }

    @Test func whatWasReplacedBeforeItsDeadlineIsDetachedAtIt() throws {
        var state = UpkeepState()
        let lane = try lane(&state, 0)
        schedule(&state, 1..<2, lane)
        let flight = try unwrap(try fly(&state, time(10)).first)
        let key = try key(1)
        let joined = state.demand(
            key, slot: 1, lane: lane, death: time(100), waiter: 1, isPatient: true, time(11))
        check(joined == .joined)
        check(state.supersede(key) == flight && state.flight(key) != nil)
        // Even the patient find the other tokens.
        check(state.beginListening(flight, until: time(600), time(25), random: 0) == [1])
        check(state.flight(key) == nil && state.detached == [flight])
    }

    @Test func aDisconnectFindsThemAll() throws {
        var state = UpkeepState()
        let lane = try lane(&state, 0)
        schedule(&state, 1..<2, lane)
        let first = try unwrap(try fly(&state, time(10)).first)
        let key = try key(1)
        try listen(&state, first, time(25))
        _ = state.supersede(key)
        schedule(&state, 1..<2, lane)
        let second = try unwrap(try fly(&state, time(30)).first)
        check(Set(state.orphan(key, slot: 1).map(\.number)) == [first, second])
        check(state.isOrphan(first) && state.isOrphan(second))
        // Overdue, it is no flight of the next life.
        try listen(&state, second, time(45))
        check(state.flight(key) == nil && state.detached == [first, second])
        for flight in [first, second] { state.end(flight, time(50)) }
        check(state.detached.isEmpty && state.listenerCount == 0 && state.aloftCount == 0)
    }

    @Test func nothingLeavesForAnEndpointWithAsManyAsItsLimit() throws {
        var state = UpkeepState()
        let (full, other) = (
            try lane(&state, 0, concurrent: 2), try lane(&state, 1, concurrent: 2)
        )
        schedule(&state, 0..<6, full)
        schedule(&state, 6..<8, other)
        let flights = try fly(&state, time(10))
        check(flights.count == 4)
        for flight in flights where state.flights[flight]?.lane == full {
            try listen(&state, flight, time(25))
        }
        check(state.isBlocked(0) && !state.isBlocked(1))
        let demand = state.demand(
            try key(90), slot: 90, lane: full, death: time(100), waiter: 1, time(26))
        check(demand == .refused(.backingOff))
        // What had boarded is taken back.
        let recalled = state.recall(full, at: 0, time(26)).requests
        check(recalled.count == 4)
        for flight in recalled {
            state.land(flight, .unsent, time(26), random: 0)
            state.end(flight, time(26))
        }
        schedule(&state, 20..<24, full)
        check(try fly(&state, time(3600)).isEmpty)
        check(state.nextMoment(time(3600), onlyDemands: false) == nil)
        let ended = try unwrap(flights.first { state.flights[$0]?.lane == full })
        state.land(ended, .answered, time(3600), random: 0)
        check(try fly(&state, time(3600)).count == 1)
    }

    @Test func neverMoreThan512ThoughAllBecomeOverdueTogether() throws {
        var state = UpkeepState()
        let lanes = try (0..<4).map {
            try lane(&state, $0, concurrent: 400, isListenedTo: $0 < 3)
        }
        for (number, lane) in lanes.enumerated() {
            schedule(&state, UInt32(number * 400)..<UInt32(number * 400 + 400), lane)
        }
        func flying(_ now: UnixTime) throws -> [UInt64] {
            try fly(&state, now).filter { (state.flights[$0]?.lane ?? 3) < 3 }
        }
        var flights: [UInt64] = []
        for second in 10..<20 as Range<Int64> { flights += try flying(time(second)) }
        check(flights.count == UpkeepState.listenersMax)
        check(state.isFullOfListeners && (0..<3).allSatisfy { !state.isBlocked($0) })
        for flight in flights { try listen(&state, flight, time(25)) }
        check(state.listenerCount == UpkeepState.listenersMax && state.listenableCount == 0)
        check((0..<3).allSatisfy { state.isBlocked($0) } && !state.isBlocked(3))
        check(try flying(time(26)).isEmpty)
        // Each that ends makes room for one.
        for flight in flights.prefix(5) {
            state.land(flight, .answered, time(27), random: 0)
            state.end(flight, time(27))
        }
        check(try !flying(time(40)).isEmpty)
        check(state.listenerCount + state.listenableCount <= UpkeepState.listenersMax)
    }

    @Test func at512OnlyEndpointsWithoutOneGoOn() throws {
        check(UpkeepState.listenersMax == 512)
        var state = UpkeepState()
        // 65 endpoints with 8 of at most 16 each: 520, the last of which are not listened to.
        let lanes = try (0..<66).map {
            try lane(&state, $0, concurrent: 16, isListenedTo: $0 < 64)
        }
        for (number, lane) in lanes.prefix(65).enumerated() {
            schedule(&state, UInt32(number * 8)..<UInt32(number * 8 + 8), lane)
        }
        let flights = try fly(&state, time(10))
        check(flights.count == 520)
        let overdue = flights.filter { (state.flights[$0]?.lane ?? 64) < 64 }
        for flight in overdue.dropLast() { try listen(&state, flight, time(25)) }
        check(state.listenerCount == 511)
        // The breaker has nothing to do with it.
        check((0..<66).allSatisfy { !state.isBlocked($0) })
        try listen(&state, try unwrap(overdue.last), time(25))
        check((0..<64).allSatisfy { state.isBlocked($0) })
        check(!state.isBlocked(64) && !state.isBlocked(65))
        for (number, lane) in lanes.enumerated() {
            schedule(&state, UInt32(1000 + number)..<UInt32(1001 + number), lane)
        }
        let later = try fly(&state, time(26)).compactMap { state.flights[$0]?.lane }
        check(Set(later) == [64, 65])
        state.land(try unwrap(overdue.first), .answered, time(27), random: 0)
        check((0..<64).allSatisfy { !state.isBlocked($0) })
        let woken = try fly(&state, time(28)).compactMap { state.flights[$0]?.lane }
        check(woken.isEmpty == false)
    }
}
