// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Revokes a token (RFC 7009). An unknown token is a success: it does not work, which is all
    /// that was asked. `token_type_hint` is not needed to find a token here.
    mutating func revoke(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) {
        guard let token = form["token"], !token.isEmpty else {
            throw OAuthError("invalid_request", "token is missing")
        }
        if let record = refreshTokens[token] {
            try require(client, owns: record.grant)
            if grants[record.grant].end == nil { counters.revocations += 1 }
            endGrant(record.grant, .revoked)
        } else if let record = accessTokens[token] {
            try require(client, owns: record.grant)
            counters.revocations += 1
            if settings.revocationCascades {
                endGrant(record.grant, .revoked)
            } else {
                accessTokens[token] = nil
                grants[record.grant].accessTokens.removeAll { $0 == token }
            }
        }
    }

    /// What the server tells about a token (RFC 7662), by name.
    func introspect(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> [String: any Sendable] {
        guard let token = form["token"], !token.isEmpty else {
            throw OAuthError("invalid_request", "token is missing")
        }
        let access = livingAccessToken(token)
        let refresh = livingRefreshToken(token)
        guard let grant = access?.grant ?? refresh?.grant, grants[grant].clientID == client.id
        else { return ["active": false] }
        var members: [String: any Sendable] = [
            "active": true, "scope": access?.scope ?? grants[grant].scope,
            "client_id": grants[grant].clientID, "username": grants[grant].user,
            "sub": grants[grant].user,
        ]
        if access != nil { members["token_type"] = "Bearer" }
        if let expires = access?.expires ?? refresh?.expires {
            members["exp"] = WallClock.unixSeconds + Int((expires - now).components.seconds)
        }
        return members
    }

    private func require(
        _ client: ProviderSimulator.Client, owns grant: Int
    ) throws(OAuthError) {
        guard grants[grant].clientID == client.id else {
            throw OAuthError("unauthorized_client", "the token belongs to another client")
        }
    }
}
