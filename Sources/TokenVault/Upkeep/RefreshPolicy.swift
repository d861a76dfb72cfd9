// SPDX-License-Identifier: Apache-2.0

/// When to refresh, when to try again, and when it is too late: pure arithmetic, time and
/// randomness passed in.
enum RefreshPolicy {
    /// How long before its expiry a token is refreshed, at most, in milliseconds.
    static let marginMillisecondsMax: Int64 = 300_000
    /// The widest jitter, in milliseconds.
    static let jitterMillisecondsMax: Int64 = 300_000
    /// The lifetime assumed where nobody says: a refresh token that is never used expires unseen.
    static let unknownLifetimeMilliseconds: Int64 = 3_600_000
    /// Nothing is due again so soon after it was refreshed, in milliseconds, however short it
    /// lives; and where it has expired when it comes, so soon: such a provider would be asked
    /// without end.
    static let intervalMillisecondsMin: Int64 = 1000
    static let expiredIntervalMilliseconds: Int64 = 10_000
    /// A refresh token with less than this left, in milliseconds, is not refreshed for its own
    /// sake. Where refreshing does not prolong it, each time comes after half of what is left: this
    /// ends the series.
    static let keepAliveWindowMillisecondsMin: Int64 = 600_000
    /// How far a stated expiry may lie before the end of the connection's whole life and still mean
    /// that, in milliseconds: the two are counted from different moments of the same exchange.
    static let limitToleranceMilliseconds: Int64 = 3_600_000
    /// How far in the future a record may have been written, in milliseconds, to be believed still.
    static let clockToleranceMilliseconds: Int64 = 60_000
    /// First and longest delay before the next attempt, in milliseconds.
    static let backoffMillisecondsBase: Int64 = 1000
    static let backoffMillisecondsMax: Int64 = 300_000
    /// So many parts of the time in which a provider still takes a refresh token that it has
    /// replaced pass before the next attempt, at most; and so many attempts in a row are as urgent:
    /// by then that time is over.
    static let graceParts: Int64 = 8
    static let urgentAttemptsMax = 12
    /// The least time before the next attempt where the provider refused, in milliseconds.
    static let refusedMilliseconds: Int64 = 60_000
    /// Between two requests of a connection that has expired and is refused, in milliseconds: an
    /// hour, since it may be the application that was rejected; a day, where another connection of
    /// it has succeeded since.
    static let expiredMilliseconds: Int64 = 3_600_000
    static let provenMilliseconds: Int64 = 86_400_000
    /// The most that a provider's `Retry-After` is honoured, in seconds.
    static let retryAfterSecondsMax: Int64 = 3600
    /// A token is taken for expired this long before it is, in milliseconds: the way to the
    /// provider takes time too. A tenth of its lifetime where that is less.
    static let expirySkewMilliseconds: Int64 = 10_000

    /// When to refresh: the access token before it expires, or the refresh token before it expires
    /// unused, whichever comes first; nil where neither comes to an end. Never within a
    /// second of the last refresh, and of tokens that come expired not within ten.
    static func due(_ lifetime: Lifetime, _ limits: Limits, random: UInt64) -> UnixTime? {
        let keepAlive = keepAlive(lifetime, limits, random: random)
        var due = keepAlive
        if expires(lifetime, limits) {
            let expiring = Self.due(
                issued: lifetime.issued, expiry: lifetime.accessTokenExpiry,
                marginSeconds: limits.marginSeconds, random: random)
            due = keepAlive.map { min(expiring, $0) } ?? expiring
        }
        // What somebody put may have expired already, and be due at once.
        guard let due, lifetime.isRefreshed else { return due }
        let isExpired = lifetime.accessTokenExpiry.map { $0 <= lifetime.issued } ?? false
        let interval = isExpired ? expiredIntervalMilliseconds : intervalMillisecondsMin
        return max(due, lifetime.issued.adding(milliseconds: interval))
    }

    /// Whether the access token expires as far as anybody knows.
    private static func expires(_ lifetime: Lifetime, _ limits: Limits) -> Bool {
        lifetime.accessTokenExpiry != nil || limits.accessTokensExpire
    }

