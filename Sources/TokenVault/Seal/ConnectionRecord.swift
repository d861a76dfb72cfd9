// SPDX-License-Identifier: Apache-2.0

/// A connection as it lies in the store: its tokens, where it stands, and what it was told.
struct ConnectionRecord: ~Copyable {
    var fields: Fields

    init(fields: consuming Fields) { self.fields = fields }

    /// A new connection that nobody has completed the flow of.
    init(id: ConnectionID, now: UnixTime) throws(VaultError) {
        var fresh = try Fields()
        try fresh.set(ConnectionTag.id, text: id.text)
        try fresh.set(ConnectionTag.state, integer: ConnectionState.configured.rawValue)
        try fresh.set(ConnectionTag.created, time: now)
        fields = fresh
    }

    /// Why a connection is red, or was when it last failed.
    struct Failure {
        static let byteCount = 14

        let code: UInt16
        let status: Int32
        let time: UnixTime
    }

    var id: ConnectionID? {
        guard let text = fields.text(ConnectionTag.id) else { return nil }
        return try? ConnectionID(text)
    }

    var state: ConnectionState {
        fields.integer(ConnectionTag.state).flatMap(ConnectionState.init(rawValue:)) ?? .configured
    }

    var application: ApplicationID? {
        guard let text = fields.text(ConnectionTag.application) else { return nil }
        return try? ApplicationID(text)
    }

    var accessTokenExpiry: UnixTime? { fields.time(ConnectionTag.accessTokenExpiry) }
    var refreshTokenExpiry: UnixTime? { fields.time(ConnectionTag.refreshTokenExpiry) }
    var refreshed: UnixTime? { fields.time(ConnectionTag.refreshed) }
    var connected: UnixTime? { fields.time(ConnectionTag.connected) }
    var used: UnixTime? { fields.time(ConnectionTag.used) }
    var refreshCount: UInt64 { fields.integer(ConnectionTag.refreshCount) ?? 0 }
    /// How many grants connecting again has left behind, which may live on at the provider.
    var earlierGrants: UInt32 { fields.integer(ConnectionTag.earlierGrants) ?? 0 }
    /// Whether the present grant came by a code: then the provider took the application.
    var isExchanged: Bool { fields.has(ConnectionTag.isExchanged) }
    var hasRefreshToken: Bool { fields.has(ConnectionTag.refreshToken) }
    var hasApplication: Bool { fields.has(ConnectionTag.application) }
    var hasAccessToken: Bool { fields.has(ConnectionTag.accessToken) }
    var grantedScope: String? { fields.text(ConnectionTag.grantedScope) }
    var requestedScope: String? { fields.text(ConnectionTag.requestedScope) }

    var expirySource: TokenSet.ExpirySource {
        fields.integer(ConnectionTag.expirySource)
            .flatMap(TokenSet.ExpirySource.init(rawValue:)) ?? .unknown
    }

    /// The oldest generation with the present tokens, where the record was written since for other
    /// reasons; nil where the present one is.
    var tokensSince: UInt64? { fields.integer(ConnectionTag.tokensSince) }

    /// The oldest generation with the present failure; as `tokensSince`.
    var failureSince: UInt64? { fields.integer(ConnectionTag.failureSince) }

    /// Before a change that leaves the tokens as they are in version `generation`.
    mutating func keepTokens(of generation: UInt64) throws(VaultError) {
        if tokensSince == nil {
            try fields.set(ConnectionTag.tokensSince, integer: generation)
        }
        if fields.has(ConnectionTag.failure), failureSince == nil {
            try fields.set(ConnectionTag.failureSince, integer: generation)
        }
        if fields.has(ConnectionTag.trouble), troubleSince == nil {
            try fields.set(ConnectionTag.troubleSince, integer: generation)
        }
    }

    /// When the request that brought the tokens was started: lifetimes count from there.
    var issued: UnixTime {
        fields.time(ConnectionTag.requestStart) ?? fields.time(ConnectionTag.created)
            ?? UnixTime(milliseconds: 0)
    }

