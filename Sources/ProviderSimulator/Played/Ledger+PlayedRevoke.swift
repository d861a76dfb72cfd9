// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Revokes a token as a provider that is played does.
    mutating func playRevoke(
        _ request: PlayedRequest, _ revocation: Revocation
    ) throws(Cause) -> (outcome: Outcome, variables: [String: String]) {
        try request.check(bodies: revocation.body)
        let provider = request.provider
        var client: ProviderSimulator.Client?
        if case .client(let ways) = revocation.credential {
            do throws(Cause) {
                client = try identify(request, ways).client
            } catch {
                guard let outcome = revocation.wrongClient, error != .twoWays else { throw error }
                return (outcome, request.variables)
            }
        }
        let own = request.token(in: revocation.credential)
        let value =
            own ?? request.variables[revocation.field]
            ?? request.parameters[revocation.field]
        guard let value, !value.isEmpty else {
            throw client == nil && !revocation.isOpen ? .unknownAccess : .malformed
        }
        let cause: Cause
        do throws(Cause) {
            let (grant, reach) = try target(value, revocation, provider)
            guard client == nil || grants[grant].clientID == client?.id else {
                throw Cause.unknownAccess
            }
            let known = request.variables.merging(variables(of: grant)) { $1 }
            if let rehearsal = revocation.rehearsal,
                request.parameters[rehearsal.name] == rehearsal.value
            {
                return (revocation.ok, known)
            }
            counters.revocations += 1
            end(grant, token: value, reach: reach)
            return (revocation.ok, known)
        } catch {
            cause = error
        }
        guard own == nil else { throw cause }
        return (revocation.unknown ?? revocation.ok, request.variables)
    }

    /// The grant that is meant, and how much of it ends.
    private func target(
        _ value: String, _ revocation: Revocation, _ provider: ProviderSimulator.Provider
    ) throws(Cause) -> (Int, Revocation.Reach) {
        if let reach = revocation.takes[.variable] {
            let grant = grants.indices.first {
                grants[$0].end == nil && grants[$0].played?.provider.name == provider.name
                    && variables(of: $0)[revocation.field] == value
            }
            guard let grant else { throw .unknownAccess }
            return (grant, reach)
        }
        if let reach = revocation.takes[.refresh], let record = livingRefreshToken(value),
            grants[record.grant].played?.provider.name == provider.name
        {
            return (record.grant, reach)
        }
        guard let reach = revocation.takes[.access] else { throw .unknownAccess }
        return (try livingAccess(value, provider).grant, reach)
    }

    private mutating func end(_ grant: Int, token: String, reach: Revocation.Reach) {
        switch reach {
        case .grant: endGrant(grant, .revoked)
        case .token:
            accessTokens[token] = nil
            grants[grant].accessTokens.removeAll { $0 == token }
            refreshTokens[token] = nil
            grants[grant].refreshTokens.removeAll { $0 == token }
        case .all(let name):
            let (client, provider) = (grants[grant].clientID, grants[grant].played?.provider.name)
            let value = variables(of: grant)[name]
            for other in grants.indices
            where grants[other].clientID == client && grants[other].end == nil
                && grants[other].played?.provider.name == provider
                && variables(of: other)[name] == value
            {
                endGrant(other, .revoked)
            }
        }
    }

    /// Whom an access token belongs to.
    func lookUp(
        _ request: PlayedRequest, _ credential: Credential
    ) throws(Cause) -> [String: String] {
        guard let token = request.token(in: credential) else { throw .unknownAccess }
        return told(of: try livingAccess(token, request.provider), token: token)
    }

    /// What is told about a token; nil where it is dead.
    mutating func playIntrospection(
        _ request: PlayedRequest, _ introspection: Introspection
    ) throws(Cause) -> [String: String]? {
        try request.check(bodies: introspection.body)
        if case .client(let ways) = introspection.credential {
            _ = try identify(request, ways)
        } else if case .bearer = introspection.credential {
            guard request.token(in: .bearer) != nil else { throw .unknownAccess }
        }
        let own = request.token(in: introspection.credential)
        guard let token = request.parameters[introspection.field] ?? own else { throw .malformed }
        let record: AccessToken
        do throws(Cause) {
            record = try livingAccess(token, request.provider)
        } catch {
            if let refresh = livingRefreshToken(token) {
                return variables(of: refresh.grant).merging(refreshVariables(token)) { $1 }
            }
            guard introspection.dead == nil else { return nil }
            throw error
        }
        return told(of: record, token: token)
    }

    private func told(of record: AccessToken, token: String) -> [String: String] {
        let left = Int((record.expires - now).components.seconds)
        return variables(of: record.grant).merging([
            "access_token": token, "scope": record.scope, "expires_in": String(left),
            "exp": String(WallClock.unixSeconds + left),
        ]) { $1 }
    }
}

extension Revocation {
    /// Whether nobody has to prove anything.
    fileprivate var isOpen: Bool {
        if case .nothing = credential { true } else { false }
    }
}
