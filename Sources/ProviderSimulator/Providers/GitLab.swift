// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let gitlab = Self(
        name: "gitlab",
        routes: [
            .authorize("{host}/oauth/authorize"),
            .token("{host}/oauth/token"),
            .revoke(
                "{host}/oauth/revoke",
                Revocation(
                    credential: .client([.post]), takes: [.refresh: .grant, .access: .token],
                    ok: Outcome(200, .object([])),
                    wrongClient: Outcome(
                        403,
                        [
                            "error": "unauthorized_client",
                            "error_description":
                                "You are not authorized to revoke this token",
                        ]))),
            .lookUp(
                "{host}/oauth/token/info",
                [
                    "resource_owner_id": .number("{account}"), "scope": .scopes,
                    "expires_in": .number("{expires_in}"),
                    "application": ["uid": "{client_id}"],
                ]),
        ],
        hosts: ["gitlab.com"],
        ways: [.post, .basic],
        refreshNeedsRedirectURI: true,
        accessLifetime: 7200,
        rotation: .always(grace: 0),
        refreshEndsAccess: true,
        reply: [
            "access_token": "{access_token}", "token_type": "Bearer",
            "expires_in": .number("{expires_in}"), "refresh_token": "{refresh_token}",
            "scope": "{scope}", "created_at": .number("{now}"),
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", on: [.lost])
        ],
        absent: [
            .looksLost: "section 5 names none", .captured: "section 7 names none",
        ],
        notPlayed: [
            "hosts of one's own: any name; play it alone and it answers under every name"
        ],
        assumed: [
            "a refresh without redirect URI is invalid_request",
            "an access token that is revoked leaves its refresh token alive",
        ])
}