    var failure: Failure? { failure(ConnectionTag.failure) }

    /// Why its last refresh brought nothing, where that decides nothing: for whoever asks before
    /// the next. The next tokens end it, and so does a failure.
    var trouble: Failure? { failure(ConnectionTag.trouble) }

    /// The oldest generation with the present trouble; as `tokensSince`.
    var troubleSince: UInt64? { fields.integer(ConnectionTag.troubleSince) }

    func failure(_ tag: UInt16) -> Failure? {
        guard let range = fields.range(tag), range.count == Failure.byteCount
        else { return nil }
        let span = fields.bytes
        return Failure(
            code: span.integer(at: range.lowerBound),
            status: span.integer(at: range.lowerBound + 2),
            time: UnixTime(milliseconds: span.integer(at: range.lowerBound + 6)))
    }

    /// What a refusal of the provider's may mean, where that is its failure.
    var refusal: UInt8? { fields.integer(ConnectionTag.refusal) }

    /// Why its token can neither be lent nor refreshed, with what is known of it; nil where it can.
    func ending(_ stage: VaultError.Stage) -> VaultError? {
        guard let code = state.refusal else { return nil }
        let failure = FailureNumber(raw: Int64(failure?.status ?? 0))
        return VaultError(code, stage, number: Int(failure.number), detail: failure.detail)
    }

    mutating func set(_ failure: Failure?) throws(VaultError) {
        if fields.has(ConnectionTag.failure) {
            try fields.set(ConnectionTag.refusal, nil)
            try fields.set(ConnectionTag.failureSince, nil)
        }
        try set(trouble: nil)
        try set(ConnectionTag.failure, failure)
    }

    /// Until when the provider wanted to be left alone (`Retry-After`), where the present trouble
    /// is that.
    var pauseEnd: UnixTime? { fields.time(ConnectionTag.pauseEnd) }

    mutating func set(trouble: Failure?, pauseEnd: UnixTime? = nil) throws(VaultError) {
        guard trouble != nil || fields.has(ConnectionTag.trouble) else { return }
        try set(ConnectionTag.trouble, trouble)
        try fields.set(ConnectionTag.troubleSince, nil)
        try fields.set(ConnectionTag.pauseEnd, time: pauseEnd)
    }

    mutating func set(_ tag: UInt16, _ failure: Failure?) throws(VaultError) {
        guard let failure else { return try fields.set(tag, nil) }
        var value = try Secret(zeroes: Failure.byteCount)
        value.store(failure.code, at: 0)
        value.store(failure.status, at: 2)
        value.store(failure.time.milliseconds, at: 6)
        try fields.set(tag, value.bytes)
    }

    mutating func set(_ state: ConnectionState) throws(VaultError) {
        try fields.set(ConnectionTag.state, integer: state.rawValue)
    }

    /// What goes with new tokens and is no secret; see `TokenSet`.
    struct Terms {
        var tokenType = "Bearer"
        var scope: String?
        var accessTokenExpiry: UnixTime?
        var expirySource = TokenSet.ExpirySource.unknown
        var refreshTokenExpiry: UnixTime?

        init(
            tokenType: String = "Bearer", scope: String? = nil,
            accessTokenExpiry: UnixTime? = nil,
            expirySource: TokenSet.ExpirySource = .unknown, refreshTokenExpiry: UnixTime? = nil
        ) {
            self.tokenType = tokenType
            self.scope = scope
            self.accessTokenExpiry = accessTokenExpiry
            self.expirySource = expirySource
            self.refreshTokenExpiry = refreshTokenExpiry
        }

        /// Those of a reply; for the lifetimes see `TokenReply.expiry`.
        init(
            _ reply: borrowing TokenReply, requestedAt: UnixTime, providerLifetime: Int64?,
            applicationLifetime: Int64?
        ) {
            let expiry = reply.expiry(
                requestedAt: requestedAt, providerLifetimeSeconds: providerLifetime,
                applicationLifetimeSeconds: applicationLifetime)
            self.init(
                scope: reply.scope, accessTokenExpiry: expiry.moment, expirySource: expiry.source,
                refreshTokenExpiry: reply.refreshTokenExpiry(requestedAt: requestedAt))
        }
    }

