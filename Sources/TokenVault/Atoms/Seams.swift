// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The seam to time: one clock for everything that is compared with everything else.
package protocol TimeSource: Sendable {
    /// The time now.
    func now() -> UnixTime
}

/// The seam to chance, for jitter. Keys and nonces come from libsodium, always.
package protocol Randomness: Sendable {
    /// 64 random bits.
    func next() -> UInt64
}

/// The wall clock as it was when the process asked first, carried on by the clock that counts
/// suspend: jumps of the wall clock, by an hour or ten years, change nothing until the next start.
package struct SystemTime: TimeSource {
    private let offset: Int64

    /// Reads both clocks once.
    package init() {
        offset = Self.milliseconds(CLOCK_REALTIME) - Self.milliseconds(CLOCK_BOOTTIME)
    }

    package func now() -> UnixTime {
        UnixTime(milliseconds: offset + Self.milliseconds(CLOCK_BOOTTIME))
    }

    private static func milliseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}

/// The standard library's generator.
package struct SystemRandomness: Randomness {
    package init() {}

    package func next() -> UInt64 { UInt64.random(in: .min ... .max) }
}
