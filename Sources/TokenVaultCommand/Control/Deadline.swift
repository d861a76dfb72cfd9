// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A point on the clock that no jump of the wall clock moves, in milliseconds.
enum Deadline {
    static func after(milliseconds: Int64) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000 + milliseconds
    }

    /// Milliseconds until then; zero where it has passed.
    static func remaining(until deadline: Int64) -> Int64 {
        max(0, deadline - after(milliseconds: 0))
    }

    /// What is thrown where nobody answered in time.
    static var isOver: CommandFailure {
        CommandFailure(.temporaryFailure, "the other process does not answer")
    }

    /// Waits until a descriptor is ready.
    static func wait(
        for descriptor: Int32, events: Int32, by deadline: Int64
    ) throws(CommandFailure) {
        while true {
            let rest = remaining(until: deadline)
            var poll = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let ready = unsafe Glibc.poll(&poll, 1, Int32(clamping: rest))
            if ready > 0 { return }
            if ready < 0 && errno == EINTR { continue }
            guard ready == 0, rest > 0 else { throw isOver }
        }
    }
}
