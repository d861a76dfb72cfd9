// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What other threads and the transport's share: requests that wait, and the wish to end.
final class CurlQueue: Sendable {
    let multi: CurlMulti
    private let state = Monitor(State())

    /// Requests that wait, apart for the two kinds: the one kind may leave where the other may not.
    struct Waiting {
        var refreshes: [TransportRequest] = []
        var reserved: [TransportRequest] = []
    }

    /// For which kinds there is something to do.
    struct Room {
        var forRefreshes: Bool
        var forReserved: Bool
    }

    /// How a close waits for answers.
    struct Ending {
        /// When it gives up, on the monotonic clock.
        let deadline: Int64
        let awaitsRefreshes: Bool
    }

    private struct State {
        var waiting = Waiting()
        /// The thread sleeps, or is about to: for what it has to be woken.
        var wakes = Room(forRefreshes: false, forReserved: false)
        /// Nil while open.
        var ending: Ending?
    }

    init(multi: CurlMulti) { self.multi = multi }

    /// False after `close`.
    func add(_ request: TransportRequest) -> Bool {
        state.withLock { state in
            guard state.ending == nil else { return false }
            // Under the lock: the multi handle is there as long as the queue is open.
            if request.isReserved {
                state.waiting.reserved.append(request)
                if state.wakes.forReserved { multi.wake() }
                state.wakes.forReserved = false
            } else {
                state.waiting.refreshes.append(request)
                if state.wakes.forRefreshes { multi.wake() }
                state.wakes.forRefreshes = false
            }
            return true
        }
    }

    func close(waitingAtMost milliseconds: Int, awaitingRefreshes: Bool) {
        state.withLock { state in
            guard state.ending == nil else { return }
            state.ending = Ending(
                deadline: Self.monotonicMilliseconds() + Int64(max(0, milliseconds)),
                awaitsRefreshes: awaitingRefreshes)
            multi.wake()
        }
    }

    /// Moves what waits into `requests`, of each kind the next one last, where that is empty.
    /// Returns how to end, once it is closed.
    func take(into requests: inout Waiting) -> Ending? {
        let (takesRefreshes, takesReserved, ending) = state.withLock { state in
            state.wakes = Room(forRefreshes: false, forReserved: false)
            let takesRefreshes = Self.take(&state.waiting.refreshes, &requests.refreshes)
            let takesReserved = Self.take(&state.waiting.reserved, &requests.reserved)
            return (takesRefreshes, takesReserved, state.ending)
        }
        if takesRefreshes { requests.refreshes.reverse() }
        if takesReserved { requests.reserved.reverse() }
        return ending
    }

    private static func take(
        _ waiting: inout [TransportRequest], _ requests: inout [TransportRequest]
    ) -> Bool {
        guard requests.isEmpty, !waiting.isEmpty else { return false }
        swap(&waiting, &requests)
        return true
    }

    /// The thread is about to sleep, with or without room for requests. False where it must not,
    /// because there is something to do.
    func maySleep(_ room: Room) -> Bool {
        state.withLock { state in
            // Whoever closed may have woken a thread that was awake, and looked before.
            guard state.ending == nil else { return false }
            if room.forRefreshes, !state.waiting.refreshes.isEmpty { return false }
            if room.forReserved, !state.waiting.reserved.isEmpty { return false }
            state.wakes = room
            return true
        }
    }

    /// Milliseconds on the clock that never jumps.
    static func monotonicMilliseconds() -> Int64 { milliseconds(CLOCK_MONOTONIC) }

    /// The same on the one that counts time in suspend too.
    static func bootMilliseconds() -> Int64 { milliseconds(CLOCK_BOOTTIME) }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var now = timespec()
        unsafe clock_gettime(clock, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
