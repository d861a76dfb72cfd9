// SPDX-License-Identifier: Apache-2.0

/// What a token endpoint's answer says (RFC 6749 sections 5.1 and 5.2), read but not yet judged.
///
/// Its secrets are copied slot to slot and wiped with it; the body stays its owner's.
package struct TokenReply: ~Copyable, Sendable {
    /// `access_token`; nil where it is absent, `null` or empty.
    package var accessToken: Secret?
    /// `refresh_token`; nil where it is absent, `null` or empty: then the old one stays valid.
    package var refreshToken: Secret?
    /// `token_type` as it was written; nil where it is absent, empty or no string.
    package var tokenType: String?
    /// `scope` as it was written; nil where it is absent, empty or no string.
    package var scope: String?
    /// `expires_in`: seconds from the request on, 1 to `lifetimeSecondsMax`.
    package var expiresInSeconds: Int64?
    /// `expires_at`: a moment of the provider's clock.
    package var expiresAt: UnixTime?
    /// `refresh_token_expires_in` and its kin, as `expiresInSeconds`; the least where there are
    /// two.
    package var refreshTokenExpiresInSeconds: Int64?
    /// `error`; nil where it is absent, `null`, `false` or empty.
    package var error: OAuthError?

    /// The longest lifetime that is believed, in seconds: ten years. Longer ones count as this.
    package static let lifetimeSecondsMax: Int64 = 315_360_000
    /// The longest `token_type` and `scope`, in bytes.
    package static let tokenTypeBytesMax = 64
    package static let scopeBytesMax = 16384

    private init() {}

    /// Reads the body of an answer. Unknown members are ignored (RFC 6749 section 5.1).
    ///
    /// Strict where a token could be lost or confused: the JSON (see `JSONScanner`), and tokens,
    /// which are strings of at most `TokenSet.tokenBytesMax` bytes, each in 0x20 to 0x7E (appendix
    /// A.12). Lenient where the worst is an early refresh: a lifetime may be a number or a string
    /// with a number in it and is rounded down; one that is zero, negative or no number counts as
    /// absent, as some servers write 0 or -1 for "never". For `expires_at` see `moment`.
    ///
    /// - Throws: `providerAnswerUnreadable`; `tooManySecrets` where no slot is free.
    package static func scan(_ body: RawSpan) throws(VaultError) -> TokenReply {
        var scanner = try JSONScanner(body)
        var reply = TokenReply()
        while let member = try scanner.next() {
            try reply.take(member, of: scanner)
        }
        return reply
    }

    private mutating func take(
        _ member: JSONScanner.Member, of scanner: borrowing JSONScanner
    ) throws(VaultError) {
        let (name, value) = (member.name, member.value)
        if scanner.isText(name, "access_token") {
            accessToken = try Self.token(value, of: scanner)
        } else if scanner.isText(name, "refresh_token") {
            refreshToken = try Self.token(value, of: scanner)
        } else if scanner.isText(name, "token_type") {
            tokenType = try Self.text(value, of: scanner, bytesMax: Self.tokenTypeBytesMax)
        } else if scanner.isText(name, "scope") {
            scope = try Self.text(value, of: scanner, bytesMax: Self.scopeBytesMax)
        } else if scanner.isText(name, "expires_in") {
            expiresInSeconds = Self.lifetime(scanner.wholeNumber(value))
        } else if scanner.isText(name, "expires_at") {
            expiresAt = Self.moment(scanner.wholeNumber(value))
        } else if scanner.isText(name, "refresh_token_expires_in")
            || scanner.isText(name, "x_refresh_token_expires_in")
            || scanner.isText(name, "refresh_expires_in")
        {
            guard let seconds = Self.lifetime(scanner.wholeNumber(value)) else { return }
            refreshTokenExpiresInSeconds = min(seconds, refreshTokenExpiresInSeconds ?? .max)
        } else if scanner.isText(name, "error") {
            error = OAuthError.read(value, in: scanner)
        }
    }

    private static func token(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner
    ) throws(VaultError) -> Secret? {
        if value.kind == .null { return nil }
        guard value.kind == .string else { throw JSONScanner.unreadable }
        if value.range.isEmpty { return nil }
        let token = try scanner.secret(value)
        guard token.count <= TokenSet.tokenBytesMax, isVisible(token) else {
            throw JSONScanner.unreadable
        }
        return token
    }

    /// Whether every byte is a VSCHAR, %x20-7E (RFC 6749 appendix A).
    private static func isVisible(_ token: borrowing Secret) -> Bool {
        let bytes = token.bytes
        for index in 0..<bytes.byteCount where bytes.byte(at: index) &- 0x20 > 0x5E {
            return false
        }
        return true
    }

    private static func text(
        _ value: JSONScanner.Value, of scanner: borrowing JSONScanner, bytesMax: Int
    ) throws(VaultError) -> String? {
        guard value.kind == .string, !value.range.isEmpty else { return nil }
        guard value.range.count <= bytesMax else { throw JSONScanner.unreadable }
        return try scanner.publicText(value)
    }

    private static func lifetime(_ seconds: Int64?) -> Int64? {
        guard let seconds, seconds > 0 else { return nil }
        return min(seconds, lifetimeSecondsMax)
    }

    /// A moment from a number without a unit, told apart by size: 10^9 up to 10^11 are seconds (the
    /// years 2001 to 5138), 10^12 up to 10^14 milliseconds (the same years). Nil for anything else:
    /// a smaller number is a lifetime or a "never", a larger one has another unit.
    static func moment(_ number: Int64?) -> UnixTime? {
        guard let number else { return nil }
        switch number {
        case 1_000_000_000..<100_000_000_000: return UnixTime(seconds: number)
        case 1_000_000_000_000..<100_000_000_000_000: return UnixTime(milliseconds: number)
        default: return nil
        }
    }
}

