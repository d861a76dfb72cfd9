// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// The true time, which nothing but the next event moves. Providers and the world live by it.
final class VirtualClock: @unchecked Sendable {
    /// Where every run begins: 2027-01-15 08:00 UTC, in milliseconds.
    static let start: Int64 = 1_800_000_000_000

    var now = VirtualClock.start
    /// For how much of it the machine was paused: its own clocks stood still.
    private(set) var pausedMilliseconds: Int64 = 0

    /// The machine is paused for so long.
    func pauseMachine(milliseconds: Int64) {
        now += milliseconds
        pausedMilliseconds += milliseconds
    }

    /// A process's clocks: the wall's, which is wrong and can be set, and the one that counts
    /// suspend; believed as `SystemTime` does it.
    final class Reading: TimeSource, @unchecked Sendable {
        private let clock: VirtualClock
        private(set) var offsetMilliseconds: Int64
        private let anchor: ClockAnchor

        init(_ clock: VirtualClock, offsetMilliseconds: Int64) {
            self.clock = clock
            self.offsetMilliseconds = offsetMilliseconds
            let boot = clock.now - clock.pausedMilliseconds
            anchor = ClockAnchor(ClockReading(boot: boot, wall: boot + offsetMilliseconds))
        }

        /// Somebody sets the wall clock, ahead or back.
        func set(byMilliseconds step: Int64) { offsetMilliseconds += step }

        func now() -> UnixTime { anchor.now(read, read) }
        func stepBack() -> Int64 { anchor.stepBack(read) }
        func follow(stepBack milliseconds: Int64) { anchor.follow(stepBack: milliseconds) }

        private func read() -> ClockReading {
            let boot = clock.now - clock.pausedMilliseconds
            return ClockReading(boot: boot, wall: boot + offsetMilliseconds)
        }
    }
}
