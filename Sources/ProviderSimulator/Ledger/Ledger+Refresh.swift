// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Refreshes (RFC 6749 section 6): judges the refresh token, rotates it if that is the
    /// setting, and ends the grant where an old token betrays that two parties hold it.
    mutating func refresh(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        do {
            return try judgeRefresh(form, client: client)
        } catch {
            counters.refreshesFailed += 1
            throw error
        }
    }

    private mutating func judgeRefresh(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        guard let token = form["refresh_token"], !token.isEmpty else {
            throw OAuthError("invalid_request", "refresh_token is missing")
        }
        guard let record = refreshTokens[token] else {
            throw OAuthError("invalid_grant", "unknown refresh token")
        }
        let grant = record.grant
        guard grants[grant].clientID == client.id else {
            throw refused(grant, record, "the refresh token belongs to another client")
        }
        guard grants[grant].end == nil else {
            throw refused(grant, record, "the grant has ended")
        }
        if let expires = record.expires, expires <= now {
            throw refused(grant, record, "the refresh token has expired")
        }
        let scope = form["scope"].flatMap { $0.isEmpty ? nil : $0 } ?? grants[grant].scope
        guard isSubset(scope, of: grants[grant].scope) else {
            note(grant, record, .refused)
            throw OAuthError("invalid_scope", "more than was granted")
        }
        if let superseded = record.superseded {
            return try answerOld(record, superseded: superseded, scope: scope)
        }
        note(grant, record, .refreshed)
        var reply = issueAccessToken(for: grant, scope: scope, settings.accessLifetime)
        if settings.rotation != .none {
            reply.refreshToken = issueRefreshToken(for: grant)
            reply.refreshLifetime = settings.refreshLifetime
        }
        grants[grant].refreshes += 1
        counters.refreshes += 1
        return reply
    }

    /// An old refresh token: within its grace and directly before the current one, it is answered
    /// with the current one, because the reply that carried that may have been lost.
    private mutating func answerOld(
        _ record: RefreshToken, superseded: ContinuousClock.Instant, scope: String
    ) throws(OAuthError) -> TokenReply {
        let grant = record.grant
        if case .rotating(let grace) = settings.rotation, now < superseded + grace,
            record.generation + 1 == grants[grant].generation,
            let current = grants[grant].refreshTokens.last
        {
            note(grant, record, .inGrace)
            counters.refreshesInGrace += 1
            grants[grant].refreshes += 1
            counters.refreshes += 1
            var reply = issueAccessToken(for: grant, scope: scope, settings.accessLifetime)
            reply.refreshToken = current
            reply.refreshLifetime = refreshTokens[current]?.expires.map { $0 - now }
            return reply
        }
        note(grant, record, .reused)
        counters.reuseDetected += 1
        endGrant(grant, .refreshTokenReused)
        throw OAuthError("invalid_grant", "an old refresh token was used: the grant has ended")
    }

    private mutating func refused(
        _ grant: Int, _ record: RefreshToken, _ why: StaticString
    ) -> OAuthError {
        note(grant, record, .refused)
        return OAuthError("invalid_grant", why)
    }

    /// Writes a refresh request into the journal, if one is kept.
    mutating func note(
        _ grant: Int, _ record: RefreshToken,
        _ outcome: ProviderSimulator.JournalEntry.Outcome
    ) {
        guard settings.keepsJournal, journal.count < Ledger.journalMax else { return }
        let ordinal =
            settings.rotation == .none ? grants[grant].refreshes : record.generation
        journal.append(
            ProviderSimulator.JournalEntry(grant: grant, ordinal: ordinal, outcome: outcome))
    }

    private func isSubset(_ scope: String, of granted: String) -> Bool {
        // Almost every refresh asks for exactly what it was granted.
        if scope == granted { return true }
        let granted = Set(granted.split(separator: " "))
        return scope.split(separator: " ").allSatisfy(granted.contains)
    }
}