    /// The moment to refresh an access token: expiry - margin - jitter.
    ///
    /// The margin is 300 s, but at most a quarter of the lifetime, so that tokens of a minute work;
    /// the jitter at most a tenth of the lifetime, so that what was made together does not come due
    /// together. A margin that the provider sets, up to half of the lifetime, is not exceeded: some
    /// refuse a refresh that comes early. There the jitter is taken from the margin.
    static func due(
        issued: UnixTime, expiry: UnixTime?, marginSeconds: Int64? = nil, random: UInt64
    ) -> UnixTime {
        let expiry = expiry ?? issued.adding(milliseconds: unknownLifetimeMilliseconds)
        let lifetime = max(0, expiry.milliseconds(since: issued))
        let jitter = min(jitterMillisecondsMax, lifetime / 10)
        guard let marginSeconds else {
            let margin = min(marginMillisecondsMax, lifetime / 4)
            return expiry.adding(milliseconds: -(margin + fraction(of: jitter, random)))
        }
        let margin = min(milliseconds(marginSeconds), lifetime / 2)
        return expiry.adding(milliseconds: fraction(of: min(jitter, margin / 2), random) - margin)
    }

    /// When to refresh to keep the refresh token: at half of the time that it lives without,
    /// less a jitter of up to a tenth of it. Nil where no end is known that a refresh can put off.
    private static func keepAlive(
        _ lifetime: Lifetime, _ limits: Limits, random: UInt64
    ) -> UnixTime? {
        guard lifetime.hasRefreshToken else { return nil }
        var window: Int64 = limits.refreshTokenIdleSeconds.map(milliseconds) ?? .max
        if let stated = lifetime.refreshTokenExpiry, !isLimit(stated, lifetime, limits) {
            let left = stated.milliseconds(since: lifetime.issued)
            // A stated end that refreshing does not put off ends its own series, not the other's.
            if left >= keepAliveWindowMillisecondsMin { window = min(window, left) }
        }
        guard window >= keepAliveWindowMillisecondsMin, window < .max else { return nil }
        return lifetime.issued.adding(
            milliseconds: window / 2 - fraction(of: window / 10, random))
    }

    /// Whether a stated expiry is that of the connection's whole life, which nothing prolongs.
    private static func isLimit(
        _ stated: UnixTime, _ lifetime: Lifetime, _ limits: Limits
    ) -> Bool {
        guard let limit = limit(lifetime, limits) else { return false }
        return limit.milliseconds(since: stated) <= limitToleranceMilliseconds
    }

    private static func limit(_ lifetime: Lifetime, _ limits: Limits) -> UnixTime? {
        guard let seconds = limits.refreshTokenLifetimeSeconds else { return nil }
        return lifetime.connected?.adding(milliseconds: milliseconds(seconds))
    }

    /// When an access token expires; where nobody says, what is assumed. Nil where it does not.
    static func expiry(
        issued: UnixTime, stated: UnixTime?, _ limits: Limits
    ) -> UnixTime? {
        stated
            ?? (limits.accessTokensExpire
                ? issued.adding(milliseconds: unknownLifetimeMilliseconds) : nil)
    }

    /// When a connection is of no use, or lost, if nothing is done: a backlog drains in this order.
    static func death(_ lifetime: Lifetime, _ limits: Limits) -> UnixTime {
        let access =
            expiry(issued: lifetime.issued, stated: lifetime.accessTokenExpiry, limits)
            ?? UnixTime(milliseconds: .max)
        guard lifetime.hasRefreshToken, let end = end(lifetime, limits) else { return access }
        return min(access, end.time)
    }

    /// When the user has to connect again, and why; nil where no end is in sight.
    ///
    /// The earliest of what is known: of `idle` and, as a rule, `stated` the vault's own refreshing
    /// keeps moving it away.
    static func end(_ lifetime: Lifetime, _ limits: Limits) -> (time: UnixTime, cause: EndCause)? {
        guard lifetime.hasRefreshToken else {
            return lifetime.accessTokenExpiry.map { ($0, .notRenewable) }
        }
        var ends: [(time: UnixTime, cause: EndCause)] = []
        if let limit = limit(lifetime, limits) { ends.append((limit, .limit)) }
        if let stated = lifetime.refreshTokenExpiry {
            ends.append((stated, isLimit(stated, lifetime, limits) ? .limit : .stated))
        }
        if let idle = limits.refreshTokenIdleSeconds {
            ends.append((lifetime.issued.adding(milliseconds: milliseconds(idle)), .idle))
        }
        return ends.min { $0.time < $1.time }
    }

