// SPDX-License-Identifier: Apache-2.0

/// What one user let one client do, and everything issued for it.
struct Grant: Sendable {
    /// Living access tokens kept per grant; the oldest ends when another is issued. Without a
    /// limit a benchmark would keep every token it ever received alive.
    static let accessTokensMax = 8

    /// Old refresh tokens remembered per grant. An older one is simply unknown.
    static let oldRefreshTokensMax = 32

    let clientID: String
    let user: String
    let scope: String
    var end: ProviderSimulator.GrantSummary.End?
    /// The refresh tokens issued, the current one last.
    var refreshTokens: [String] = []
    var accessTokens: [String] = []
    /// How many refresh tokens were issued before the current one.
    var generation = 0
    var refreshRequests = 0
    var refreshes = 0
    var refreshesInFlight = 0

    /// Set where the provider is one that is played.
    var played: Played?

    init(clientID: String, user: String, scope: String) {
        self.clientID = clientID
        self.user = user
        self.scope = scope
    }
}

/// An issued refresh token.
struct RefreshToken: Sendable {
    let grant: Int
    let generation: Int
    let issued: ContinuousClock.Instant
    var expires: ContinuousClock.Instant?
    /// When a newer one took its place.
    var superseded: ContinuousClock.Instant?
}

/// An issued access token.
struct AccessToken: Sendable {
    let grant: Int
    let scope: String
    let expires: ContinuousClock.Instant
}

/// An issued authorization code, kept after use so that a second use is noticed.
struct AuthorizationCode: Sendable {
    /// RFC 6749 section 4.1.2 recommends at most ten minutes; providers give less.
    static let lifetime = Duration.seconds(60)

    /// Codes remembered at one time, used ones included.
    static let remembered = 10_000

    let clientID: String
    let redirectURI: String
    let challenge: String?
    let scope: String
    let user: String
    let expires: ContinuousClock.Instant
    /// Set where the provider is one that is played.
    var consent: Consent?
    var use = Use.unused

    /// What became of a code.
    enum Use: Sendable {
        case unused
        /// Presented with something that did not match: it is not given a second try.
        case spoiled
        case exchanged(grant: Int)
    }
}
