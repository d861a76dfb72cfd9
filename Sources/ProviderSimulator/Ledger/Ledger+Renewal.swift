// SPDX-License-Identifier: Apache-2.0

extension Ledger {
    /// Exchanges a living access token for the next one, as a provider without refresh tokens does.
    mutating func renew(
        _ form: Form, by exchange: ProviderSimulator.Exchange, client: ProviderSimulator.Client
    ) throws(OAuthError) -> TokenReply {
        guard let token = form[exchange.parameter], !token.isEmpty else {
            counters.refreshesFailed += 1
            throw OAuthError("invalid_request", "the access token is missing")
        }
        guard let record = livingAccessToken(token), grants[record.grant].clientID == client.id
        else {
            counters.refreshesFailed += 1
            throw OAuthError("OAuthException", "the access token is not valid", number: 190)
        }
        grants[record.grant].refreshes += 1
        counters.refreshes += 1
        return issueAccessToken(for: record.grant, scope: record.scope, exchange.lifetime)
    }
}