    /// Whether a record's times can be believed. One that was written in the future was written by
    /// another clock: its expiry says nothing, and it is due.
    static func isPlausible(_ lifetime: Lifetime, _ now: UnixTime) -> Bool {
        isPlausible(issued: lifetime.issued, arrived: lifetime.arrived, now)
    }

    static func isPlausible(issued: UnixTime, arrived: UnixTime?, _ now: UnixTime) -> Bool {
        max(issued, arrived ?? issued).milliseconds(since: now) <= clockToleranceMilliseconds
    }

    /// Whether a token can be lent at `now` with `minimumMilliseconds` left.
    static func isFresh(
        issued: UnixTime, arrived: UnixTime? = nil, expiry: UnixTime?, now: UnixTime,
        minimumMilliseconds: Int64
    ) -> Bool {
        guard let expiry else { return true }
        guard isPlausible(issued: issued, arrived: arrived, now) else { return false }
        let lifetime = max(0, expiry.milliseconds(since: issued))
        let skew = min(expirySkewMilliseconds, lifetime / 10)
        return expiry.milliseconds(since: now) > max(skew, minimumMilliseconds)
    }

    /// The next attempt after `failures` transient failures in a row: from 1 s doubling to 300 s,
    /// of which a random part of up to a half is left out ("Exponential Backoff And Jitter",
    /// Brooker, 2015), never before `Retry-After`.
    ///
    /// - Parameter reuseGraceSeconds: how long the provider still takes the token that it may have
    ///   replaced with an answer that was lost; 0 where that is no reason to hurry.
    static func retry(
        now: UnixTime, failures: Int, retryAfterSeconds: Int64?, reuseGraceSeconds: Int64 = 0,
        random: UInt64
    ) -> UnixTime {
        let exponent = min(max(failures - 1, 0), 9)
        let longest = backoffMillisecondsMax(failures, reuseGraceSeconds)
        let ceiling = min(longest, backoffMillisecondsBase << Int64(exponent))
        let wait = ceiling / 2 + fraction(of: ceiling - ceiling / 2, random)
        guard let retryAfterSeconds else { return now.adding(milliseconds: wait) }
        let asked = min(max(retryAfterSeconds, 1), retryAfterSecondsMax) * 1000
        return now.adding(milliseconds: max(wait, asked + fraction(of: asked / 10, random)))
    }

    /// Until when a provider is left alone that asks for it, as far as that is honoured.
    static func pauseEnd(_ retryAfterSeconds: Int64?, _ now: UnixTime) -> UnixTime? {
        retryAfterSeconds.map {
            now.adding(milliseconds: min($0, retryAfterSecondsMax) * 1000)
        }
    }

    private static func backoffMillisecondsMax(_ failures: Int, _ grace: Int64) -> Int64 {
        guard grace > 0, failures <= urgentAttemptsMax else { return backoffMillisecondsMax }
        let part = milliseconds(grace) / graceParts
        return min(backoffMillisecondsMax, max(backoffMillisecondsBase, part))
    }

    /// The next attempt after `refusals` in a row, where the access token has not expired by then:
    /// from a minute doubling to an hour, with a jitter of up to a tenth.
    static func refused(now: UnixTime, refusals: Int, random: UInt64) -> UnixTime {
        let exponent = min(max(refusals - 1, 0), 6)
        let wait = min(expiredMilliseconds, refusedMilliseconds << Int64(exponent))
        return now.adding(milliseconds: wait + fraction(of: wait / 10, random))
    }

    /// A moment with a jitter of up to a tenth of what is between it and `now`.
    static func jittered(_ moment: UnixTime, now: UnixTime, random: UInt64) -> UnixTime {
        moment.adding(milliseconds: fraction(of: moment.milliseconds(since: now) / 10, random))
    }

    /// What is between two requests of a connection that has expired and is refused.
    static func pauseMilliseconds(isProven: Bool) -> Int64 {
        isProven ? provenMilliseconds : expiredMilliseconds
    }

    private static func fraction(of range: Int64, _ random: UInt64) -> Int64 {
        Int64(UInt64(max(range, 0)).multipliedFullWidth(by: random).high)
    }

    /// Milliseconds of a length of time; none where it is negative, saturating.
    private static func milliseconds(_ seconds: Int64) -> Int64 {
        UnixTime(seconds: max(0, seconds)).milliseconds
    }
}
