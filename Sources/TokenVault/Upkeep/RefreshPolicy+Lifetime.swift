// SPDX-License-Identifier: Apache-2.0

// What there is to know about a connection's tokens, and about its provider.
extension RefreshPolicy {
    /// What a connection knows about its tokens' lives. Where the access token itself is exchanged
    /// for the next one, it stands for the refresh token too.
    struct Lifetime {
        /// When the request was started that brought the tokens: the last use of the refresh token.
        var issued: UnixTime
        var accessTokenExpiry: UnixTime?
        /// What the provider said when it gave the refresh token.
        var refreshTokenExpiry: UnixTime?
        /// When the user connected.
        var connected: UnixTime?
        /// Whether there is something to present for new tokens, or nothing needs to be.
        var hasRefreshToken: Bool
        /// Whether a refresh brought them, not a code or the platform.
        var isRefreshed = true
        /// When they came, where that is known: long after `issued` where the process stood still.
        var arrived: UnixTime?
    }

    /// What a provider's refresh tokens are subject to; nil where it has no such limit.
    struct Limits: Hashable, Sendable {
        /// A refresh token that is not used for so long is dropped.
        var refreshTokenIdleSeconds: Int64?
        /// A connection ends so long after the user connected, whatever is refreshed.
        var refreshTokenLifetimeSeconds: Int64?
        /// How long before its expiry an access token may be refreshed at the earliest.
        var marginSeconds: Int64?
        /// How long a refresh token that was replaced is still taken; 0 where it is not.
        var reuseGraceSeconds: Int64 = 0
        /// Whether an access token of which nobody says when it expires is taken to expire.
        var accessTokensExpire = true
        /// Whether the provider says of a lost grant what may also mean the application.
        var listsGrantLostAnswers = false
        /// How long the answer to a refresh is listened for at most, in milliseconds: what it
        /// replaces may be of no use any more. 0 where the same token can always be presented
        /// again.
        var listenMilliseconds = Int(Provider.listenSecondsDefault) * 1000
        /// Whether the access token is exchanged for the next one, and no refresh token presented.
        var exchangesAccessToken = false
        /// Whether the answer to a refresh may hold the only refresh token there is: then nothing
        /// but that answer, or somebody who knows better, says what may be presented next.
        var isAnswerPrecious = true
        /// Whether the client asks for each access token anew, and presents nothing for it.
        var asksAnew = false

        /// The same for connections of a grant.
        func of(_ grant: GrantType) -> Self {
            guard grant.asksAnew else { return self }
            var limits = self
            limits.asksAnew = true
            // There is no refresh token, and no grant: an answer that is lost costs nothing.
            limits.refreshTokenIdleSeconds = nil
            limits.refreshTokenLifetimeSeconds = nil
            limits.reuseGraceSeconds = 0
            limits.listenMilliseconds = 0
            limits.exchangesAccessToken = false
            limits.isAnswerPrecious = false
            limits.listsGrantLostAnswers = false
            return limits
        }
    }
}

extension RefreshPolicy.Lifetime {
    /// For how many seconds the access token lives, as far as anybody says; else 0.
    var seconds: Int {
        let milliseconds = accessTokenExpiry.map { $0.milliseconds(since: issued) } ?? 0
        return max(0, Int(clamping: milliseconds / 1000))
    }

    /// What a connection's record says. An access token that is exchanged is of no use for that
    /// from its expiry on.
    init(_ record: borrowing ConnectionRecord, _ limits: RefreshPolicy.Limits, now: UnixTime) {
        issued = record.issued
        accessTokenExpiry = record.accessTokenExpiry
        connected = record.connected
        if limits.asksAnew {
            hasRefreshToken = true
        } else if limits.exchangesAccessToken {
            refreshTokenExpiry = accessTokenExpiry
            hasRefreshToken = accessTokenExpiry.map { $0 > now } ?? true
        } else {
            refreshTokenExpiry = record.refreshTokenExpiry
            hasRefreshToken = record.hasRefreshToken
        }
        isRefreshed = record.refreshed.map { $0 >= record.issued } ?? false
        arrived = record.refreshed
    }
}

extension RefreshPolicy.Lifetime {
    /// When a record's access token expires, as far as anybody knows or assumes; now, where another
    /// clock wrote its times.
    static func expiry(
        _ record: borrowing ConnectionRecord, _ limits: RefreshPolicy.Limits, now: UnixTime
    ) -> UnixTime? {
        let (issued, stated) = (record.issued, record.accessTokenExpiry)
        return RefreshPolicy.isPlausible(issued: issued, arrived: record.refreshed, now)
            ? RefreshPolicy.expiry(issued: issued, stated: stated, limits) : now
    }
}

extension RefreshPolicy.Limits {
    /// What a provider's definition says.
    init(_ provider: Provider) {
        refreshTokenIdleSeconds = provider.refreshTokenIdleSeconds
        refreshTokenLifetimeSeconds = provider.refreshTokenLifetimeSeconds
        marginSeconds = provider.refreshMarginSeconds
        reuseGraceSeconds = provider.reuseGraceSeconds
        accessTokensExpire = provider.accessTokensExpire
        listsGrantLostAnswers = !provider.grantLostAnswers.isEmpty
        listenMilliseconds = provider.listenMilliseconds
        exchangesAccessToken = provider.refreshGrant != .refreshToken
        isAnswerPrecious = provider.listenMilliseconds > 0 && reuseGraceSeconds <= 0
    }
}