    /// Takes over new tokens, copied from where they lie; where there is no new refresh token the
    /// old one stays (RFC 6749 section 6). Text limits were checked where the tokens came from.
    mutating func adopt(
        accessToken: RawSpan, refreshToken: RawSpan?, _ terms: Terms, requestStart: UnixTime
    ) throws(VaultError) {
        // First, because it may be so long that there is no room beside it.
        try forgetUnread()
        if rejected != nil { try set(useFailure: nil) }
        try fields.set(ConnectionTag.accessToken, accessToken)
        // Some servers send one in spite of RFC 6749 section 4.4.3: it is not used.
        let refreshToken = grant.asksAnew ? nil : refreshToken
        if let refreshToken { try fields.set(ConnectionTag.refreshToken, refreshToken) }
        try fields.set(ConnectionTag.tokenType, text: terms.tokenType)
        if let scope = terms.scope { try fields.set(ConnectionTag.grantedScope, text: scope) }
        try fields.set(ConnectionTag.accessTokenExpiry, time: terms.accessTokenExpiry)
        try fields.set(ConnectionTag.expirySource, integer: terms.expirySource.rawValue)
        if terms.refreshTokenExpiry != nil && !grant.asksAnew || refreshToken != nil {
            try fields.set(ConnectionTag.refreshTokenExpiry, time: terms.refreshTokenExpiry)
        }
        try fields.set(ConnectionTag.requestStart, time: requestStart)
        try fields.set(ConnectionTag.tokensSince, nil)
        try set(ConnectionState.active)
        try set(nil as Failure?)
    }

    /// Before tokens are taken over that no refresh token of the old ones goes with.
    mutating func forgetRefreshToken() throws(VaultError) {
        try fields.set(ConnectionTag.refreshToken, nil)
        try fields.set(ConnectionTag.refreshTokenExpiry, nil)
    }

    /// Takes over the tokens of a reply.
    mutating func adopt(
        _ reply: borrowing TokenReply, _ terms: Terms, requestStart: UnixTime
    ) throws(VaultError) {
        try adopt(
            accessToken: reply.accessTokenBytes, refreshToken: reply.refreshTokenBytes, terms,
            requestStart: requestStart)
        try capture(reply.captured)
    }

    /// Takes over a token set.
    mutating func adopt(
        _ tokens: borrowing TokenSet, requestStart: UnixTime
    ) throws(VaultError) {
        let terms = Terms(
            tokenType: tokens.tokenType, scope: tokens.scope,
            accessTokenExpiry: tokens.accessTokenExpiry, expirySource: tokens.expirySource,
            refreshTokenExpiry: tokens.refreshTokenExpiry)
        switch tokens.refreshToken {
        case .none:
            try adopt(
                accessToken: tokens.accessToken.bytes, refreshToken: nil, terms,
                requestStart: requestStart)
        case .some(let token):
            try adopt(
                accessToken: tokens.accessToken.bytes, refreshToken: token.bytes, terms,
                requestStart: requestStart)
        }
    }

    /// The tokens, each in a block of its own.
    func tokens() throws(VaultError) -> TokenSet? {
        guard let accessToken = try fields.secret(ConnectionTag.accessToken) else { return nil }
        return TokenSet(
            accessToken: accessToken,
            refreshToken: try fields.secret(ConnectionTag.refreshToken),
            tokenType: fields.text(ConnectionTag.tokenType) ?? "Bearer", scope: grantedScope,
            accessTokenExpiry: accessTokenExpiry, expirySource: expirySource,
            refreshTokenExpiry: refreshTokenExpiry)
    }

    /// The plaintext, to be sealed.
    consuming func plaintext() -> Secret { fields.takeAll() }
}
