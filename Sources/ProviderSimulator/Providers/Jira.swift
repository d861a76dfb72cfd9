// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let jira = Self(
        name: "jira",
        routes: [
            .authorize("auth.atlassian.com/authorize"),
            .token("auth.atlassian.com/oauth/token"),
            .revoke(
                "auth.atlassian.com/oauth/revoke",
                Revocation(credential: .client([.post]), takes: [.refresh: .grant])),
            .lookUp(
                "api.atlassian.com/oauth/token/accessible-resources",
                [
                    [
                        "id": "{guid}", "name": "practice", "scopes": .scopes,
                        "url": "https://practice.atlassian.net",
                        "avatarUrl": "https://practice.atlassian.net/avatar.png",
                    ]
                ]),
        ],
        authorizeParameters: ["audience": "api.atlassian.com"],
        proof: .ignored,
        bodies: [.json, .form],
        offline: .scope(["offline_access"]),
        refreshLife: RefreshLife(idle: 90 * 86_400, absolute: 365 * 86_400),
        rotation: .always(grace: 600),
        reply: [
            "access_token": "{access_token}", "refresh_token": "{refresh_token}",
            "expires_in": .number("{expires_in}"), "scope": "{scope}", "token_type": "Bearer",
        ],
        answers: [
            .plain(
                .grantLost, 403, "invalid_grant", "Unknown or invalid refresh token.",
                on: [.lost]),
            .plain(
                .grantLost, 403, "unauthorized_client", "refresh_token is invalid",
                on: [.endedGrant, .expiredRefresh]),
            .plain(
                .wrongSecret, 401, "access_denied", "Unauthorized", on: [.wrongSecret],
                confidence: .medium),
        ],
        doubts: [.revocation: .low, .expiry: .medium],
        notPlayed: ["Data Center under a host of its own: another product"],
        assumed: [
            "an ended or expired token is unauthorized_client, an unknown one invalid_grant",
            "in its grace an old token is answered with the current one",
        ])
}
