// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let hubspot = Self(
        name: "hubspot",
        routes: [
            .authorize("app.hubspot.com/oauth/authorize"),
            .token("api.hubapi.com/oauth/2026-03/token"),
            .token("api.hubapi.com/oauth/v1/token"),
            .token("api.hubapi.com/oauth/v3/token"),
            .revoke(
                "api.hubapi.com/oauth/2026-03/token/revoke",
                Revocation(credential: .client([.post]), takes: [.refresh: .grant])),
            .revoke(
                "api.hubapi.com/oauth/v1/refresh-tokens/{token}", methods: ["DELETE"],
                Revocation(
                    credential: .nothing, body: [.nothing], takes: [.refresh: .grant],
                    ok: Outcome(204))),
            .introspect(
                "api.hubapi.com/oauth/2026-03/token/introspect",
                Introspection(
                    credential: .client([.post]),
                    living: [
                        "active": true, "hub_id": .number("{account}"), "user": "{user}",
                        "scopes": .scopes,
                    ], dead: ["active": false])),
        ],
        proof: .ignored,
        parts: [Part(accessBytes: 240)],
        accessLifetime: 1800,
        rotation: .never(repeats: true),
        sharesGrant: true,
        reply: [
            "token_type": "bearer", "refresh_token": "{refresh_token}",
            "access_token": "{access_token}", "expires_in": .number("{expires_in}"),
            "hub_id": .number("{account}"), "user_id": .number("{account}"), "scopes": .scopes,
        ],
        answers: [
            .own(
                .grantLost, 400, "BAD_REFRESH_TOKEN",
                [
                    "status": "BAD_REFRESH_TOKEN", "message": "missing or unknown refresh token",
                    "correlationId": "{guid}",
                ], on: [.lost], confidence: .medium),
            .plain(.grantLost, 400, "invalid_grant", on: [.endedGrant], confidence: .medium),
            .own(
                .grantLost, 400, "invalid_request",
                ["error": "invalid_request", "status": "BAD_REFRESH_TOKEN"], confidence: .medium),
        ],
        doubts: [.connect: .medium, .tokenShape: .medium],
        absent: [.looksLost: "section 5 names none"],
        notPlayed: ["id_token: not asked for"],
        assumed: [
            "an ended token is invalid_grant, an unknown one BAD_REFRESH_TOKEN",
            "a dead token at the revocation is a success",
            "a token in the path needs no client",
        ])
}
