// SPDX-License-Identifier: Apache-2.0

// How long an attempt of an earlier process is left alone: that process cannot hear its answer any
// more, but the provider may still be at work on it, and would take a second request with the same
// refresh token for a theft.
extension RefreshPolicy {
    /// The least and the most time from the attempt's record to the next attempt, in milliseconds.
    static let doubtMillisecondsMin: Int64 = 45_000
    static let doubtMillisecondsMax: Int64 = 300_000
    /// So long before the tokens die, in milliseconds, the time is over that is not the least.
    static let doubtLeadMilliseconds: Int64 = 60_000

    /// Until when a connection is left alone whose attempt of an earlier process was never
    /// answered. The past where nothing can be out any more: the attempt is old. So is one of a
    /// provider that takes the same refresh token again.
    ///
    /// - Parameters:
    ///   - recorded: when the attempt was recorded, just before it was sent.
    ///   - opened: when this process began. A record that is later than this is of another clock.
    ///   - death: when the connection is of no use any more.
    static func doubtEnd(
        recorded: UnixTime, opened: UnixTime, death: UnixTime, _ limits: Limits
    ) -> UnixTime {
        guard limits.listenMilliseconds > 0 else { return UnixTime(milliseconds: .min) }
        let start = min(recorded, opened)
        let longest = start.adding(milliseconds: doubtMillisecondsMax)
        return max(
            start.adding(milliseconds: doubtMillisecondsMin),
            min(longest, death.adding(milliseconds: -doubtLeadMilliseconds)))
    }
}
