// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// What the two clocks of the system say, in milliseconds.
package struct ClockReading: Sendable {
    /// `CLOCK_BOOTTIME`: counts suspend, is never set, and stands still while a hypervisor pauses
    /// the machine.
    package var boot: Int64
    /// `CLOCK_REALTIME`: the wall clock, which may be set to whatever somebody likes.
    package var wall: Int64

    /// Read in this order.
    package init(boot: Int64, wall: Int64) { (self.boot, self.wall) = (boot, wall) }
}

/// The wall clock as it was when the process asked first, carried on by the clock that counts
/// suspend, and anchored anew where the two are seen to have come apart.
///
/// Both run at the same rate, also while NTP corrects it; what moves one against the other is a
/// step of the wall clock: somebody set it, or it was set right after the machine was paused. Which
/// of the two clocks to believe then:
///
/// - A step forward is followed at once. Perhaps the machine was paused, and tokens have expired
///   meanwhile: to take them for fresh costs failures, to take a fresh one for expired costs a
///   refresh. It is as if the machine had been suspended for so long: what is due is due, at the
///   pace that the governors allow, pauses and back-offs end early, and nothing else is moved.
/// - A step back is followed too, or a clock that ran ahead would make every token look expired
///   that comes with a moment for its end. But no time has gone back: whoever keeps moments in
///   memory moves them back by as much first, so that each is as far away as it was, and what was
///   stored before is judged as if the clock had not been set. Until all that is done `now` goes on
///   as before, so that moments compared within a process are in order.
/// - Below a second, steps are passed over: a leap second, NTP's smaller corrections. They add up
///   to no more than that, since it is always the first offset that they are compared with.
///
/// A step forward by years and back again thus makes every token due once, at the governors' pace,
/// and only once. A machine that was paused and whose wall clock nobody sets right cannot be told
/// from one that was not.
package final class ClockAnchor: Sendable {
    /// How far the clocks may come apart before it is a step, in milliseconds.
    package static let toleranceMilliseconds: Int64 = 1000
    /// How long a reading of both clocks may take to be believed, in milliseconds, and how often it
    /// is tried: a thread that is interrupted in between sees a step where there is none.
    private static let readingMilliseconds: Int64 = 50
    private static let readingsMax = 16

    /// What is added to the clock that counts suspend.
    private let offset: Atomic<Int64>

    /// Starts with a reading.
    package init(_ first: ClockReading) { offset = Atomic(first.wall - first.boot) }

    /// The time now. `read` reads the clocks; `glance` does so at less cost, with the wall clock
    /// behind by less than a tenth of the tolerance.
    @inline(__always)
    package func now(
        _ glance: () -> ClockReading, _ read: () -> ClockReading
    ) -> UnixTime {
        let reading = glance()
        let now = reading.boot + offset.load(ordering: .acquiring)
        guard reading.wall - now <= Self.toleranceMilliseconds else { return advance(read) }
        return UnixTime(milliseconds: now)
    }

    /// Follows a step forward, if it was one.
    @inline(never)
    private func advance(_ read: () -> ClockReading) -> UnixTime {
        if let measured = Self.measure(read) {
            var known = offset.load(ordering: .acquiring)
            while measured - known > Self.toleranceMilliseconds {
                let (done, other) = offset.compareExchange(
                    expected: known, desired: measured, ordering: .acquiringAndReleasing)
                if done { break }
                known = other
            }
        }
        return UnixTime(milliseconds: read().boot + offset.load(ordering: .acquiring))
    }

    /// By how many milliseconds the wall clock was set back, if `now` has not followed yet; else 0.
    package func stepBack(_ read: () -> ClockReading) -> Int64 {
        let reading = read()
        let known = offset.load(ordering: .acquiring)
        guard reading.boot + known - reading.wall > Self.toleranceMilliseconds,
            let measured = Self.measure(read)
        else { return 0 }
        let step = known - measured
        return step > Self.toleranceMilliseconds ? step : 0
    }

    /// Has `now` follow a step back: all moments in memory were moved by as much.
    package func follow(stepBack milliseconds: Int64) {
        offset.subtract(milliseconds, ordering: .acquiringAndReleasing)
    }

    /// The offset of the wall clock, where both clocks could be read at once.
    private static func measure(_ read: () -> ClockReading) -> Int64? {
        for _ in 0..<readingsMax {
            let first = read()
            let second = read()
            if second.boot - first.boot <= readingMilliseconds { return first.wall - first.boot }
        }
        return nil
    }
}
