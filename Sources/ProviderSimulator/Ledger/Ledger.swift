// SPDX-License-Identifier: Apache-2.0

/// Everything the server knows: settings, grants, tokens, codes, counters, faults. A plain value,
/// changed only inside ``Book``'s lock; nothing in it waits or talks to the network.
struct Ledger: Sendable {
    /// Entries kept in the journal; later ones are dropped.
    static let journalMax = 1_000_000

    var settings: ProviderSimulator.Settings
    /// The server's own URL.
    var url = ""
    /// Its issuer identifier (RFC 8414).
    var issuer: String { url + settings.metadata.path }
    var counters = ProviderSimulator.Counters()
    var journal: [ProviderSimulator.JournalEntry] = []
    var faults: [ProviderSimulator.Endpoint: FaultOrder] = [:]
    var grants: [Grant] = []
    var codes: [String: AuthorizationCode] = [:]
    /// By their device codes.
    var devices: [String: DeviceRequest] = [:]
    var refreshTokens: [String: RefreshToken] = [:]
    var accessTokens: [String: AccessToken] = [:]
    /// The assertions that were accepted, by client and `jti`, and when they expire.
    var assertions: [String: Int] = [:]
    var tokenRequestsInFlight = 0
    /// How far a test has moved the server's clock forward.
    var clockOffset = Duration.zero

    init(settings: ProviderSimulator.Settings) {
        self.settings = settings
    }

    /// The server's time.
    var now: ContinuousClock.Instant { ContinuousClock.now + clockOffset }

    /// Makes a grant and its first tokens.
    mutating func openGrant(clientID: String, user: String, scope: String) -> (Int, TokenReply) {
        let grant = grants.count
        grants.append(Grant(clientID: clientID, user: user, scope: scope))
        var reply = issueAccessToken(for: grant, scope: scope, settings.accessLifetime)
        if settings.exchange == nil {
            reply.refreshToken = issueRefreshToken(for: grant)
            reply.refreshLifetime = settings.refreshLifetime
        }
        return (grant, reply)
    }

    /// Issues an access token.
    mutating func issueAccessToken(
        for grant: Int, scope: String, _ lifetime: Duration
    ) -> TokenReply {
        let token = randomText("at")
        keepAccessToken(token, for: grant, scope: scope, lifetime)
        return TokenReply(accessToken: token, accessLifetime: lifetime, scope: scope)
    }

    /// Remembers an access token, ending the oldest one beyond the limit.
    mutating func keepAccessToken(
        _ token: String, for grant: Int, scope: String, _ lifetime: Duration
    ) {
        accessTokens[token] = AccessToken(grant: grant, scope: scope, expires: now + lifetime)
        grants[grant].accessTokens.append(token)
        if grants[grant].accessTokens.count > Grant.accessTokensMax {
            accessTokens[grants[grant].accessTokens.removeFirst()] = nil
        }
    }

    /// Issues a refresh token; the one before it is superseded from now on.
    mutating func issueRefreshToken(for grant: Int) -> String {
        let token = randomText("rt")
        keepRefreshToken(token, for: grant, expires: settings.refreshLifetime.map { now + $0 })
        return token
    }

    /// Remembers a refresh token; the one before it is superseded from now on.
    mutating func keepRefreshToken(
        _ token: String, for grant: Int, expires: ContinuousClock.Instant?
    ) {
        let now = now
        if let last = grants[grant].refreshTokens.last {
            refreshTokens[last]?.superseded = now
            grants[grant].generation += 1
        }
        refreshTokens[token] = RefreshToken(
            grant: grant, generation: grants[grant].generation, issued: now, expires: expires)
        grants[grant].refreshTokens.append(token)
        if grants[grant].refreshTokens.count > Grant.oldRefreshTokensMax + 1 {
            refreshTokens[grants[grant].refreshTokens.removeFirst()] = nil
        }
    }

    /// Ends a grant and its access tokens. Its refresh tokens stay known, so that requests made
    /// with them are still counted for it.
    mutating func endGrant(_ grant: Int, _ end: ProviderSimulator.GrantSummary.End) {
        guard grants[grant].end == nil else { return }
        grants[grant].end = end
        // A provider that is played may tell a token that was ended from one it never knew.
        if grants[grant].played == nil { endAccessTokens(of: grant) }
    }

    /// Ends a grant's access tokens.
    mutating func endAccessTokens(of grant: Int) {
        for token in grants[grant].accessTokens {
            accessTokens[token] = nil
        }
        grants[grant].accessTokens = []
    }

    /// The access token, if it works.
    func livingAccessToken(_ token: String) -> AccessToken? {
        guard let record = accessTokens[token], record.expires > now,
            grants[record.grant].end == nil
        else { return nil }
        return record
    }

    /// The refresh token, if it works and is the current one of its grant.
    func livingRefreshToken(_ token: String) -> RefreshToken? {
        guard let record = refreshTokens[token], record.superseded == nil,
            grants[record.grant].end == nil, record.expires.map({ $0 > now }) ?? true
        else { return nil }
        return record
    }

    /// A new token or code of this kind.
    func randomText(_ kind: StaticString) -> String {
        RandomText.make(marker: settings.tokenMarker, kind: kind, bytes: settings.tokenBytes)
    }

    /// What the server knows of one grant.
    func summary(of grant: Int) -> ProviderSimulator.GrantSummary {
        let record = grants[grant]
        return ProviderSimulator.GrantSummary(
            grant: grant, user: record.user, client: record.clientID, alive: record.end == nil,
            end: record.end, refreshRequests: record.refreshRequests, refreshes: record.refreshes)
    }
}
