// SPDX-License-Identifier: Apache-2.0

/// A token endpoint's answer that grants tokens (RFC 6749 section 5.1): the body, where the tokens
/// lie in it, and what else it says.
///
/// It owns the body, which is wiped with it. The tokens are lent from where they arrived; nothing
/// but `tokens` takes another block for them.
package struct TokenReply: ~Copyable, Sendable {
    private var body: Secret
    private let accessToken: Range<Int>
    private let refreshToken: Range<Int>?
    private let members: Members
    /// What the same body says of the tokens of a second connection; nil where it has none.
    private let secondMembers: Members?
    /// The provider's clock when it answered, where it said so.
    private let date: HTTPDate.Text?

    /// The longest lifetime that is believed, in seconds: ten years. Longer ones count as this, but
    /// see `Stated`.
    package static let lifetimeSecondsMax: Int64 = 315_360_000

    /// How wrong the provider's clock, or ours, may be before `Date` is believed to be wrong
    /// instead, and what is no error but the answer's age, in milliseconds. One that is an hour off
    /// is most often a clock's that was set to summer time, while `expires_at` is right.
    static let clockErrorMilliseconds: ClosedRange<Int64> = 5000...3_000_000

    /// Takes a body over whose members are a token response.
    init(
        _ body: consuming Secret, _ members: Members, second: Members? = nil,
        date: HTTPDate.Text? = nil
    ) {
        guard members.error == nil, let accessToken = members.accessToken else {
            preconditionFailure("a reply that grants nothing")
        }
        self.members = members
        secondMembers = second
        self.date = date
        self.accessToken = Self.resolve(accessToken, in: &body)
        refreshToken =
            switch members.refreshToken {
            case .some(let place): Self.resolve(place, in: &body)
            case .none: nil
            }
        self.body = body
    }

    // Escapes are resolved where they lie: no escape is shorter than what it stands for.
    private static func resolve(_ place: Members.Place, in body: inout Secret) -> Range<Int> {
        place.hasEscapes ? JSONText.unescape(place.range, of: &body) : place.range
    }

    /// The access token, for as long as the reply is borrowed.
    package var accessTokenBytes: RawSpan {
        @_lifetime(borrow self)
        borrowing get {
            let span = body.bytes.extracting(accessToken)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// The refresh token; nil where there is none: then the old one stays valid.
    package var refreshTokenBytes: RawSpan? {
        @_lifetime(borrow self)
        borrowing get {
            guard let refreshToken else { return nil }
            let span = body.bytes.extracting(refreshToken)
            return unsafe _overrideLifetime(span, borrowing: self)
        }
    }

    /// Whether there are tokens of a second connection.
    var hasSecond: Bool { secondMembers != nil }

    /// The tokens of the second connection, in a body of their own; nil where there are none.
    ///
    /// - Throws: `tooManySecrets`.
    borrowing func second() throws(VaultError) -> TokenReply? {
        guard let secondMembers else { return nil }
        return TokenReply(try body.copy(), secondMembers, date: date)
    }

    /// Whether there is a new refresh token.
    package var hasRefreshToken: Bool { refreshToken != nil }
    /// How long the body is, in bytes.
    var byteCount: Int { body.count }
    /// What is kept beside the tokens, by the names that the provider's definition gives.
    var captured: [(name: String, value: String)] { members.captured }
    /// `scope` as it was written; nil where it is absent, empty or no string.
    package var scope: String? { members.scope }

    /// When the access token expires, and who says so: the first that is there of `expires_in`,
    /// `expires_at`, the `exp` of a JWT, the provider's default and the application's default; of
    /// the first two also by the other names that `ReplyMember` lists. Lifetimes count from
    /// `requestedAt`, the moment the request was sent, so that the network's delay shortens them. A
    /// moment is the provider's, and is set by our clock where its `Date` says that the two differ;
    /// one that is not after `requestedAt` even then is passed over, and so is one more than
    /// `lifetimeSecondsMax` ahead where a lifetime should be. Where no block is free for a JWT's
    /// payload, it is no source.
    package borrowing func expiry(
        requestedAt: UnixTime, providerLifetimeSeconds: Int64?, applicationLifetimeSeconds: Int64?
    ) -> (moment: UnixTime?, source: TokenSet.ExpirySource) {
        if let moment = lifetimeEnd(members.expiresIn, requestedAt) { return (moment, .expiresIn) }
        if let moment = lifetimeEnd(members.expiresInCamel, requestedAt) {
            return (moment, .expiresIn)
        }
        if let moment = Self.moment(members.expires?.seconds, after: requestedAt) {
            return (moment, .expiresIn)
        }
        let latest = requestedAt.adding(milliseconds: Self.lifetimeSecondsMax * 1000)
        if let moment = ours(members.expiresAt, requestedAt) ?? ours(members.expiresOn, requestedAt)
            ?? ours(members.expires?.moment, requestedAt)
        {
            return (min(moment, latest), .expiresAt)
        }
        if let moment = ours(JWTExpiry.read(accessTokenBytes), requestedAt) {
            return (min(moment, latest), .jwt)
        }
        if let moment = Self.moment(providerLifetimeSeconds, after: requestedAt) {
            return (moment, .provider)
        }
        if let moment = Self.moment(applicationLifetimeSeconds, after: requestedAt) {
            return (moment, .application)
        }
        return (nil, .unknown)
    }

    /// A moment of the provider's by our clock; nil where it is not after the request.
    private borrowing func ours(_ moment: UnixTime?, _ requestedAt: UnixTime) -> UnixTime? {
        guard let moment = moment?.adding(milliseconds: -clockError(requestedAt)),
            moment > requestedAt
        else { return nil }
        return moment
    }

    /// When a lifetime ends; nil where it is nonsense.
    private borrowing func lifetimeEnd(_ stated: Stated?, _ requestedAt: UnixTime) -> UnixTime? {
        if let seconds = stated?.seconds { return Self.moment(seconds, after: requestedAt) }
        let latest = requestedAt.adding(milliseconds: Self.lifetimeSecondsMax * 1000)
        return ours(stated?.moment, requestedAt).flatMap { $0 <= latest ? $0 : nil }
    }

    /// By how many milliseconds the provider's clock is ahead of ours.
    private borrowing func clockError(_ requestedAt: UnixTime) -> Int64 {
        guard let answered = date?.moment else { return 0 }
        let error = answered.milliseconds(since: requestedAt)
        return Self.clockErrorMilliseconds.contains(abs(error)) ? error : 0
    }

    /// When the refresh token expires, where the reply says so.
    package borrowing func refreshTokenExpiry(requestedAt: UnixTime) -> UnixTime? {
        let first = Self.earlier(
            lifetimeEnd(members.refreshTokenExpiresIn, requestedAt),
            lifetimeEnd(members.refreshTokenExpiresInX, requestedAt))
        let lifetime = Self.earlier(first, lifetimeEnd(members.refreshExpiresIn, requestedAt))
        return Self.earlier(lifetime, ours(members.refreshTokenExpiresAt, requestedAt))
    }

    /// Turns the reply into a token set, each token in a block of its own; for the lifetimes see
    /// `expiry`.
    ///
    /// - Throws: as `Secret.init(copying:)`.
    package borrowing func tokens(
        requestedAt: UnixTime, providerLifetimeSeconds: Int64?,
        applicationLifetimeSeconds: Int64?
    ) throws(VaultError) -> TokenSet {
        let expiry = expiry(
            requestedAt: requestedAt, providerLifetimeSeconds: providerLifetimeSeconds,
            applicationLifetimeSeconds: applicationLifetimeSeconds)
        var newRefreshToken: Secret?
        if let refreshToken {
            newRefreshToken = try Secret(copying: body.bytes.extracting(refreshToken))
        }
        return TokenSet(
            accessToken: try Secret(copying: accessTokenBytes), refreshToken: newRefreshToken,
            scope: scope, accessTokenExpiry: expiry.moment, expirySource: expiry.source,
            refreshTokenExpiry: refreshTokenExpiry(requestedAt: requestedAt))
    }

    private static func earlier(_ one: UnixTime?, _ other: UnixTime?) -> UnixTime? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }

    private static func moment(_ seconds: Int64?, after start: UnixTime) -> UnixTime? {
        lifetime(seconds).map { start.adding(milliseconds: $0 * 1000) }
    }

    /// What a lifetime says: how long, or where somebody wrote a moment instead, until when.
    enum Stated: Sendable, Equatable {
        case seconds(Int64)
        case moment(UnixTime)

        /// Of a number: from 10^9 on, 31 years, it is no lifetime but a moment, or nonsense. Nil
        /// where it says nothing.
        init?(_ number: Int64?) {
            guard let number, number > 0 else { return nil }
            if number < TokenReply.momentMin {
                self = .seconds(min(number, TokenReply.lifetimeSecondsMax))
            } else if let moment = TokenReply.moment(number) {
                self = .moment(moment)
            } else {
                return nil
            }
        }

        var seconds: Int64? { if case .seconds(let seconds) = self { seconds } else { nil } }
        var moment: UnixTime? { if case .moment(let moment) = self { moment } else { nil } }
    }

    /// A default lifetime that can be believed.
    static func lifetime(_ seconds: Int64?) -> Int64? {
        guard let seconds, seconds > 0 else { return nil }
        return min(seconds, lifetimeSecondsMax)
    }

    /// The least number that is a moment, not a lifetime: 2001 in seconds.
    static let momentMin: Int64 = 1_000_000_000

    /// A moment from a number without a unit, told apart by size: 10^9 up to 10^11 are seconds (the
    /// years 2001 to 5138), 10^12 up to 10^14 milliseconds (the same years). Nil for anything else:
    /// a smaller number is a lifetime or a "never", a larger one has another unit.
    static func moment(_ number: Int64?) -> UnixTime? {
        guard let number else { return nil }
        switch number {
        case momentMin..<100_000_000_000: return UnixTime(seconds: number)
        case 1_000_000_000_000..<100_000_000_000_000: return UnixTime(milliseconds: number)
        default: return nil
        }
    }
}
