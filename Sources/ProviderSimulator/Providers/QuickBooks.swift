// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let quickbooks = Self(
        name: "quickbooks",
        routes: [
            .authorize("appcenter.intuit.com/connect/oauth2"),
            .token("oauth.platform.intuit.com/oauth2/v1/tokens/bearer"),
            .revoke(
                "developer.api.intuit.com/v2/oauth2/tokens/revoke",
                Revocation(
                    credential: .client([.basic]), body: [.json],
                    takes: [.refresh: .grant, .access: .grant],
                    unknown: Outcome(400, ["error": "invalid_request"]))),
        ],
        proof: .ignored,
        callback: [("realmId", "{account}")],
        ways: [.basic, .post],
        refreshLife: RefreshLife(idle: 8_726_400, absolute: 5 * 365 * 86_400),
        rotation: .whenOlder(than: 86_400),
        // Numbers, at times texts: one of either.
        reply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "expires_in": .number("{expires_in}"), "refresh_token": "{refresh_token}",
            "x_refresh_token_expires_in": .number("{refresh_expires_in}"),
        ],
        refreshReply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "expires_in": "{expires_in}", "refresh_token": "{refresh_token}",
            "x_refresh_token_expires_in": "{refresh_expires_in}",
        ],
        replyHeaders: ["intuit_tid": "1-{guid}"],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", "Token invalid", on: [.lost]),
            .plain(
                .grantLost, 400, "invalid_grant", "Incorrect or invalid refresh token",
                named: "incorrect_token", confidence: .unverified),
        ],
        doubts: [.grantLost: .high],
        absent: [.looksLost: "section 5 names none"],
        notPlayed: [
            "x_refresh_token_hard_expires_in: only for a header that nobody has to send",
            "discovery documents: no part of the flow",
        ],
        assumed: [
            "a dead token at the revocation gives 400",
            "either kind of token ends the grant there",
            "numbers come as texts at a refresh, and only there",
        ])
}
