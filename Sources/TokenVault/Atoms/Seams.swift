// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// The seam to time: one clock for everything that is compared with everything else.
package protocol TimeSource: Sendable {
    /// The time now. Within a process it never goes back but by `follow`.
    func now() -> UnixTime

    /// By how many milliseconds the clock was set back, if `now` has not followed yet; else 0.
    func stepBack() -> Int64

    /// Has `now` follow a step back; see `ClockAnchor` for what comes before.
    func follow(stepBack milliseconds: Int64)
}

extension TimeSource {
    package func stepBack() -> Int64 { 0 }
    package func follow(stepBack milliseconds: Int64) {}
}

/// The seam to randomness, for jitter. Keys and nonces come from libsodium, always.
package protocol Randomness: Sendable {
    /// 64 random bits.
    func next() -> UInt64
}

/// The system's clocks, as `ClockAnchor` believes them.
package final class SystemTime: TimeSource {
    private let anchor = ClockAnchor(SystemTime.read())

    /// Reads both clocks once.
    package init() {}

    package func now() -> UnixTime { anchor.now(Self.glance, Self.read) }
    package func stepBack() -> Int64 { anchor.stepBack(Self.read) }
    package func follow(stepBack milliseconds: Int64) {
        anchor.follow(stepBack: milliseconds)
    }

    /// The same, where the wall clock may be some milliseconds behind: to see that it was set no
    /// more is needed, and every read of a token asks.
    @inline(__always)
    private static func glance() -> ClockReading {
        ClockReading(
            boot: milliseconds(CLOCK_BOOTTIME), wall: milliseconds(CLOCK_REALTIME_COARSE))
    }

    @inline(__always)
    private static func read() -> ClockReading {
        ClockReading(
            boot: milliseconds(CLOCK_BOOTTIME), wall: milliseconds(CLOCK_REALTIME))
    }

    @inline(__always)
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