extension TokenReply {
    /// Whether there is an access token.
    var isComplete: Bool {
        switch accessToken {
        case .some: true
        case .none: false
        }
    }

    /// Whether there is a token of either kind: something that must not be lost.
    var holdsToken: Bool {
        switch refreshToken {
        case .some: true
        case .none: isComplete
        }
    }

    /// Whether `token_type` is one that is sent as `Authorization: Bearer`: compared without case
    /// (RFC 6749 section 5.1). Absent counts as bearer, since several providers leave it out.
    var isBearer: Bool { tokenType.map { $0.lowercased() == "bearer" } ?? true }

    /// Turns the reply into what is stored. The access token's expiry is the first that is there of
    /// `expires_in`, `expires_at`, the `exp` of a JWT, the provider's default and the application's
    /// default; where it came from is recorded. Lifetimes count from `requestedAt`, the moment the
    /// request was sent, so that the network's delay shortens them. A moment that is not after
    /// `requestedAt` says that the clocks differ, and the next source is asked.
    ///
    /// - Throws: `providerAnswerUnreadable` where there is no access token, an `error`, or another
    ///   type of token than bearer. The tokens are wiped then; `Verdict` sees to it that the sealed
    ///   body survives.
    package consuming func tokens(
        requestedAt: UnixTime, providerLifetimeSeconds: Int64?,
        applicationLifetimeSeconds: Int64?
    ) throws(VaultError) -> TokenSet {
        guard error == nil, isBearer, let accessToken = accessToken.take() else {
            throw JSONScanner.unreadable
        }
        func after(_ seconds: Int64?) -> UnixTime? {
            Self.lifetime(seconds).map { requestedAt.adding(milliseconds: $0 * 1000) }
        }
        func usable(_ moment: UnixTime?) -> UnixTime? {
            guard let moment, moment > requestedAt else { return nil }
            return min(moment, requestedAt.adding(milliseconds: Self.lifetimeSecondsMax * 1000))
        }
        var expiry: (moment: UnixTime?, source: TokenSet.ExpirySource) = (nil, .unknown)
        if let moment = after(expiresInSeconds) {
            expiry = (moment, .expiresIn)
        } else if let moment = usable(expiresAt) {
            expiry = (moment, .expiresAt)
        } else if let moment = usable(JWTExpiry.read(accessToken)) {
            expiry = (moment, .jwt)
        } else if let moment = after(providerLifetimeSeconds) {
            expiry = (moment, .provider)
        } else if let moment = after(applicationLifetimeSeconds) {
            expiry = (moment, .application)
        }
        return TokenSet(
            accessToken: accessToken, refreshToken: refreshToken.take(), scope: scope,
            accessTokenExpiry: expiry.moment, expirySource: expiry.source,
            refreshTokenExpiry: after(refreshTokenExpiresInSeconds))
    }
}
