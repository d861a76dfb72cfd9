// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Flights: one for each connection, the most urgent first, never beyond an endpoint's limits, and
/// none that lands in another life.
@Suite struct UpkeepStateTests {
    func key(_ number: UInt64) throws -> RecordKey {
        let text = try Secret(integer: number)
        return RecordKey(hashing: text.bytes)
    }

    func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }

    /// A lane of an endpoint that lets so many out at once.
    func lane(
        _ state: inout UpkeepState, _ name: String = "app", endpoint: String = "https://a.example",
        concurrent: Int = 8
    ) throws -> Int {
        state.setLane(
            try ApplicationID(name), endpoint: endpoint,
            Governor.Limits(concurrentMax: concurrent, perSecondMax: 100_000),
            RefreshPolicy.Limits())
    }

    /// Boards what may, and gives each boarding the key of its slot.
    func board(
        _ state: inout UpkeepState, _ now: UnixTime, limit: Int = 256, onlyDemands: Bool = false
    ) throws -> [Flight] {
        _ = state.ripen(now)
        let boardings = state.board(now, limit: limit, onlyDemands: onlyDemands)
        return try boardings.compactMap { boarding in
            state.begin(boarding, try boarding.flight?.key ?? key(UInt64(boarding.slot)), now)
        }
    }

    /// Sends all that board at `now`; returns their slots in the order in which they left.
    func fly(_ state: inout UpkeepState, _ now: UnixTime) throws -> [UInt32] {
        for flight in try board(&state, now) {
            check(state.makeReady(flight.number, now))
        }
        return state.depart(now).compactMap { state.flights[$0]?.slot }
    }

    func land(
        _ state: inout UpkeepState, _ slot: UInt32, _ outcome: Governor.Outcome, _ now: UnixTime
    ) throws {
        let number = try unwrap(state.flight(try key(UInt64(slot)))).number
        state.land(number, outcome, now, random: .max)
        state.end(number, now)
    }

    @Test func oneFlightForEachConnection() throws {
        var state = UpkeepState()
        let lane = try lane(&state)
        let key = try key(7)
        state.schedule(7, Plan(lane: lane, due: time(10), death: time(20)))
        func demand(_ waiter: UInt64) -> UpkeepState.Demand {
            state.demand(key, slot: 7, lane: lane, death: time(20), waiter: waiter, time(1))
        }
        check(demand(1) == .waits)
        check(!state.isScheduled(7))
        check(demand(2) == .joined)
        let flights = try board(&state, time(1), onlyDemands: true)
        check(flights.map(\.key) == [key])
        let flight = try unwrap(flights.first)
        check(demand(3) == .joined)
        check(state.makeReady(flight.number, time(1)))
        check(state.depart(time(1)) == [flight.number])
        check(demand(4) == .joined)
        state.leave(key, 2)
        state.leave(key, 99)
        check(try board(&state, time(30)).isEmpty)
        state.land(flight.number, .answered, time(2), random: 0)
        check(state.isOut(flight.number))
        check(state.end(flight.number, time(2)) == [1, 3, 4])
        check(!state.isOut(flight.number))
        check(state.end(flight.number, time(2)) == [])
        check(state.aloftCount == 0 && state.demandCount == 0)
        check(demand(5) == .waits)
    }

    @Test func whatIsDueBoardsOnceEvenWhereItIsPlannedAgain() throws {
        var state = UpkeepState()
        let lane = try lane(&state)
        for due in [10, 20, 5, 5] as [Int64] {
            state.schedule(3, Plan(lane: lane, due: time(due), death: time(30)))
            _ = state.ripen(time(15))
        }
        check(try board(&state, time(100)).map(\.slot) == [3])
        check(try board(&state, time(100)).isEmpty)
        check(state.scheduledCount == 0)
    }

    @Test func whoDiesFirstBoardsFirst() throws {
        var state = UpkeepState()
        let lane = try lane(&state, concurrent: 2)
        // Due one after the other, but the later they are due the sooner they die.
        for slot in UInt32(0)..<10 {
            let plan = Plan(lane: lane, due: time(Int64(slot)), death: time(1000 - Int64(slot)))
            state.schedule(slot, plan)
        }
        check(
            state.demand(try key(77), slot: 77, lane: lane, death: time(9999), waiter: 1, time(10))
                == .waits)
        var left: [UInt32] = []
        while left.count < 11 {
            let sent = try fly(&state, time(20))
            check(sent.count <= 2 && !sent.isEmpty)
            left += sent
            for slot in sent { try land(&state, slot, .answered, time(20)) }
        }
        check(left == [77, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    }

    @Test func aDeathTravelsThroughTheSchedule() {
        for (lead, kept) in [(0, 0), (1500, 1000), (65_535_000, 65_535_000), (1 << 50, 65_535_000)]
        {
            let due = time(1000)
            let plan = Plan(
                lane: 65_535, due: due, death: due.adding(milliseconds: Int64(lead)))
            let back = Plan(due: due, tag: plan.tag)
            check(back.lane == 65_535)
            check(back.death.milliseconds(since: due) == Int64(kept))
        }
        let late = Plan(lane: 1, due: time(5), death: time(2))
        check(Plan(due: time(5), tag: late.tag).death == time(5))
    }

    @Test func anOrphanIsNobodys() throws {
        var state = UpkeepState()
        let lane = try lane(&state)
        let key = try key(7)
        func demand(_ waiter: UInt64) -> UpkeepState.Demand {
            state.demand(key, slot: 7, lane: lane, death: time(20), waiter: waiter, time(1))
        }
        check(demand(1) == .waits)
        // Before it boards it simply ends.
        check(try unwrap(state.orphan(key, slot: 7).first).waiters == [1])
        check(state.flight(key) == nil && state.demandCount == 0)
        check(try board(&state, time(1)).isEmpty)

        check(demand(2) == .waits)
        let first = try unwrap(try board(&state, time(1)).first)
        _ = state.countFailure(key)
        let orphan = try unwrap(state.orphan(key, slot: 7).first)
        check(orphan.number == first.number && orphan.waiters == [2])
        check(state.isOrphan(first.number))
        check(!state.makeReady(first.number, time(1)))
        check(state.failureCount(key) == 0)
        // The next life has a flight of its own, which the old answer does not end.
        check(demand(5) == .waits)
        let second = try unwrap(try board(&state, time(1)).first)
        check(second.number != first.number)
        state.land(first.number, .unsent, time(2), random: 0)
        check(state.end(first.number, time(2)) == [])
        check(state.isOut(second.number))
        check(state.end(second.number, time(2)) == [5])
        check(state.orphan(key, slot: 7).isEmpty)
        check(state.aloftCount == 0)
        check(state.endpoints[0].boardedCount == 0)
    }

    @Test func whatWasSupersededDoesNotLeave() throws {
        var state = UpkeepState()
        let lane = try lane(&state)
        for slot in UInt32(0)..<2 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        let flights = try board(&state, time(1))
        check(flights.count == 2)
        check(state.supersede(flights[0].key) == flights[0].number)
        check(!state.makeReady(flights[0].number, time(1)))
        check(state.makeReady(flights[1].number, time(1)))
        check(state.depart(time(1)) == [flights[1].number])
        // Handed over, it may not have left yet. Where it has, its answer is judged by the pair
        // that it replaces.
        check(state.supersede(flights[1].key) == flights[1].number)
        state.land(flights[1].number, .answered, time(2), random: 0)
        // And what follows from an answer is nothing to the new tokens either.
        check(state.supersede(flights[1].key) == flights[1].number)
        check(state.isSuperseded(flights[1].number))
    }

    @Test func aSlotThatAnotherTookIsNotInTheOldLane() throws {
        var state = UpkeepState()
        let (old, new) = (
            try lane(&state, "old", endpoint: "https://old.example"),
            try lane(&state, "new", endpoint: "https://new.example")
        )
        state.schedule(5, Plan(lane: old, due: time(1), death: time(2)))
        _ = state.ripen(time(1))
        // Its connection goes, and one of another application gets the slot and is due.
        _ = state.orphan(try key(5), slot: 5)
        state.schedule(5, Plan(lane: new, due: time(3), death: time(9)))
        let flights = try board(&state, time(4))
        check(flights.map(\.lane) == [new])
        check(state.endpoints[state.lanes[old].endpoint].boardedCount == 0)
    }

    @Test func keepsToItsFlightsOrphansAmongThem() throws {
        var state = UpkeepState()
        let lane = try lane(&state, concurrent: 1024)
        // So many cannot be listened to.
        state.lanes[lane].limits.listenMilliseconds = 0
        for slot in UInt32(0)..<3000 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        var count = 0
        while true {
            let sent = try fly(&state, time(2))
            if sent.isEmpty { break }
            count += sent.count
            for slot in sent where slot % 2 == 0 {
                _ = state.orphan(try key(UInt64(slot)), slot: slot)
            }
        }
        check(count == UpkeepState.flightsMax)
        check(state.isFull)
        let flight = try unwrap(state.flights.values.first)
        state.land(flight.number, .answered, time(2), random: 0)
        check(state.isFull)
        state.end(flight.number, time(2))
        check(!state.isFull)
    }

    @Test func countsFailuresInARow() throws {
        var state = UpkeepState()
        let (one, other) = (try key(1), try key(2))
        for count in 1...3 { check(state.countFailure(one) == count) }
        check(state.failureCount(other) == 0)
        check(state.clearFailures(one))
        check(!state.clearFailures(one))
        check(state.countFailure(one) == 1)
    }
}
