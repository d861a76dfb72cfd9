// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let xero = Self(
        name: "xero",
        routes: [
            .authorize("login.xero.com/identity/connect/authorize"),
            .token("identity.xero.com/connect/token"),
            .revoke(
                "identity.xero.com/connect/revocation",
                Revocation(
                    credential: .client([.basic, .post]),
                    takes: [.refresh: .all(same: "user")])),
            .lookUp(
                "api.xero.com/connections",
                [
                    [
                        "id": "{grant_guid}", "authEventId": "{grant_guid}",
                        "tenantId": "{guid}", "tenantType": "ORGANISATION",
                        "tenantName": "Practice",
                    ]
                ]),
            .revoke(
                "api.xero.com/connections/{grant_guid}", methods: ["DELETE"],
                Revocation(
                    credential: .bearer, body: [.nothing], takes: [.access: .grant],
                    ok: Outcome(204))),
        ],
        ways: [.basic, .post, .proofOnly],
        parts: [
            Part(
                claims: [
                    "iss": "https://identity.xero.com", "client_id": "{client_id}",
                    "authentication_event_id": "{grant_guid}",
                ])
        ],
        offline: .scope(["offline_access"]),
        accessLifetime: 1800,
        refreshLife: RefreshLife(idle: 60 * 86_400),
        rotation: .always(grace: 1800),
        reply: [
            "access_token": "{access_token}", "expires_in": .number("{expires_in}"),
            "token_type": "Bearer", "refresh_token": "{refresh_token}", "scope": "{scope}",
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", on: [.lost]),
            .own(
                .rateLimit, 429, "rate_limit", ["error": "too_many_requests"],
                headers: ["Retry-After": "30"], confidence: .unverified),
        ],
        absent: [.looksLost: "section 5 names none"],
        notPlayed: ["id_token: not asked for", "the signature of the token: nobody checks it"],
        assumed: [
            "in its grace an old token is answered with the current one",
            "a connection that is deleted ends its grant",
        ])
}
