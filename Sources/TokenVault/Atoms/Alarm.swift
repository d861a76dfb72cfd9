// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene
import Synchronization

/// A thread's sleep until a deadline, a call, or a step of the wall clock; time in suspend counts.
final class Alarm: Sendable {
    private let timer: Int32
    private let call: Int32
    /// Tells of steps of the wall clock; below 0 where the kernel does not.
    private let steps: Int32
    /// A sleeper that is awake needs no call to the kernel; most calls find it so under load.
    private let state = Atomic(State.awake)

    private enum State: Int, AtomicRepresentable {
        case awake, asleep, called
    }

    init() throws(VaultError) {
        var timer: Int32 = -1
        var call: Int32 = -1
        var steps: Int32 = -1
        let failure = unsafe tv_alarm_open(&timer, &call, &steps)
        guard failure == 0 else { throw VaultError(.outOfMemory, .atoms, number: Int(failure)) }
        self.timer = timer
        self.call = call
        self.steps = steps
    }

    deinit { tv_alarm_close(timer, call, steps) }

    /// Sleeps at most `milliseconds`, for ever where nil; one thread at a time.
    func wait(milliseconds: Int64?) {
        let (sleeps, _) = state.compareExchange(
            expected: .awake, desired: .asleep, ordering: .acquiringAndReleasing)
        if sleeps { tv_alarm_wait(timer, call, steps, milliseconds.map { max($0, 0) } ?? -1) }
        // An exchange, not a store: what was written before a call is seen after it.
        _ = state.exchange(.awake, ordering: .acquiringAndReleasing)
    }

    /// Ends the present sleep, or the next one.
    func ring() {
        let before = state.exchange(.called, ordering: .acquiringAndReleasing)
        if before == .asleep { tv_alarm_call(call) }
    }
}
