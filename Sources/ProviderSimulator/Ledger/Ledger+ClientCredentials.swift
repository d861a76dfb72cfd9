// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Gives a client a token of its own (RFC 6749 section 4.4): no refresh token goes with it.
    /// Each is a grant by itself, so that the revocation of one ends no other.
    mutating func issueOwn(
        _ form: Form, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        guard client.secret != nil else {
            counters.clientTokensRefused += 1
            throw OAuthError("unauthorized_client", "not registered for this grant type")
        }
        return try issueOwn(asked: form["scope"], client: client, user: client.id)
    }

    /// The same for somebody's token.
    mutating func issueOwn(
        asked: String?, client: ProviderSimulator.Client, user: String
    ) throws(OAuthError) -> TokenReply {
        do throws(OAuthError) {
            let reply = try judgeOwn(asked, client: client, user)
            counters.clientTokens += 1
            return reply
        } catch {
            counters.clientTokensRefused += 1
            throw error
        }
    }

    private mutating func judgeOwn(
        _ asked: String?, client: ProviderSimulator.Client, _ user: String
    ) throws(OAuthError) -> TokenReply {
        guard let scopes = client.ownScopes else {
            throw OAuthError("unauthorized_client", "not registered for this grant type")
        }
        let asked = asked.flatMap { $0.isEmpty ? nil : $0 }
        let scope = asked ?? scopes.sorted().joined(separator: " ")
        guard scope.split(separator: " ").allSatisfy({ scopes.contains(String($0)) }) else {
            throw OAuthError("invalid_scope", "more than the client may have")
        }
        grants.append(Grant(clientID: client.id, user: user, scope: scope))
        var reply = issueAccessToken(
            for: grants.count - 1, scope: scope, settings.accessLifetime)
        if settings.addsRefreshTokens {
            reply.refreshToken = issueRefreshToken(for: grants.count - 1)
        }
        return reply
    }
}
