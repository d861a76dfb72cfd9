// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Ledger {
    /// What a consent gives: for each part that was asked for, a grant and its first tokens.
    struct Issue: Sendable {
        var grants: [Int] = []
        var variables: [String: String] = [:]
    }

    /// Makes the grants of a consent.
    mutating func openGrants(
        _ consent: Consent, user: String, client: ProviderSimulator.Client, way: Way,
        token: Form
    ) -> Issue {
        let provider = consent.provider
        let asked = provider.parts.filter {
            !($0.scopes(in: consent.parameters, of: provider).isEmpty)
        }
        var issue = Issue()
        for part in asked.isEmpty ? Array(provider.parts.prefix(1)) : asked {
            let scope = part.scopes(in: consent.parameters, of: provider).joined(separator: " ")
            let keeps = keepsOffline(consent, user: user, client: client, token: token)
            let shared = provider.sharesGrant ? living(user, client, provider).last : nil
            let grant: Int
            if let shared {
                grant = shared
            } else {
                makeRoom(user, client, provider, scope: scope)
                grant = grants.count
                let played = Played(
                    provider: provider, part: part, variables: consent.variables, opened: now,
                    byProofOnly: way == .proofOnly,
                    accessLifetime: lifetime(provider, token, keeps: keeps),
                    refreshLife: refreshLife(provider, token))
                grants.append(Grant(clientID: client.id, user: user, scope: scope))
                grants[grant].played = played
            }
            let access = giveAccess(for: grant, scope: scope)
            var given = variables(of: grant).merging(access) { $1 }
            if let shared, let current = grants[shared].refreshTokens.last {
                given.merge(refreshVariables(current)) { $1 }
            } else if keeps {
                given.merge(giveRefresh(for: grant)) { $1 }
            }
            issue.grants.append(grant)
            // What is the same in every part is there without a prefix, too.
            for (name, value) in given {
                issue.variables[part.variablePrefix + name] = value
            }
            for name in ["user", "account", "guid", "client_id", "now", "now_ms", "timestamp"] {
                issue.variables[name] = given[name]
            }
        }
        return issue
    }

    /// Makes a grant as if everything had been asked for.
    mutating func mintPlayed(
        _ provider: ProviderSimulator.Provider, user: String,
        client: ProviderSimulator.Client, scope: String
    ) -> ProviderSimulator.MintedGrant {
        var asked = [(name: "scope", value: scope)]
        var token: [(name: String, value: String)] = []
        switch provider.offline {
        case .always, .never: break
        case .scope(let names):
            let joined = ([scope] + names.sorted().prefix(1)).filter { !$0.isEmpty }
            asked = [("scope", joined.joined(separator: " "))]
        case .parameter(let name, let value, let again):
            asked += [(name, value)] + (again.map { [$0] } ?? [])
        case .tokenParameter(let name, let value): token = [(name, value)]
        }
        var variables = provider.defaults
        if let host = provider.hosts.first { variables["host"] = host }
        let consent = Consent(
            provider: provider, variables: variables, parameters: Form(fields: asked))
        let issue = openGrants(
            consent, user: user, client: client, way: .post, token: Form(fields: token))
        let lifetime = issue.variables["expires_in"].flatMap { Int($0) }
        return ProviderSimulator.MintedGrant(
            grant: issue.grants[0], user: user,
            accessToken: issue.variables["access_token"] ?? "",
            refreshToken: issue.variables["refresh_token"] ?? "",
            accessLifetime: lifetime.map { .seconds($0) }
                ?? ProviderSimulator.Settings.durationMax)
    }

    /// What is known of a grant without looking at its tokens.
    func variables(of grant: Int) -> [String: String] {
        let record = grants[grant]
        guard let played = record.played else { return [:] }
        var variables = played.variables
        variables.merge(Variables.make(user: record.user, client: record.clientID)) { $1 }
        variables["grant_guid"] = Variables.guid("\(record.user) \(grant)")
        variables["scope"] = joined(record.scope, played.provider)
        for (name, template) in played.part.variables {
            variables[name] = Shape.fill(template, variables)
        }
        return variables
    }

    /// Issues an access token, and the variables that tell of it.
    mutating func giveAccess(
        for grant: Int, scope: String, lifetime: Int? = nil
    ) -> [String: String] {
        guard let played = grants[grant].played else { return [:] }
        let random = RandomText.make(
            marker: settings.tokenMarker, kind: "at",
            bytes: max(settings.tokenBytes, played.part.accessBytes))
        var token = played.part.accessPrefix + random
        if let claims = played.part.claims?.json(variables(of: grant)) {
            let parts = [#"{"alg":"RS256","typ":"JWT"}"#, claims].map { Data($0.utf8).base64URL }
            token = parts.joined(separator: ".") + "." + random
        }
        let lifetime = lifetime ?? played.accessLifetime
        let length = lifetime.map { Duration.seconds($0) }
        keepAccessToken(
            token, for: grant, scope: scope,
            length ?? ProviderSimulator.Settings.durationMax)
        var variables = ["access_token": token, "scope": joined(scope, played.provider)]
        if let lifetime { variables["expires_in"] = String(lifetime) }
        return variables
    }

    /// Issues a refresh token, and the variables that tell of it.
    mutating func giveRefresh(for grant: Int) -> [String: String] {
        let prefix = grants[grant].played?.part.refreshPrefix ?? ""
        let token = prefix + randomText("rt")
        keepRefreshToken(token, for: grant, expires: refreshExpiry(of: grant))
        return refreshVariables(token)
    }

    /// When a refresh token issued or used now ends.
    func refreshExpiry(of grant: Int) -> ContinuousClock.Instant? {
        guard let played = grants[grant].played else { return nil }
        let ends = [
            played.refreshLife.idle.map { now + .seconds($0) },
            played.refreshLife.absolute.map { played.opened + .seconds($0) },
        ]
        return ends.compactMap(\.self).min()
    }

    /// The variables that tell of a refresh token.
    func refreshVariables(_ token: String) -> [String: String] {
        var variables = ["refresh_token": token]
        if let expires = refreshTokens[token]?.expires {
            let left = expires - now
            // A second that has just begun is a whole one.
            let part = left.components.attoseconds > 0 ? 1 : 0
            variables["refresh_expires_in"] = String(Int(left.components.seconds) + part)
        }
        return variables
    }

    private func joined(_ scope: String, _ provider: ProviderSimulator.Provider) -> String {
        scope.split(separator: " ").joined(separator: provider.scopeJoiner)
    }

    private func keepsOffline(
        _ consent: Consent, user: String, client: ProviderSimulator.Client, token: Form
    ) -> Bool {
        let provider = consent.provider
        switch provider.offline {
        case .always: return true
        case .never: return false
        case .scope(let names):
            return provider.parts.contains {
                !names.isDisjoint(with: $0.scopes(in: consent.parameters, of: provider))
            }
        case .parameter(let name, let value, let again):
            guard consent.parameters[name] == value else { return false }
            guard let again, !living(user, client, provider).isEmpty else { return true }
            return consent.parameters[again.name] == again.value
        case .tokenParameter(let name, let value):
            return token[name] == value
        }
    }

    private func lifetime(
        _ provider: ProviderSimulator.Provider, _ token: Form, keeps: Bool
    ) -> Int? {
        if case .tokenParameter = provider.offline, !keeps { return nil }
        if provider.askedLifetimes != nil, let asked = token["expires_in"].flatMap({ Int($0) }) {
            return asked
        }
        return provider.accessLifetime
    }

    private func refreshLife(_ provider: ProviderSimulator.Provider, _ token: Form) -> RefreshLife {
        var life = provider.refreshLife
        if provider.askedLifetimes != nil,
            let asked = token["refresh_token_expires_in"].flatMap({ Int($0) })
        {
            life.idle = asked
        }
        return life
    }

    /// The living grants of a person with this client and provider, oldest first.
    private func living(
        _ user: String, _ client: ProviderSimulator.Client, _ provider: ProviderSimulator.Provider
    ) -> [Int] {
        guard provider.sharesGrant || provider.grantsMax != nil || provider.countsConsents else {
            return []
        }
        return grants.indices.filter {
            grants[$0].user == user && grants[$0].clientID == client.id
                && grants[$0].end == nil && grants[$0].played?.provider.name == provider.name
        }
    }

    private mutating func makeRoom(
        _ user: String, _ client: ProviderSimulator.Client,
        _ provider: ProviderSimulator.Provider, scope: String
    ) {
        guard let most = provider.grantsMax else { return }
        let living = living(user, client, provider).filter {
            !provider.grantsMaxCountsScopes || grants[$0].scope == scope
        }
        for grant in living.dropLast(most - 1) { endGrant(grant, .revoked) }
    }
}

extension Part {
    /// The scopes asked for.
    func scopes(in parameters: Form, of provider: ProviderSimulator.Provider) -> [String] {
        (parameters[scopeParameter] ?? "").split { provider.scopeSeparators.contains($0) }
            .map(String.init)
    }
}

extension ProviderSimulator.Provider {
    /// Whether it matters that a person consented before.
    fileprivate var countsConsents: Bool {
        if case .parameter(_, _, let again) = offline { again != nil } else { false }
    }
}
