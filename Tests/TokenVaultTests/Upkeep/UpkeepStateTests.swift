// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Attempts: one for each connection, the most urgent first, never beyond an endpoint's limits, and
/// none whose answer counts in another life.
@Suite struct UpkeepStateTests {
    func key(_ number: UInt64) throws -> RecordKey {
        let text = try Secret(integer: number)
        return RecordKey(hashing: text.bytes)
    }

    let callers = Callers()

    func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }

    /// A queue of an endpoint that lets so many out at once.
    func queue(
        _ state: inout UpkeepState, _ name: String = "app", endpoint: String = "https://a.example",
        concurrent: Int = 8
    ) throws -> Int {
        state.setQueue(
            try ApplicationID(name), endpoint: endpoint,
            Governor.Limits(concurrentMax: concurrent, perSecondMax: 100_000),
            RefreshPolicy.Limits())
    }

    /// Takes all turns, and gives each the key of its handle.
    func takeTurns(
        _ state: inout UpkeepState, _ now: UnixTime, limit: Int = 256, onlyDemands: Bool = false
    ) throws -> [RefreshAttempt] {
        _ = state.enqueueDue(now)
        let turns = state.takeTurns(now, limit: limit, onlyDemands: onlyDemands)
        return try turns.compactMap { turn in
            state.begin(turn, try turn.attempt?.key ?? key(UInt64(turn.handle.number)), now)
        }
    }

    /// Sends all whose turn it is at `now`; returns their handles in the order in which they left.
    func send(_ state: inout UpkeepState, _ now: UnixTime) throws -> [Handle] {
        for attempt in try takeTurns(&state, now) {
            check(state.recorded(attempt, now))
        }
        return state.admit(now).map(\.handle)
    }

    func answer(
        _ state: inout UpkeepState, _ handle: Handle, _ outcome: Governor.Outcome, _ now: UnixTime
    ) throws {
        let attempt = try unwrap(state.attempts[try key(UInt64(handle.number))])
        state.answered(attempt, outcome, now, random: .max)
        state.end(attempt, now)
    }

    /// From when it was due to when it left; what callers ask for, and what an earlier process left
    /// in doubt, was due at no moment that says anything.
    @Test func latenessIsThatOfWhatWasDue() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        state.schedule(7, Plan(queue: queue, due: time(10), death: time(900)))
        state.schedule(8, Plan(queue: queue, due: time(100), death: time(900)))
        state.schedule(9, Plan(queue: queue, due: time(0), death: time(0)))
        let key = try key(5)
        let demand = state.demand(
            key, handle: 5, queue: queue, death: time(900), caller: callers[1], time(102))
        check(demand == .waits)
        let sent = try send(&state, time(102))
        check(Set(sent) == [5, 7, 8, 9])
        let lateness = state.lateness.histogram
        check(lateness.count == 2)
        check(lateness.sum == 92_000 + 2000)
    }

    @Test func oneAttemptForEachConnection() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        let key = try key(7)
        state.schedule(7, Plan(queue: queue, due: time(10), death: time(20)))
        func demand(_ number: Int) -> UpkeepState.Demand {
            state.demand(
                key, handle: 7, queue: queue, death: time(20), caller: callers[number], time(1))
        }
        check(demand(1) == .waits)
        check(!state.isScheduled(7))
        check(demand(2) == .joined)
        let attempts = try takeTurns(&state, time(1), onlyDemands: true)
        check(attempts.map(\.key) == [key])
        let attempt = try unwrap(attempts.first)
        check(demand(3) == .joined)
        check(state.recorded(attempt, time(1)))
        check(state.admit(time(1)).map(\.key) == [key])
        check(demand(4) == .joined)
        state.attempts[key]?.leave(callers[2])
        state.attempts[key]?.leave(callers[99])
        check(try takeTurns(&state, time(30)).isEmpty)
        state.answered(attempt, .answered, time(2), random: 0)
        check((attempt.stage != .ended))
        check(callers.numbers(state.end(attempt, time(2))) == [1, 3, 4])
        check(!(attempt.stage != .ended))
        check(state.end(attempt, time(2)).isEmpty)
        check(state.activeCount == 0 && state.demandCount == 0)
        check(demand(5) == .waits)
    }

    @Test func whatIsDueIsTakenOnceEvenWhereItIsPlannedAgain() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        for due in [10, 20, 5, 5] as [Int64] {
            state.schedule(3, Plan(queue: queue, due: time(due), death: time(30)))
            _ = state.enqueueDue(time(15))
        }
        check(try takeTurns(&state, time(100)).map(\.handle) == [3])
        check(try takeTurns(&state, time(100)).isEmpty)
        check(state.scheduledCount == 0)
    }

    @Test func whatExpiresFirstIsTakenFirst() throws {
        var state = UpkeepState()
        let queue = try queue(&state, concurrent: 2)
        // Due one after the other, but the later they are due the sooner they die.
        for handle in (UInt32(0)..<10).handles {
            let plan = Plan(
                queue: queue, due: time(Int64(handle.number)),
                death: time(1000 - Int64(handle.number)))
            state.schedule(handle, plan)
        }
        check(
            state.demand(
                try key(77), handle: 77, queue: queue, death: time(9999), caller: callers[1],
                time(10))
                == .waits)
        var left: [Handle] = []
        while left.count < 11 {
            let sent = try send(&state, time(20))
            check(sent.count <= 2 && !sent.isEmpty)
            left += sent
            for handle in sent { try answer(&state, handle, .answered, time(20)) }
        }
        check(left == [77, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    }

    @Test func aDeathTravelsThroughTheSchedule() {
        for (lead, kept) in [(0, 0), (1500, 1000), (65_535_000, 65_535_000), (1 << 50, 65_535_000)]
        {
            let due = time(1000)
            let plan = Plan(
                queue: 65_535, due: due, death: due.adding(milliseconds: Int64(lead)))
            let back = Plan(due: due, tag: plan.tag)
            check(back.queue == 65_535)
            check(back.death.milliseconds(since: due) == Int64(kept))
        }
        let late = Plan(queue: 1, due: time(5), death: time(2))
        check(Plan(due: time(5), tag: late.tag).death == time(5))
    }

    @Test func anOrphanIsNobodys() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        let key = try key(7)
        func demand(_ number: Int) -> UpkeepState.Demand {
            state.demand(
                key, handle: 7, queue: queue, death: time(20), caller: callers[number], time(1))
        }
        check(demand(1) == .waits)
        // Before its turn it simply ends.
        check(callers.numbers(state.orphan(key, handle: 7).callers) == [1])
        check(state.attempts[key] == nil && state.demandCount == 0)
        check(try takeTurns(&state, time(1)).isEmpty)

        check(demand(2) == .waits)
        let first = try unwrap(try takeTurns(&state, time(1)).first)
        _ = state.countFailure(key)
        let orphaned = state.orphan(key, handle: 7)
        check(orphaned.attempts.first === first && callers.numbers(orphaned.callers) == [2])
        check(first.isOrphan)
        check(!state.recorded(first, time(1)))
        check(state.failureCount(key) == 0)
        // The next life has an attempt of its own, which the old answer does not end.
        check(demand(5) == .waits)
        let second = try unwrap(try takeTurns(&state, time(1)).first)
        check(second !== first)
        state.answered(first, .unsent, time(2), random: 0)
        check(state.end(first, time(2)).isEmpty)
        check((second.stage != .ended))
        check(callers.numbers(state.end(second, time(2))) == [5])
        check(state.orphan(key, handle: 7).attempts.isEmpty)
        check(state.activeCount == 0)
        check(state.endpoints[0].preparedCount == 0)
    }

    @Test func whatWasSupersededDoesNotLeave() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        for handle in (UInt32(0)..<2).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        let attempts = try takeTurns(&state, time(1))
        check(attempts.count == 2)
        check(state.supersede(attempts[0].key) === attempts[0])
        check(!state.recorded(attempts[0], time(1)))
        check(state.recorded(attempts[1], time(1)))
        check(state.admit(time(1)).map(\.key) == [attempts[1].key])
        // Handed over, it may not have left yet. Where it has, its answer is judged by the pair
        // that it replaces.
        check(state.supersede(attempts[1].key) === attempts[1])
        state.answered(attempts[1], .answered, time(2), random: 0)
        // And what follows from an answer is nothing to the new tokens either.
        check(state.supersede(attempts[1].key) === attempts[1])
        check(attempts[1].isSuperseded)
    }

    @Test func aHandleThatAnotherTookIsNotInTheOldQueue() throws {
        var state = UpkeepState()
        let (old, new) = (
            try queue(&state, "old", endpoint: "https://old.example"),
            try queue(&state, "new", endpoint: "https://new.example")
        )
        state.schedule(5, Plan(queue: old, due: time(1), death: time(2)))
        _ = state.enqueueDue(time(1))
        // Its connection goes, and one of another application gets the handle and is due.
        _ = state.orphan(try key(5), handle: 5)
        state.schedule(5, Plan(queue: new, due: time(3), death: time(9)))
        let attempts = try takeTurns(&state, time(4))
        check(attempts.map(\.queue) == [new])
        check(state.endpoints[state.queues[old].endpoint].preparedCount == 0)
    }

    @Test func keepsToItsAttemptsOrphansAmongThem() throws {
        var state = UpkeepState()
        let queue = try queue(&state, concurrent: 1024)
        // So many cannot be listened to.
        state.queues[queue].limits.listenMilliseconds = 0
        for handle in (UInt32(0)..<3000).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        var count = 0
        while true {
            let sent = try send(&state, time(2))
            if sent.isEmpty { break }
            count += sent.count
            for handle in sent where handle.number % 2 == 0 {
                _ = state.orphan(try key(UInt64(handle.number)), handle: handle)
            }
        }
        check(count == UpkeepState.attemptsMax)
        check(state.isFull)
        let attempt = try unwrap(state.attempts.all.first)
        state.answered(attempt, .answered, time(2), random: 0)
        check(state.isFull)
        state.end(attempt, time(2))
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
