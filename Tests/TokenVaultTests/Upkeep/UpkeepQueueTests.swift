// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What stands between a connection that is due and the wire: the limits of its endpoint, pauses,
/// and an application that the provider rejects.
extension UpkeepStateTests {
    @Test func preparesAheadOfTheWireAndNoFurther() throws {
        var state = UpkeepState()
        let queue = try queue(&state, concurrent: 4)
        for handle in (UInt32(0)..<100).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        let first = try takeTurns(&state, time(1))
        check(first.count == 4 + 16)
        for attempt in first { check(state.recorded(attempt, time(1))) }
        check(state.admit(time(1)).count == 4)
        // Sixteen are prepared, which is enough; when half of them have left, there is room.
        for attempt in first.prefix(8) {
            check(try takeTurns(&state, time(1)).isEmpty)
            state.answered(attempt, .answered, time(1), random: 0)
            check(state.admit(attempt.endpoint, time(1)).count == 1)
        }
        check(try takeTurns(&state, time(1)).count == 8)
    }

    @Test func endpointsDoNotWaitForEachOther() throws {
        var state = UpkeepState()
        let slow = try queue(&state, "slow", endpoint: "https://slow.example", concurrent: 1)
        let other = try queue(&state, "other", endpoint: "https://other.example", concurrent: 8)
        for handle in (UInt32(0)..<1000).handles {
            state.schedule(handle, Plan(queue: slow, due: time(1), death: time(1)))
        }
        for handle in (UInt32(1000)..<1004).handles {
            state.schedule(handle, Plan(queue: other, due: time(5), death: time(9)))
        }
        let sent = try send(&state, time(6))
        check(sent.filter { $0 >= 1000 }.count == 4)
        check(sent.filter { $0 < 1000 }.count == 1)
    }

    @Test func applicationsOfOneEndpointShareItsLimits() throws {
        var state = UpkeepState()
        let queues = [
            try queue(&state, "one", concurrent: 4), try queue(&state, "two", concurrent: 4),
        ]
        for handle in (UInt32(0)..<100).handles {
            let plan = Plan(
                queue: queues[Int(handle.number % 2)], due: time(1),
                death: time(100 - Int64(handle.number)))
            state.schedule(handle, plan)
        }
        // The most urgent of both, in turn.
        check(try send(&state, time(2)) == [99, 98, 97, 96])
    }

