// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let notion = Self(
        name: "notion",
        routes: [
            .authorize("api.notion.com/v1/oauth/authorize"),
            .token("api.notion.com/v1/oauth/token"),
            .revoke(
                "api.notion.com/v1/oauth/revoke", headers: ["Notion-Version"],
                Revocation(
                    credential: .client([.basic]), body: [.json], takes: [.access: .grant],
                    ok: Outcome(200, ["request_id": "{grant_guid}"]),
                    unknown: Outcome(200, ["request_id": "unknown"]))),
            .introspect(
                "api.notion.com/v1/oauth/introspect",
                Introspection(
                    credential: .client([.basic]), body: [.json],
                    living: ["active": true, "request_id": "{grant_guid}"],
                    dead: ["active": false])),
        ],
        authorizeParameters: ["owner": "user"],
        proof: .ignored,
        ways: [.basic],
        bodies: [.json],
        parts: [Part(accessPrefix: "ntn_", refreshPrefix: "nrt_")],
        accessLifetime: nil,
        rotation: .always(grace: 0),
        refreshEndsAccess: true,
        reply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "refresh_token": .orNull("{refresh_token}"), "bot_id": "{grant_guid}",
            "workspace_id": "{guid}", "workspace_name": "Practice", "workspace_icon": .null,
            "owner": ["type": "user", "user": ["object": "user", "id": "{guid}"]],
            "duplicated_template_id": .null, "request_id": "{grant_guid}",
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", on: [.lost], confidence: .medium),
            .own(
                .rateLimit, 429, "rate_limited",
                ["object": "error", "status": 429, "code": "rate_limited"],
                headers: ["Retry-After": "1"], confidence: .medium),
        ],
        doubts: [
            .connect: .medium, .expiry: .medium, .refresh: .medium, .rotation: .medium,
        ],
        absent: [.looksLost: "section 5 names none"],
        notPlayed: ["refresh_token null: nothing says which app is given none"],
        assumed: [
            "a revoked access token ends its refresh token",
            "a dead token at the revocation is a success",
            "only the revocation asks for Notion-Version",
        ])
}
