// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// The true time, which nothing but the next event moves. Providers and the world live by it.
final class VirtualClock: @unchecked Sendable {
    /// Where every run begins: 2027-01-15 08:00 UTC, in milliseconds.
    static let start: Int64 = 1_800_000_000_000

    var now = VirtualClock.start

    /// A process's clock: the wall clock as it was wrong when the process began, carried on by true
    /// time, as `SystemTime` does it.
    final class Reading: TimeSource {
        private let clock: VirtualClock
        let offsetMilliseconds: Int64

        init(_ clock: VirtualClock, offsetMilliseconds: Int64) {
            self.clock = clock
            self.offsetMilliseconds = offsetMilliseconds
        }

        func now() -> UnixTime { UnixTime(milliseconds: clock.now + offsetMilliseconds) }
    }
}
