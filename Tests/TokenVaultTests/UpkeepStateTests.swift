// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Flights: one for each connection, and none that lands in another life.
@Suite struct UpkeepStateTests {
    func key(_ number: UInt64) throws -> RecordKey {
        let text = try Secret(integer: number)
        return RecordKey(hashing: text.bytes)
    }

    func time(_ seconds: Int64) -> UnixTime { UnixTime(seconds: seconds) }

    @Test func oneFlightForEachConnection() throws {
        var state = UpkeepState()
        let key = try key(1)
        state.schedule(7, time(10))
        check(!state.join(key, 1))
        let flight = try unwrap(state.start(key, slot: 7, generation: 3, waiter: 1))
        check(state.nextDeadline == nil)
        check(state.start(key, slot: 7, generation: 3, waiter: 2) == nil)
        check(state.join(key, 2))
        check(state.join(key, 3))
        state.leave(key, 2)
        state.leave(key, 99)
        check(state.isOut(flight))
        check(state.end(flight) == [1, 3])
        check(!state.isOut(flight))
        check(state.end(flight) == [])
        check(state.start(key, slot: 7, generation: 4, waiter: nil) != nil)
    }

    @Test func anOrphanIsNobodys() throws {
        var state = UpkeepState()
        let key = try key(1)
        let first = try unwrap(state.start(key, slot: 7, generation: 3, waiter: 1))
        _ = state.countFailure(key)
        let orphan = try unwrap(state.orphan(key, slot: 7))
        check(orphan.number == first.number)
        check(orphan.waiters == [1])
        check(state.isOrphan(first.number))
        check(state.failureCount(key) == 0)
        check(!state.join(key, 2))
        // The next life has a flight of its own, which the old answer does not end.
        let second = try unwrap(state.start(key, slot: 7, generation: 9, waiter: 5))
        check(second.number != first.number)
        check(state.end(first) == [])
        check(!state.isOrphan(first.number))
        check(state.isOut(second))
        check(state.end(second) == [5])
        check(state.orphan(key, slot: 7) == nil)
    }

    @Test func takesWhatIsDueTheEarliestFirst() {
        var state = UpkeepState()
        for slot in UInt32(0)..<100 { state.schedule(slot, time(Int64(100 - slot))) }
        state.schedule(50, nil)
        check(state.takeDue(time(0), limit: 10).isEmpty)
        check(state.takeDue(time(3), limit: 10) == [99, 98, 97])
        check(state.takeDue(time(1000), limit: 2) == [96, 95])
        check(state.takeDue(time(1000), limit: 0).isEmpty)
        check(state.scheduledCount == 94)
        check(state.nextDeadline == time(6))
        check(state.deadline(50) == nil)
    }

    @Test func keepsToItsFlightsOrphansAmongThem() throws {
        var state = UpkeepState()
        for number in 0..<UInt64(UpkeepState.flightsMax) {
            check(!state.isFull)
            let key = try key(number)
            _ = state.start(key, slot: UInt32(number), generation: 1, waiter: nil)
            if number % 2 == 0 { _ = state.orphan(key, slot: UInt32(number)) }
        }
        check(state.isFull)
        state.schedule(5000, time(1))
        check(state.takeDue(time(2), limit: 10).isEmpty)
        let flight = try unwrap(state.flight(try key(1)))
        _ = state.end(flight)
        check(!state.isFull)
        check(state.takeDue(time(2), limit: 10) == [5000])
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
