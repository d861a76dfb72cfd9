// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What stands between a connection that is due and the wire: the limits of its endpoint, pauses,
/// and an application that the provider rejects.
extension UpkeepStateTests {
    @Test func boardsAheadOfTheWireAndNoFurther() throws {
        var state = UpkeepState()
        let lane = try lane(&state, concurrent: 4)
        for slot in UInt32(0)..<100 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        let first = try board(&state, time(1))
        check(first.count == 4 + 16)
        for flight in first { check(state.makeReady(flight.number, time(1))) }
        check(state.depart(time(1)).count == 4)
        // Sixteen wait on board, which is enough; when half of them have left, there is room.
        for flight in first.prefix(8) {
            check(try board(&state, time(1)).isEmpty)
            state.land(flight.number, .answered, time(1), random: 0)
            check(state.depart(flight.endpoint, time(1)).count == 1)
        }
        check(try board(&state, time(1)).count == 8)
    }

    @Test func endpointsDoNotWaitForEachOther() throws {
        var state = UpkeepState()
        let slow = try lane(&state, "slow", endpoint: "https://slow.example", concurrent: 1)
        let other = try lane(&state, "other", endpoint: "https://other.example", concurrent: 8)
        for slot in UInt32(0)..<1000 {
            state.schedule(slot, Plan(lane: slow, due: time(1), death: time(1)))
        }
        for slot in UInt32(1000)..<1004 {
            state.schedule(slot, Plan(lane: other, due: time(5), death: time(9)))
        }
        let sent = try fly(&state, time(6))
        check(sent.filter { $0 >= 1000 }.count == 4)
        check(sent.filter { $0 < 1000 }.count == 1)
    }

    @Test func applicationsOfOneEndpointShareItsLimits() throws {
        var state = UpkeepState()
        let lanes = [
            try lane(&state, "one", concurrent: 4), try lane(&state, "two", concurrent: 4),
        ]
        for slot in UInt32(0)..<100 {
            let plan = Plan(
                lane: lanes[Int(slot % 2)], due: time(1), death: time(100 - Int64(slot)))
            state.schedule(slot, plan)
        }
        // The most urgent of both, in turn.
        check(try fly(&state, time(2)) == [99, 98, 97, 96])
    }

