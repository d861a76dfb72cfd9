// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation

extension Ledger {
    /// Answers a token request of a provider that is played.
    mutating func giveTokens(
        _ request: PlayedRequest
    ) throws(Cause) -> (shape: Shape, variables: [String: String]) {
        let (provider, parameters) = (request.provider, request.parameters)
        try request.check(bodies: provider.bodies)
        let (client, way) = try identify(request, provider.ways)
        let type = parameters["grant_type"]
        if let exchange = provider.exchange, type == exchange.grantType {
            return (
                provider.refreshReply ?? provider.reply,
                try counted { ledger throws(Cause) in
                    try ledger.exchangeAccess(parameters, exchange, client: client, provider)
                }
            )
        }
        if type == "refresh_token", provider.exchange == nil {
            return (
                provider.refreshReply ?? provider.reply,
                try counted { ledger throws(Cause) in
                    try ledger.playRefresh(parameters, client: client, way: way, provider)
                }
            )
        }
        let isCode = type == nil && !provider.needsGrantType && parameters["code"] != nil
        guard type == "authorization_code" || isCode else {
            throw type == nil ? .malformed : .unsupportedGrant
        }
        do throws(Cause) {
            let variables = try playCode(parameters, client: client, way: way, provider)
            counters.codeExchanges += 1
            return (provider.reply, variables)
        } catch {
            counters.codeExchangesFailed += 1
            throw error
        }
    }

    private mutating func counted(
        _ body: (inout Ledger) throws(Cause) -> [String: String]
    ) throws(Cause) -> [String: String] {
        do throws(Cause) {
            let variables = try body(&self)
            counters.refreshes += 1
            return variables
        } catch {
            counters.refreshesFailed += 1
            throw error
        }
    }

    private mutating func playCode(
        _ parameters: Form, client: ProviderSimulator.Client, way: Way,
        _ provider: ProviderSimulator.Provider
    ) throws(Cause) -> [String: String] {
        guard let code = parameters["code"] else { throw .malformed }
        guard let record = codes[code], record.clientID == client.id,
            let consent = record.consent, consent.provider.name == provider.name
        else { throw .badCode }
        guard case .unused = record.use else {
            counters.codesReused += 1
            throw .codeUsed
        }
        guard record.expires > now else { throw .badCode }
        try provider.check(lifetimes: parameters)
        codes[code]?.use = .spoiled
        // A redirect URI is no part of a few providers' token requests, but never a wrong one.
        guard
            parameters["redirect_uri"] == record.redirectURI
                || parameters["redirect_uri"] == nil && !provider.codeNeedsRedirectURI
        else { throw .redirectMismatch }
        let verifier = parameters["code_verifier"]
        switch provider.proof {
        case .ignored: break
        case .refused: guard verifier == nil, record.challenge == nil else { throw .proofRefused }
        case .verified:
            guard verifies(verifier, record.challenge) else { throw .badVerifier }
            guard way != .proofOnly || client.secret == nil || record.challenge != nil else {
                throw .wrongSecret
            }
        }
        let issue = openGrants(
            consent, user: record.user, client: client, way: way, token: parameters)
        codes[code]?.use = .exchanged(grant: issue.grants[0])
        return issue.variables
    }

    private mutating func playRefresh(
        _ parameters: Form, client: ProviderSimulator.Client, way: Way,
        _ provider: ProviderSimulator.Provider
    ) throws(Cause) -> [String: String] {
        guard let token = parameters["refresh_token"], !token.isEmpty else { throw .malformed }
        guard let record = refreshTokens[token],
            let played = grants[record.grant].played, played.provider.name == provider.name,
            grants[record.grant].clientID == client.id
        else { throw .unknownRefresh }
        let grant = record.grant
        func refused(_ cause: Cause, _ ledger: inout Ledger) -> Cause {
            ledger.note(grant, record, .refused)
            return cause
        }
        guard way != .proofOnly || played.byProofOnly else { throw refused(.wrongSecret, &self) }
        guard grants[grant].end == nil else { throw refused(.endedGrant, &self) }
        if let expires = record.expires, expires <= now {
            throw refused(.expiredRefresh, &self)
        }
        if provider.refreshNeedsRedirectURI {
            guard let uri = parameters["redirect_uri"], client.redirectURIs.contains(uri) else {
                throw refused(.malformed, &self)
            }
        }
        let scope = try narrowed(parameters["scope"], grant, provider)
        var given = variables(of: grant)
        if provider.refreshEndsAccess, record.superseded == nil { endAccessTokens(of: grant) }
        given.merge(try rotate(token, record, provider)) { $1 }
        given.merge(giveAccess(for: grant, scope: scope)) { $1 }
        grants[grant].refreshes += 1
        return given
    }

