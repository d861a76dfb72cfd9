// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Attempts that are overdue, and the limits of their number.
@Suite struct UpkeepListeningTests {
    func key(_ number: UInt64) throws -> RecordKey {
        let text = try Secret(integer: number)
        return RecordKey(hashing: text.bytes)
    }

    let callers = Callers()

    func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }

    /// A queue at an endpoint of its own.
    func queue(
        _ state: inout UpkeepState, _ number: Int, concurrent: Int = 8, isListenedTo: Bool = true
    ) throws -> Int {
        var limits = RefreshPolicy.Limits()
        if !isListenedTo { limits.listenMilliseconds = 0 }
        return state.setQueue(
            try ApplicationID("app\(number)"), endpoint: "https://\(number).example",
            Governor.Limits(concurrentMax: concurrent, perSecondMax: 100_000), limits)
    }

    /// Sends all that may leave at `now`; returns their attempts.
    func send(_ state: inout UpkeepState, _ now: UnixTime) throws -> [RefreshAttempt] {
        var admitted: [RefreshAttempt] = []
        for _ in 0..<64 {
            _ = state.enqueueDue(now)
            let turns = state.takeTurns(now, limit: 256, onlyDemands: false)
            if turns.isEmpty { break }
            for turn in turns {
                let key = try turn.attempt?.key ?? key(UInt64(turn.handle.number))
                guard let attempt = state.begin(turn, key, now) else { continue }
                check(state.recorded(attempt, now))
            }
            admitted += state.admit(now)
        }
        return admitted
    }

    func listen(_ state: inout UpkeepState, _ attempt: RefreshAttempt, _ now: UnixTime) throws {
        let told = state.overdue(attempt, until: now, now, random: 0)
        check(try unwrap(told).isEmpty)
    }

    func schedule(_ state: inout UpkeepState, _ numbers: Range<UInt32>, _ queue: Int) {
        for handle in numbers.handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(100)))
        }
    }

    @Test func nobodyIsAskedForWhileItIsHeld() throws {
        var state = UpkeepState()
        let queue = try queue(&state, 0)
        schedule(&state, 1..<3, queue)
        state.hold(1, until: time(45))
        check(state.deadline(1) == time(45))
        // Whatever makes it due: somebody else's success, a change of its application.
        schedule(&state, 1..<2, queue)
        check(state.deadline(1) == time(45) && state.isHeld(1, time(44)))
        check(try send(&state, time(10)).count == 1)
        state.move(milliseconds: -5000)
        check(state.deadline(1) == time(40) && !state.isHeld(1, time(40)))
        // It has other tokens.
        state.forgetRisk(1)
        schedule(&state, 1..<2, queue)
        check(state.deadline(1) == time(1))
    }

    @Test func leavesItsPlaceAndTakesOneWhenItEnds() throws {
        var state = UpkeepState()
        let queue = try queue(&state, 0)
        schedule(&state, 1..<2, queue)
        let attempt = try unwrap(try send(&state, time(10)).first)
        check(state.activeCount == 1 && state.listenerCount == 0)
        try listen(&state, attempt, time(25))
        check(state.activeCount == 0 && state.listenerCount == 1)
        check(state.overdue(attempt, until: time(30), time(26), random: 0) == nil)
        state.answered(attempt, .answered, time(50), random: 0)
        check(state.activeCount == 1 && state.listenerCount == 0)
        state.end(attempt, time(50))
        check(state.activeCount == 0 && state.endpoints[0].governor.listening == 0)
    }

    @Test func oneThatEndsWithoutAnAnswerLeavesNothingBehind() throws {
        var state = UpkeepState()
        schedule(&state, 1..<2, try queue(&state, 0))
        let attempt = try unwrap(try send(&state, time(10)).first)
        try listen(&state, attempt, time(25))
        state.end(attempt, time(50))
        check(state.activeCount == 0 && state.listenerCount == 0)
        check(state.endpoints[0].governor.listening == 0)
    }

    @Test func callersAreToldAtOnceUnlessTheyArePatient() throws {
        var state = UpkeepState()
        let queue = try queue(&state, 0)
        schedule(&state, 1..<2, queue)
        let attempt = try unwrap(try send(&state, time(10)).first)
        let key = try key(1)
        func demand(_ number: Int, isPatient: Bool = false) -> UpkeepState.Demand {
            state.demand(
                key, handle: 1, queue: queue, death: time(100), caller: callers[number],
                isPatient: isPatient,
                time(11))
        }
        check(demand(1) == .joined && demand(2, isPatient: true) == .joined)
        check(
            callers.numbers(state.overdue(attempt, until: time(600), time(25), random: 0) ?? [])
                == [1])
        check(demand(3) == .refused(.answerOutstanding))
        check(demand(4, isPatient: true) == .joined)
        check(attempt.isAwaited)
        state.attempts[key]?.leave(callers[4])
        state.answered(attempt, .answered, time(50), random: 0)
        check(callers.numbers(state.end(attempt, time(50))) == [2])
    }

    @Test func otherTokensHaveAnAttemptOfTheirOwn() throws {
        var state = UpkeepState()
        let queue = try queue(&state, 0)
        schedule(&state, 1..<2, queue)
        let first = try unwrap(try send(&state, time(10)).first)
        let key = try key(1)
        try listen(&state, first, time(25))
        check(state.supersede(key) === first)
        check(state.attempts[key] == nil && (first.stage != .ended))
        schedule(&state, 1..<2, queue)
        let second = try unwrap(try send(&state, time(30)).first)
        check(state.attempts[key] === second)
        state.answered(first, .answered, time(40), random: 0)
        state.end(first, time(40))
        check(state.attempts[key] === second)
        check(!state.attempts.isEmpty && state.attempts.count == 1)
    }

    @Test func whatWasReplacedBeforeItsDeadlineIsDetachedAtIt() throws {
        var state = UpkeepState()
        let queue = try queue(&state, 0)
        schedule(&state, 1..<2, queue)
        let attempt = try unwrap(try send(&state, time(10)).first)
        let key = try key(1)
        let joined = state.demand(
            key, handle: 1, queue: queue, death: time(100), caller: callers[1], isPatient: true,
            time(11))
        check(joined == .joined)
        check(state.supersede(key) === attempt && state.attempts[key] != nil)
        // Even the patient find the other tokens.
        check(
            callers.numbers(state.overdue(attempt, until: time(600), time(25), random: 0) ?? [])
                == [1])
        check(state.attempts[key] == nil && attempt.isDetached)
    }

    @Test func aDisconnectFindsThemAll() throws {
        var state = UpkeepState()
        let queue = try queue(&state, 0)
        schedule(&state, 1..<2, queue)
        let first = try unwrap(try send(&state, time(10)).first)
        let key = try key(1)
        try listen(&state, first, time(25))
        _ = state.supersede(key)
        schedule(&state, 1..<2, queue)
        let second = try unwrap(try send(&state, time(30)).first)
        check(state.orphan(key, handle: 1).attempts.map(\.number) == [first.number, second.number])
        check(first.isOrphan && second.isOrphan)
        // Overdue, it is no attempt of the next life.
        try listen(&state, second, time(45))
        check(state.attempts[key] == nil && first.isDetached && second.isDetached)
        for attempt in [first, second] { state.end(attempt, time(50)) }
        check(state.attempts.isEmpty && state.listenerCount == 0 && state.activeCount == 0)
    }

    @Test func nothingLeavesForAnEndpointWithAsManyAsItsLimit() throws {
        var state = UpkeepState()
        let (full, other) = (
            try queue(&state, 0, concurrent: 2), try queue(&state, 1, concurrent: 2)
        )
        schedule(&state, 0..<6, full)
        schedule(&state, 6..<8, other)
        let attempts = try send(&state, time(10))
        check(attempts.count == 4)
        for attempt in attempts where attempt.queue == full {
            try listen(&state, attempt, time(25))
        }
        check(state.isBlocked(0) && !state.isBlocked(1))
        let demand = state.demand(
            try key(90), handle: 90, queue: full, death: time(100), caller: callers[1], time(26))
        check(demand == .refused(.backingOff))
        // What was ready is taken back.
        let recalled = state.recall(full, at: 0, time(26)).attempts
        check(recalled.count == 4)
        for attempt in recalled {
            state.answered(attempt, .unsent, time(26), random: 0)
            state.end(attempt, time(26))
        }
        schedule(&state, 20..<24, full)
        check(try send(&state, time(3600)).isEmpty)
        check(state.nextMoment(time(3600), onlyDemands: false) == nil)
        let ended = try unwrap(attempts.first { $0.queue == full })
        state.answered(ended, .answered, time(3600), random: 0)
        check(try send(&state, time(3600)).count == 1)
    }

    @Test func neverMoreThan512ThoughAllBecomeOverdueTogether() throws {
        var state = UpkeepState()
        let queues = try (0..<4).map {
            try queue(&state, $0, concurrent: 400, isListenedTo: $0 < 3)
        }
        for (number, queue) in queues.enumerated() {
            schedule(&state, UInt32(number * 400)..<UInt32(number * 400 + 400), queue)
        }
        func sending(_ now: UnixTime) throws -> [RefreshAttempt] {
            try send(&state, now).filter { $0.queue < 3 }
        }
        var attempts: [RefreshAttempt] = []
        for second in 10..<20 as Range<Int64> { attempts += try sending(time(second)) }
        check(attempts.count == UpkeepState.listenersMax)
        check(state.isFullOfListeners && (0..<3).allSatisfy { !state.isBlocked($0) })
        for attempt in attempts { try listen(&state, attempt, time(25)) }
        check(state.listenerCount == UpkeepState.listenersMax && state.listenableCount == 0)
        check((0..<3).allSatisfy { state.isBlocked($0) } && !state.isBlocked(3))
        check(try sending(time(26)).isEmpty)
        // Each that ends makes room for one.
        for attempt in attempts.prefix(5) {
            state.answered(attempt, .answered, time(27), random: 0)
            state.end(attempt, time(27))
        }
        check(try !sending(time(40)).isEmpty)
        check(state.listenerCount + state.listenableCount <= UpkeepState.listenersMax)
    }

    @Test func at512OnlyEndpointsWithoutOneGoOn() throws {
        check(UpkeepState.listenersMax == 512)
        var state = UpkeepState()
        // 65 endpoints with 8 of at most 16 each: 520, the last of which are not listened to.
        let queues = try (0..<66).map {
            try queue(&state, $0, concurrent: 16, isListenedTo: $0 < 64)
        }
        for (number, queue) in queues.prefix(65).enumerated() {
            schedule(&state, UInt32(number * 8)..<UInt32(number * 8 + 8), queue)
        }
        let attempts = try send(&state, time(10))
        check(attempts.count == 520)
        let overdue = attempts.filter { $0.queue < 64 }
        for attempt in overdue.dropLast() { try listen(&state, attempt, time(25)) }
        check(state.listenerCount == 511)
        // The breaker has nothing to do with it.
        check((0..<66).allSatisfy { !state.isBlocked($0) })
        try listen(&state, try unwrap(overdue.last), time(25))
        check((0..<64).allSatisfy { state.isBlocked($0) })
        check(!state.isBlocked(64) && !state.isBlocked(65))
        for (number, queue) in queues.enumerated() {
            schedule(&state, UInt32(1000 + number)..<UInt32(1001 + number), queue)
        }
        let later = try send(&state, time(26)).map(\.queue)
        check(Set(later) == [64, 65])
        state.answered(try unwrap(overdue.first), .answered, time(27), random: 0)
        check((0..<64).allSatisfy { !state.isBlocked($0) })
        let woken = try send(&state, time(28)).map(\.queue)
        check(woken.isEmpty == false)
    }
}
