// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

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

/// SplitMix64 from a random start (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
/// Generators", 2014): jitter needs spreading, not secrecy, and the system's generator is a call to
/// the kernel for every connection of a scan.
package final class SystemRandomness: Randomness {
    private let state = Atomic(UInt64.random(in: .min ... .max))

    /// Starts anywhere.
    package init() {}

    package func next() -> UInt64 {
        var mixed = state.wrappingAdd(0x9e37_79b9_7f4a_7c15, ordering: .relaxed).newValue
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
