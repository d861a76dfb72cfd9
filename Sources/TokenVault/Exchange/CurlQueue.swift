// SPDX-License-Identifier: Apache-2.0

import Glibc

/// What other threads and the transport's share: requests that wait, and the wish to end.
final class CurlQueue: Sendable {
    let multi: CurlMulti
    private let state = Monitor(State())

    private struct State {
        var waiting: [TransportRequest] = []
        /// The thread sleeps, or is about to, and would see nothing that is not told to it.
        var needsWake = false
        /// When to give up on answers, on the monotonic clock; nil while open.
        var closeDeadline: Int64?
    }

    init(multi: CurlMulti) { self.multi = multi }

    /// False after `close`.
    func add(_ request: TransportRequest) -> Bool {
        state.withLock { state in
            guard state.closeDeadline == nil else { return false }
            state.waiting.append(request)
            // Under the lock: the multi handle is there as long as the queue is open.
            if state.needsWake {
                state.needsWake = false
                multi.wake()
            }
            return true
        }
    }

    func close(waitingAtMost milliseconds: Int) {
        state.withLock { state in
            guard state.closeDeadline == nil else { return }
            state.closeDeadline = Self.monotonicMilliseconds() + Int64(max(0, milliseconds))
            multi.wake()
        }
    }

    /// Moves what waits into `requests`, the next one last, where that is empty. Returns the
    /// deadline for closing.
    func take(into requests: inout [TransportRequest]) -> Int64? {
        let (taken, deadline) = state.withLock { state -> (Bool, Int64?) in
            state.needsWake = false
            guard requests.isEmpty, !state.waiting.isEmpty else {
                return (false, state.closeDeadline)
            }
            swap(&state.waiting, &requests)
            return (true, state.closeDeadline)
        }
        if taken { requests.reverse() }
        return deadline
    }

    /// The thread is about to sleep, with or without room for requests. False where it must not,
    /// because there is something to do.
    func maySleep(hasRoom: Bool) -> Bool {
        state.withLock { state in
            if hasRoom, !state.waiting.isEmpty { return false }
            state.needsWake = hasRoom
            return true
        }
    }

    /// Milliseconds on the clock that never jumps.
    static func monotonicMilliseconds() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }
}
