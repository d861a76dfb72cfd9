// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let google = Self(
        name: "google",
        routes: [
            .authorize("accounts.google.com/o/oauth2/v2/auth"),
            .token("oauth2.googleapis.com/token"),
            .revoke(
                "oauth2.googleapis.com/revoke",
                Revocation(
                    credential: .nothing,
                    takes: [.refresh: .all(same: "user"), .access: .all(same: "user")],
                    unknown: Outcome(
                        400,
                        [
                            "error": "invalid_token",
                            "error_description": "Token expired or revoked",
                        ]))),
        ],
        ways: [.post, .basic],
        parts: [Part(accessPrefix: "ya29.", refreshPrefix: "1--")],
        offline: .parameter("access_type", "offline", again: ("prompt", "consent")),
        refreshLife: RefreshLife(idle: 182 * 86_400),
        grantsMax: 100,
        reply: [
            "access_token": "{access_token}", "expires_in": .number("{expires_in}"),
            "refresh_token": "{refresh_token}", "scope": "{scope}", "token_type": "Bearer",
        ],
        answers: [
            .plain(
                .grantLost, 400, "invalid_grant", "Token has been expired or revoked.",
                on: [.lost]),
            .own(
                .grantLost, 400, "invalid_rapt",
                [
                    "error": "invalid_grant", "error_description": "reauth related error",
                    "error_subtype": "invalid_rapt",
                ]),
        ],
        absent: [
            .looksLost: "section 5 names none", .captured: "section 7 names none",
        ],
        notPlayed: [
            "refresh_token_expires_in and the seven days of an app in testing: per app",
            "id_token: not asked for",
        ],
        assumed: [
            "a second consent gives no refresh token without prompt=consent",
            "six months are 182 days",
            "a dead token at the revocation gives invalid_token",
        ])
}