    @Test func ofTheLimitsOfOneEndpointTheStrictestHold() throws {
        for isStrictFirst in [true, false] {
            var state = UpkeepState()
            let strict = ("strict", 2)
            let generous = ("generous", 8)
            var lanes: [Int] = []
            for (name, concurrent) in isStrictFirst ? [strict, generous] : [generous, strict] {
                lanes.append(try lane(&state, name, concurrent: concurrent))
            }
            let endpoint = state.lanes[lanes[0]].endpoint
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 2)
            // Corrected, or gone to another endpoint: the others' hold.
            _ = try lane(&state, "strict", concurrent: 6)
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 6)
            _ = try lane(&state, "strict", endpoint: "https://b.example/token", concurrent: 1)
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 8)
            // Whoever comes when all others are gone is bound by nobody's but its own.
            _ = try lane(&state, "generous", endpoint: "https://b.example/token", concurrent: 8)
            _ = try lane(&state, "late", concurrent: 16)
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 16)
        }
    }

    @Test func aPauseIsToldToCallersAndKeptByTheRest() throws {
        var state = UpkeepState()
        let lane = try lane(&state, concurrent: 1)
        for slot in UInt32(0)..<20 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        let sent = try fly(&state, time(2))
        check(sent.count == 1)
        func demand(_ number: UInt64) throws -> UpkeepState.Demand {
            state.demand(
                try key(number), slot: UInt32(number), lane: lane, death: time(5), waiter: number,
                time(2))
        }
        check(try demand(500) == .waits)
        let number = try unwrap(state.flight(try key(UInt64(sent[0])))).number
        state.land(number, .busy(retryAfterSeconds: 60), time(2), random: 0)
        let (requests, waiters) = state.recall(lane, at: state.lanes[lane].endpoint, time(2))
        check(waiters == [500])
        check(requests.count == 4)
        for request in requests {
            state.land(request, .unsent, time(2), random: 0)
            state.end(request, time(2))
        }
        state.end(number, time(2))
        check(try demand(501) == .refused(.backingOff))
        check(try board(&state, time(30)).isEmpty)
        // It sleeps until shortly before the pause ends, and then one probe leaves.
        let next = try unwrap(state.nextMoment(time(30), onlyDemands: false))
        check(next > time(58) && next <= time(69))
        check(try fly(&state, time(70)).count == 1)
        check(try fly(&state, time(70)).isEmpty)
    }

    @Test func anApplicationThatIsRejectedIsProbed() throws {
        var state = UpkeepState()
        let lane = try lane(&state, "rejected")
        let other = try self.lane(&state, "other")
        for slot in UInt32(0)..<10 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        let sent = try fly(&state, time(2))
        check(sent.count == 8)
        check(state.lanes[lane].reject(time(2)))
        check(!state.lanes[lane].reject(time(2)))
        for slot in sent { try land(&state, slot, .answered, time(2)) }
        // Two were on board: they are taken back.
        let (requests, _) = state.recall(lane, at: state.lanes[lane].endpoint, time(2))
        check(requests.count == 2)
        for request in requests {
            state.land(request, .unsent, time(2), random: 0)
            state.end(request, time(2))
        }
        for slot in UInt32(0)..<10 {
            state.schedule(slot, Plan(lane: lane, due: time(2), death: time(2)))
        }
        check(try fly(&state, time(3)).isEmpty)
        check(
            state.demand(try key(1), slot: 1, lane: lane, death: time(5), waiter: 9, time(3))
                == .refused(.applicationMisconfigured))
        // The other application of the same endpoint goes on.
        state.schedule(900, Plan(lane: other, due: time(3), death: time(9)))
        check(try fly(&state, time(4)) == [900])
        // One probe a minute.
        check(state.nextMoment(time(4), onlyDemands: false) == time(62))
        let probe = try fly(&state, time(62))
        check(probe.count == 1)
        check(try fly(&state, time(63)).isEmpty)
        try land(&state, probe[0], .failed, time(64))
        check(try fly(&state, time(100)).isEmpty)
        let second = try fly(&state, time(124))
        check(second.count == 1)
        check(state.lanes[lane].accept())
        check(!state.lanes[lane].accept())
        try land(&state, second[0], .answered, time(125))
        // The other application has one of the eight places.
        check(try fly(&state, time(126)).count == 7)
    }

    @Test func whatBoardsWhileItsLaneClosesIsNotReady() throws {
        var state = UpkeepState()
        let lane = try lane(&state)
        for slot in UInt32(0)..<6 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        let flights = try board(&state, time(1))
        check(flights.count == 6)
        check(state.lanes[lane].reject(time(1)))
        check(state.recall(lane, at: state.lanes[lane].endpoint, time(1)).requests.isEmpty)
        for flight in flights.prefix(3) { check(!state.makeReady(flight.number, time(1))) }
        // The same where the provider asks for a pause.
        check(state.lanes[lane].accept())
        check(state.makeReady(flights[3].number, time(1)))
        check(state.depart(time(1)) == [flights[3].number])
        state.land(flights[3].number, .busy(retryAfterSeconds: 60), time(1), random: 0)
        check(!state.makeReady(flights[4].number, time(1)))
        for flight in flights {
            state.land(flight.number, .unsent, time(2), random: 0)
            state.end(flight.number, time(2))
        }
        check(state.aloftCount == 0 && state.endpoints[0].boardedCount == 0)
        // Nothing of it keeps the thread awake.
        let next = state.nextMoment(time(2), onlyDemands: true)
        check(next == nil || next.map { $0 > time(2) } == true)
    }

    @Test func withoutRunOnlyDemandsAreServed() throws {
        var state = UpkeepState()
        let lane = try lane(&state)
        for slot in UInt32(0)..<10 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        // Some ripened while it ran.
        _ = state.ripen(time(2))
        check(state.board(time(2), limit: 10, onlyDemands: true).isEmpty)
        check(
            state.demand(try key(50), slot: 50, lane: lane, death: time(5), waiter: 1, time(2))
                == .waits)
        let boardings = state.board(time(2), limit: 10, onlyDemands: true)
        check(boardings.map(\.slot) == [50])
        check(state.nextMoment(time(2), onlyDemands: true) == nil)
    }

    @Test func theProbeIsOneConnectionAndNoOther() throws {
        var state = UpkeepState()
        let lane = try lane(&state)
        _ = state.lanes[lane].reject(time(0))
        state.lanes[lane].begin(1)
        func flight(_ slot: UInt32) throws -> Flight {
            Flight(
                number: 1, key: try key(UInt64(slot)), slot: slot, lane: lane, death: time(1),
                stage: .ready)
        }
        check(state.lanes[lane].mayLeave(try flight(1), time(90_000)))
        check(!state.lanes[lane].mayLeave(try flight(2), time(90_000)))
        // One that was out for long ends: the probe is still to come back.
        state.lanes[lane].end(2, time(70_000))
        check(state.lanes[lane].mayLeave(try flight(1), time(90_000)))
        check(state.lanes[lane].opens == nil)
        state.lanes[lane].end(1, time(80_000))
        check(!state.lanes[lane].mayLeave(try flight(1), time(90_000)))
        check(state.lanes[lane].opens == time(80_000).adding(milliseconds: Lane.probeMilliseconds))
    }

    /// Whoever was refused before the application was rejected may have a grant that is over.
    @Test func aDeadGrantIsNotTheOnlyOneThatIsTriedForEver() throws {
        var lane = Lane(
            application: try ApplicationID("app"), endpoint: 0, Governor.Limits(),
            limits: RefreshPolicy.Limits())
        check(lane.suspicion.refuse(7, order: lane.suspicion.send(), time(1000)))
        check(lane.reject(time(2000)))
        check(lane.mayRisk(7, time(3000)) && !lane.mayRisk(8, time(3000)))
        let again = time(1000).adding(milliseconds: Suspicion.riskMilliseconds)
        check(lane.risksAgain == again)
        check(lane.mayRisk(8, again))
        // Two are at risk then, and nobody has said that the provider says so of dead grants.
        check(lane.suspicion.refuse(8, order: lane.suspicion.send(), again))
        check(!lane.mayRisk(9, again.adding(milliseconds: 100 * Suspicion.riskMilliseconds)))
        check(lane.risksAgain == nil)
    }

    @Test func anApplicationMayMoveToAnotherEndpoint() throws {
        var state = UpkeepState()
        let lane = try lane(&state, "app", endpoint: "https://old.example", concurrent: 1)
        for slot in UInt32(0)..<30 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        let sent = try fly(&state, time(2))
        check(sent.count == 1)
        check(
            try moved(&state) == lane)
        // What is out belongs to the old endpoint, whatever the application's is now.
        try land(&state, sent[0], .answered, time(3))
        check(state.endpoints.allSatisfy { $0.governor.inFlight == 0 && $0.boardedCount >= 0 })
        // One of those that had boarded for the old one, and two for the new.
        check(try fly(&state, time(3)).count == 3)
    }

    @Test func whatIsReadyWhereItsApplicationWasIsTakenBackWithItsLane() throws {
        var state = UpkeepState()
        let lane = try lane(&state, "app", endpoint: "https://old.example", concurrent: 1)
        for slot in UInt32(0)..<3 {
            state.schedule(slot, Plan(lane: lane, due: time(1), death: time(2)))
        }
        let flights = try board(&state, time(2))
        for flight in flights { check(state.makeReady(flight.number, time(2))) }
        check(state.depart(time(2)).count == 1)
        check(try moved(&state) == lane)
        let first = try unwrap(state.flight(flights[0].key))
        state.land(first.number, .answered, time(3), random: 0)
        check(state.judge(first, .rejected, refusal: nil, time(3)).isAlarm)
        let new = state.lanes[lane].endpoint
        check(state.recall(lane, at: new, time(3)).requests.count == flights.count - 1)
    }

    private func moved(_ state: inout UpkeepState) throws -> Int {
        try lane(&state, "app", endpoint: "https://new.example", concurrent: 2)
    }
}
