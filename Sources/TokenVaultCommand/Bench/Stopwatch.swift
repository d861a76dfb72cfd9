// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Time since it was made, in nanoseconds: CPU of this process, all threads, and wall.
struct Stopwatch: Sendable {
    private let cpuStart = Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID)
    private let wallStart = Self.nanoseconds(CLOCK_MONOTONIC)

    var cpu: Double { Self.nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpuStart }
    var wall: Double { Self.nanoseconds(CLOCK_MONOTONIC) - wallStart }

    private static func nanoseconds(_ clock: clockid_t) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
    }
}