    /// Does to the refresh token what the provider does, and tells what the reply says of it.
    private mutating func rotate(
        _ token: String, _ record: RefreshToken, _ provider: ProviderSimulator.Provider
    ) throws(Cause) -> [String: String] {
        let grant = record.grant
        if let superseded = record.superseded, !provider.keepsOldRefreshTokens {
            guard case .always(let grace) = provider.rotation,
                now < superseded + .seconds(grace),
                record.generation + 1 == grants[grant].generation,
                let current = grants[grant].refreshTokens.last
            else {
                note(grant, record, .reused)
                counters.reuseDetected += 1
                throw .supersededRefresh
            }
            note(grant, record, .inGrace)
            counters.refreshesInGrace += 1
            return refreshVariables(current)
        }
        note(grant, record, .refreshed)
        switch provider.rotation {
        case .always, .keepsOld: return giveRefresh(for: grant)
        case .whenOlder(let age) where record.issued + .seconds(age) <= now:
            return giveRefresh(for: grant)
        case .whenOlder, .never(repeats: true):
            keepAlive(token, of: grant)
            return refreshVariables(token)
        case .never(repeats: false):
            keepAlive(token, of: grant)
            return [:]
        }
    }

    /// A refresh token that stays is used from now on.
    private mutating func keepAlive(_ token: String, of grant: Int) {
        let expires = refreshExpiry(of: grant)
        refreshTokens[token]?.expires = expires
    }

    private mutating func exchangeAccess(
        _ parameters: Form, _ exchange: AccessExchange, client: ProviderSimulator.Client,
        _ provider: ProviderSimulator.Provider
    ) throws(Cause) -> [String: String] {
        guard let token = parameters[exchange.parameter], !token.isEmpty else { throw .malformed }
        let record: AccessToken
        do throws(Cause) {
            record = try livingAccess(token, provider)
        } catch {
            // An exchange is this provider's refresh, and refused in the words of one.
            switch error {
            case .endedAccess: throw .endedGrant
            case .unknownAccess: throw .unknownRefresh
            default: throw .expiredRefresh
            }
        }
        guard grants[record.grant].clientID == client.id else { throw .unknownRefresh }
        grants[record.grant].refreshes += 1
        return variables(of: record.grant).merging(
            giveAccess(for: record.grant, scope: record.scope, lifetime: exchange.lifetime)
        ) { $1 }
    }

    /// The access token, if it works at this provider.
    func livingAccess(
        _ token: String, _ provider: ProviderSimulator.Provider
    ) throws(Cause) -> AccessToken {
        guard let record = accessTokens[token],
            grants[record.grant].played?.provider.name == provider.name
        else { throw .unknownAccess }
        guard grants[record.grant].end == nil else { throw .endedAccess }
        guard record.expires > now else { throw .deadAccess }
        return record
    }

    private func narrowed(
        _ asked: String?, _ grant: Int, _ provider: ProviderSimulator.Provider
    ) throws(Cause) -> String {
        let asked = (asked ?? "").split { provider.scopeSeparators.contains($0) }
        guard !asked.isEmpty else { return grants[grant].scope }
        let granted = Set(grants[grant].scope.split(separator: " "))
        guard asked.allSatisfy(granted.contains) else { throw .moreScope }
        return asked.joined(separator: " ")
    }
}

extension ProviderSimulator.Provider {
    fileprivate var keepsOldRefreshTokens: Bool {
        if case .keepsOld = rotation { true } else { false }
    }

    /// Fails where a client asks for a lifetime that is not given.
    fileprivate func check(lifetimes parameters: Form) throws(Cause) {
        guard let asked = askedLifetimes else { return }
        for (name, range) in [
            ("expires_in", asked.access), ("refresh_token_expires_in", asked.refresh),
        ] {
            guard let text = parameters[name] else { continue }
            guard let seconds = Int(text), range.contains(seconds) else { throw .malformed }
        }
    }
}
