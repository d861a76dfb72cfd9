// SPDX-License-Identifier: Apache-2.0

/// When to refresh, and when to try again: pure arithmetic, time and randomness passed in.
enum RefreshPolicy {
    /// How long before its expiry a token is refreshed, at most, in milliseconds.
    static let marginMillisecondsMax: Int64 = 300_000
    /// The widest jitter, in milliseconds.
    static let jitterMillisecondsMax: Int64 = 300_000
    /// The lifetime assumed where nobody says: a refresh token that is never used dies in silence.
    static let unknownLifetimeMilliseconds: Int64 = 3_600_000
    /// First and longest delay before the next attempt, in milliseconds.
    static let backoffMillisecondsBase: Int64 = 1000
    static let backoffMillisecondsMax: Int64 = 300_000
    /// Between probes of an application that the provider rejects, in milliseconds.
    static let misconfiguredMilliseconds: Int64 = 60_000
    /// The most that a provider's `Retry-After` is honoured, in seconds.
    static let retryAfterSecondsMax: Int64 = 3600
    /// A token is taken for expired this long before it is, in milliseconds: the way to the
    /// provider takes time too. A tenth of its lifetime where that is less.
    static let expirySkewMilliseconds: Int64 = 10_000

    /// The moment to refresh a token: expiry - margin - jitter.
    ///
    /// The margin is 300 s, but at most a quarter of the lifetime, so that tokens of a minute work;
    /// the jitter at most a tenth of the lifetime, so that what was made together does not come due
    /// together.
    static func due(issued: UnixTime, expiry: UnixTime?, random: UInt64) -> UnixTime {
        let expiry = expiry ?? issued.adding(milliseconds: unknownLifetimeMilliseconds)
        let lifetime = max(0, expiry.milliseconds(since: issued))
        let margin = min(marginMillisecondsMax, lifetime / 4)
        let jitter = fraction(of: min(jitterMillisecondsMax, lifetime / 10), random)
        return expiry.adding(milliseconds: -(margin + jitter))
    }

    /// Whether a token can be lent at `now` with `minimumMilliseconds` left.
    static func isFresh(
        issued: UnixTime, expiry: UnixTime?, now: UnixTime, minimumMilliseconds: Int64
    ) -> Bool {
        guard let expiry else { return true }
        let lifetime = max(0, expiry.milliseconds(since: issued))
        let skew = min(expirySkewMilliseconds, lifetime / 10)
        return expiry.milliseconds(since: now) > max(skew, minimumMilliseconds)
    }

    /// The next attempt after `failures` transient failures in a row: from 1 s doubling to 300 s,
    /// of which a random part of up to a half is left out ("Exponential Backoff And Jitter",
    /// Brooker, 2015), never before `Retry-After`.
    static func retry(
        now: UnixTime, failures: Int, retryAfterSeconds: Int64?, random: UInt64
    ) -> UnixTime {
        let exponent = min(max(failures - 1, 0), 9)
        let ceiling = min(backoffMillisecondsMax, backoffMillisecondsBase << Int64(exponent))
        let wait = ceiling / 2 + fraction(of: ceiling - ceiling / 2, random)
        guard let retryAfterSeconds else { return now.adding(milliseconds: wait) }
        let asked = min(max(retryAfterSeconds, 1), retryAfterSecondsMax) * 1000
        return now.adding(milliseconds: max(wait, asked + fraction(of: asked / 10, random)))
    }

    private static func fraction(of range: Int64, _ random: UInt64) -> Int64 {
        Int64(UInt64(max(range, 0)).multipliedFullWidth(by: random).high)
    }
}