    @Test func ofTheLimitsOfOneEndpointTheStrictestHold() throws {
        for isStrictFirst in [true, false] {
            var state = UpkeepState()
            let strict = ("strict", 2)
            let generous = ("generous", 8)
            var queues: [Int] = []
            for (name, concurrent) in isStrictFirst ? [strict, generous] : [generous, strict] {
                queues.append(try queue(&state, name, concurrent: concurrent))
            }
            let endpoint = state.queues[queues[0]].endpoint
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 2)
            // Corrected, or gone to another endpoint: the others' hold.
            _ = try queue(&state, "strict", concurrent: 6)
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 6)
            _ = try queue(&state, "strict", endpoint: "https://b.example/token", concurrent: 1)
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 8)
            // One that comes when all others are gone is bound by its own limits alone.
            _ = try queue(&state, "generous", endpoint: "https://b.example/token", concurrent: 8)
            _ = try queue(&state, "late", concurrent: 16)
            check(state.endpoints[endpoint].governor.limits.concurrentMax == 16)
        }
    }

    @Test func aPauseIsToldToCallersAndKeptByTheRest() throws {
        var state = UpkeepState()
        let queue = try queue(&state, concurrent: 1)
        for handle in (UInt32(0)..<20).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        let sent = try send(&state, time(2))
        check(sent.count == 1)
        func demand(_ number: UInt64) throws -> UpkeepState.Demand {
            state.demand(
                try key(number), handle: Handle(number: UInt32(number)), queue: queue,
                death: time(5), caller: callers[Int(number)], time(2))
        }
        check(try demand(500) == .waits)
        let first = try unwrap(state.attempts[try key(UInt64(sent[0].number))])
        state.answered(first, .busy(retryAfterSeconds: 60), time(2), random: 0)
        let (requests, told) = state.recall(queue, at: state.queues[queue].endpoint, time(2))
        check(callers.numbers(told) == [500])
        check(requests.count == 4)
        for request in requests {
            state.answered(request, .unsent, time(2), random: 0)
            state.end(request, time(2))
        }
        state.end(first, time(2))
        check(try demand(501) == .refused(.backingOff))
        check(try takeTurns(&state, time(30)).isEmpty)
        // It sleeps until shortly before the pause ends, and then one probe leaves.
        let next = try unwrap(state.nextMoment(time(30), onlyDemands: false))
        check(next > time(58) && next <= time(69))
        check(try send(&state, time(70)).count == 1)
        check(try send(&state, time(70)).isEmpty)
    }

    @Test func anApplicationThatIsRejectedIsProbed() throws {
        var state = UpkeepState()
        let queue = try queue(&state, "rejected")
        let other = try self.queue(&state, "other")
        for handle in (UInt32(0)..<10).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        let sent = try send(&state, time(2))
        check(sent.count == 8)
        check(state.queues[queue].reject(time(2)))
        check(!state.queues[queue].reject(time(2)))
        for handle in sent { try answer(&state, handle, .answered, time(2)) }
        // Two were ready: they are taken back.
        let (requests, _) = state.recall(queue, at: state.queues[queue].endpoint, time(2))
        check(requests.count == 2)
        for request in requests {
            state.answered(request, .unsent, time(2), random: 0)
            state.end(request, time(2))
        }
        for handle in (UInt32(0)..<10).handles {
            state.schedule(handle, Plan(queue: queue, due: time(2), death: time(2)))
        }
        check(try send(&state, time(3)).isEmpty)
        check(
            state.demand(
                try key(1), handle: 1, queue: queue, death: time(5), caller: callers[9], time(3))
                == .refused(.applicationMisconfigured))
        // The other application of the same endpoint goes on.
        state.schedule(900, Plan(queue: other, due: time(3), death: time(9)))
        check(try send(&state, time(4)) == [900])
        // One probe a minute.
        check(state.nextMoment(time(4), onlyDemands: false) == time(62))
        let probe = try send(&state, time(62))
        check(probe.count == 1)
        check(try send(&state, time(63)).isEmpty)
        try answer(&state, probe[0], .failed, time(64))
        check(try send(&state, time(100)).isEmpty)
        let second = try send(&state, time(124))
        check(second.count == 1)
        check(state.queues[queue].accept())
        check(!state.queues[queue].accept())
        try answer(&state, second[0], .answered, time(125))
        // The other application has one of the eight places.
        check(try send(&state, time(126)).count == 7)
    }

    @Test func whatIsRecordedWhileItsQueueClosesIsNotReady() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        for handle in (UInt32(0)..<6).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        let attempts = try takeTurns(&state, time(1))
        check(attempts.count == 6)
        check(state.queues[queue].reject(time(1)))
        check(state.recall(queue, at: state.queues[queue].endpoint, time(1)).attempts.isEmpty)
        for attempt in attempts.prefix(3) { check(!state.recorded(attempt, time(1))) }
        // The same where the provider asks for a pause.
        check(state.queues[queue].accept())
        check(state.recorded(attempts[3], time(1)))
        check(state.admit(time(1)).map(\.key) == [attempts[3].key])
        state.answered(attempts[3], .busy(retryAfterSeconds: 60), time(1), random: 0)
        check(!state.recorded(attempts[4], time(1)))
        for attempt in attempts {
            state.answered(attempt, .unsent, time(2), random: 0)
            state.end(attempt, time(2))
        }
        check(state.activeCount == 0 && state.endpoints[0].preparedCount == 0)
        // Nothing of it keeps the thread awake.
        let next = state.nextMoment(time(2), onlyDemands: true)
        check(next == nil || next.map { $0 > time(2) } == true)
    }

    @Test func withoutRunOnlyDemandsAreServed() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        for handle in (UInt32(0)..<10).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        // Some ripened while it ran.
        _ = state.enqueueDue(time(2))
        check(state.takeTurns(time(2), limit: 10, onlyDemands: true).isEmpty)
        check(
            state.demand(
                try key(50), handle: 50, queue: queue, death: time(5), caller: callers[1], time(2))
                == .waits)
        let turns = state.takeTurns(time(2), limit: 10, onlyDemands: true)
        check(turns.map(\.handle) == [50])
        check(state.nextMoment(time(2), onlyDemands: true) == nil)
    }

    @Test func theProbeIsOneConnectionAndNoOther() throws {
        var state = UpkeepState()
        let queue = try queue(&state)
        _ = state.queues[queue].reject(time(0))
        state.queues[queue].begin(1)
        func attempt(_ handle: Handle) throws -> RefreshAttempt {
            RefreshAttempt(
                number: 1, key: try key(UInt64(handle.number)), handle: handle, queue: queue,
                application: state.queues[queue].application, death: time(1), stage: .ready)
        }
        check(state.queues[queue].mayLeave(try attempt(1), time(90_000)))
        check(!state.queues[queue].mayLeave(try attempt(2), time(90_000)))
        // One that was out for long ends: the probe is still to come back.
        state.queues[queue].end(2, time(70_000))
        check(state.queues[queue].mayLeave(try attempt(1), time(90_000)))
        check(state.queues[queue].opens == nil)
        state.queues[queue].end(1, time(80_000))
        check(!state.queues[queue].mayLeave(try attempt(1), time(90_000)))
        check(
            state.queues[queue].opens
                == time(80_000).adding(milliseconds: ApplicationQueue.probeMilliseconds))
    }

    /// Whoever was refused before the application was rejected may have a grant that is over.
    @Test func aDeadGrantIsNotTheOnlyOneThatIsTriedForEver() throws {
        var queue = ApplicationQueue(
            application: try ApplicationID("app"), endpoint: 0, Governor.Limits(),
            limits: RefreshPolicy.Limits())
        check(queue.suspicion.refuse(7, order: queue.suspicion.send(), time(1000)))
        check(queue.reject(time(2000)))
        check(queue.mayRisk(7, time(3000)) && !queue.mayRisk(8, time(3000)))
        let again = time(1000).adding(milliseconds: Suspicion.riskMilliseconds)
        check(queue.risksAgain == again)
        check(queue.mayRisk(8, again))
        // Two are at risk then, and nobody has said that the provider says so of lost grants.
        check(queue.suspicion.refuse(8, order: queue.suspicion.send(), again))
        check(!queue.mayRisk(9, again.adding(milliseconds: 100 * Suspicion.riskMilliseconds)))
        check(queue.risksAgain == nil)
    }

    @Test func anApplicationMayMoveToAnotherEndpoint() throws {
        var state = UpkeepState()
        let queue = try queue(&state, "app", endpoint: "https://old.example", concurrent: 1)
        for handle in (UInt32(0)..<30).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        let sent = try send(&state, time(2))
        check(sent.count == 1)
        check(
            try moved(&state) == queue)
        // What is out belongs to the old endpoint, whatever the application's is now.
        try answer(&state, sent[0], .answered, time(3))
        check(state.endpoints.allSatisfy { $0.governor.inFlight == 0 && $0.preparedCount >= 0 })
        // One of those that were prepared for the old one, and two for the new.
        check(try send(&state, time(3)).count == 3)
    }

    @Test func whatIsReadyWhereItsApplicationWasIsTakenBackWithItsQueue() throws {
        var state = UpkeepState()
        let queue = try queue(&state, "app", endpoint: "https://old.example", concurrent: 1)
        for handle in (UInt32(0)..<3).handles {
            state.schedule(handle, Plan(queue: queue, due: time(1), death: time(2)))
        }
        let attempts = try takeTurns(&state, time(2))
        for attempt in attempts { check(state.recorded(attempt, time(2))) }
        check(state.admit(time(2)).count == 1)
        check(try moved(&state) == queue)
        let first = try unwrap(state.attempts[attempts[0].key])
        state.answered(first, .answered, time(3), random: 0)
        check(state.judge(first, .rejected, refusal: nil, time(3)).isAlarm)
        let new = state.queues[queue].endpoint
        check(state.recall(queue, at: new, time(3)).attempts.count == attempts.count - 1)
    }

    private func moved(_ state: inout UpkeepState) throws -> Int {
        try queue(&state, "app", endpoint: "https://new.example", concurrent: 2)
    }
}
