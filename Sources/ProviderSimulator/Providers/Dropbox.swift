// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let dropbox = Self(
        name: "dropbox",
        routes: [
            .authorize("www.dropbox.com/oauth2/authorize"),
            .token("api.dropboxapi.com/oauth2/token"),
            .revoke(
                "api.dropboxapi.com/2/auth/token/revoke",
                Revocation(
                    credential: .bearer, body: [.nothing], takes: [.access: .grant],
                    ok: Outcome(200, .null))),
        ],
        ways: [.post, .basic, .proofOnly],
        parts: [Part(accessPrefix: "sl.")],
        offline: .parameter("token_access_type", "offline", again: nil),
        accessLifetime: 14_400,
        reply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "expires_in": .number("{expires_in}"), "refresh_token": "{refresh_token}",
            "scope": "{scope}", "uid": "{account}", "account_id": "dbid:{account}",
        ],
        refreshReply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "expires_in": .number("{expires_in}"),
        ],
        answers: [
            .plain(
                .grantLost, 400, "invalid_grant", "refresh token is invalid or revoked",
                on: [.lost]),
            .plain(
                .grantLost, 400, "invalid_grant", "refresh token is malformed",
                named: "malformed", on: [.unknownRefresh]),
            .own(
                .refused, 401, "expired_access_token",
                [
                    "error_summary": "expired_access_token/..",
                    "error": [".tag": "expired_access_token"],
                ], on: [.deadAccess]),
        ],
        absent: [.looksLost: "section 5 names none"],
        notPlayed: ["team_id instead of account_id: a team's app"],
        assumed: [
            "an unknown token is malformed, an ended one invalid or revoked"
        ])
}
