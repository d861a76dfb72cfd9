// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let asana = Self(
        name: "asana",
        routes: [
            .authorize("app.asana.com/-/oauth_authorize"),
            .token("app.asana.com/-/oauth_token"),
            .revoke(
                "app.asana.com/-/oauth_revoke",
                Revocation(credential: .client([.post]), takes: [.refresh: .grant])),
        ],
        scopeError: "forbidden_scopes",
        rotation: .never(repeats: false),
        reply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "expires_in": .number("{expires_in}"), "refresh_token": "{refresh_token}",
            "data": [
                "id": .number("{account}"), "gid": "{account}", "name": "{user}",
                "email": "{user}@example.com",
            ],
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", on: [.lost], confidence: .medium),
            .own(
                .rateLimit, 429, "rate_limit", ["error": "too_many_requests"],
                headers: ["Retry-After": "30"], confidence: .medium),
        ],
        doubts: [.refresh: .medium, .rotation: .medium],
        absent: [.looksLost: "section 5 names none"],
        assumed: [
            "a refresh token never ends by itself"
        ])
}
