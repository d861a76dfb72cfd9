// SPDX-License-Identifier: Apache-2.0

// How long an attempt of an earlier process is left alone: that process cannot hear its answer any
// more, but the provider may still be at work on it, and would take a second request with the same
// refresh token for a theft.
extension RefreshPolicy {
    /// The least and the most time from the attempt's record to the next attempt, in milliseconds.
    static let doubtMillisecondsMin: Int64 = 45_000
    static let doubtMillisecondsMax: Int64 = 300_000
    /// How long before the tokens end the wait is over, in milliseconds, unless it would be shorter
    /// than the least then.
    static let doubtLeadMilliseconds: Int64 = 60_000

    /// When an attempt is recorded whose request has ended.
    static let longAgo = UnixTime(milliseconds: 0)
    /// So long before a provider's grace ends, in milliseconds, the same refresh token has to leave
    /// again to be taken in it.
    static let graceLeadMilliseconds: Int64 = 8000
    /// Where a provider's grace lasts so much longer, in milliseconds, nobody has to wait for a
    /// late answer: there is time for another, and for a pause before it.
    static let graceRoomMilliseconds: Int64 = 60_000

    /// For how long the answer to a refresh that leaves now is listened for, in milliseconds; 0
    /// where the request ends at its deadline, and the same refresh token is presented again.
    ///
    /// Within a provider's grace that is the way out where an answer was lost, but only as long as
    /// the grace lasts: what would come after it takes the answer that comes, however late.
    ///
    /// - Parameter inDoubtSince: when the first request with this refresh token left of which
    ///   nobody knows whether the provider has replaced it.
    static func listenMilliseconds(
        inDoubtSince: UnixTime?, _ limits: Limits, _ now: UnixTime
    ) -> Int {
        let start = min(inDoubtSince ?? now, now)
        let left = start.adding(milliseconds: limits.reuseGraceSeconds * 1000)
            .milliseconds(since: now)
        if left >= graceRoomMilliseconds { return 0 }
        let deadline = Int64(TransportRequest.deadlineMillisecondsDefault)
        let isRetried = left - graceLeadMilliseconds > deadline
        return isRetried
            ? min(limits.listenMilliseconds, Int(left - graceLeadMilliseconds))
            : limits.listenMilliseconds
    }

    /// Until when a connection is left alone whose attempt of an earlier process was never
    /// answered. The past where nothing can be out any more: the attempt is old. So it is where the
    /// provider takes the same refresh token again, always or still.
    ///
    /// - Parameters:
    ///   - recorded: when the attempt was recorded, just before it was sent.
    ///   - opened: when this process began. A record that is later than this is of another clock.
    ///   - death: when the connection is of no use any more.
    static func doubtEnd(
        recorded: UnixTime, opened: UnixTime, death: UnixTime, _ limits: Limits
    ) -> UnixTime {
        let start = min(recorded, opened)
        let graceEnd = start.adding(milliseconds: limits.reuseGraceSeconds * 1000)
        let isInGrace = graceEnd.milliseconds(since: opened) >= graceLeadMilliseconds
        guard limits.listenMilliseconds > 0, !isInGrace else {
            return UnixTime(milliseconds: .min)
        }
        let longest = start.adding(milliseconds: doubtMillisecondsMax)
        return max(
            start.adding(milliseconds: doubtMillisecondsMin),
            min(longest, death.adding(milliseconds: -doubtLeadMilliseconds)))
    }
}
