// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let salesforce = Self(
        name: "salesforce",
        routes: [
            .authorize("{host}/services/oauth2/authorize"),
            .token("{host}/services/oauth2/token"),
            .revoke(
                "{host}/services/oauth2/revoke",
                Revocation(
                    credential: .nothing, takes: [.refresh: .grant, .access: .token],
                    unknown: Outcome(400, ["error": "invalid_token"]))),
            .introspect(
                "{host}/services/oauth2/introspect",
                Introspection(
                    credential: .client([.post]),
                    living: ["active": true, "scope": "{scope}", "exp": .number("{exp}")],
                    dead: ["active": false])),
        ],
        hosts: [
            "login.salesforce.com", "test.salesforce.com", "*.my.salesforce.com", "*.my.site.com",
        ],
        ways: [.post, .basic],
        parts: [Part(accessPrefix: "00D-", refreshPrefix: "5Aep-")],
        offline: .scope(["refresh_token", "offline_access"]),
        accessLifetime: 7200,
        grantsMax: 5,
        reply: [
            "access_token": "{access_token}", "refresh_token": "{refresh_token}",
            "signature": "practice-{grant_guid}", "scope": "{scope}",
            "instance_url": "https://practice.my.salesforce.com",
            "id": "https://{host}/id/00D{account}/005{account}", "token_type": "Bearer",
            "issued_at": "{now_ms}",
        ],
        answers: [
            .plain(
                .grantLost, 400, "invalid_grant", "expired access/refresh token",
                named: "expired", on: [.lost]),
            .plain(.grantLost, 400, "invalid_grant", "inactive user", named: "inactive_user"),
            .plain(
                .grantLost, 400, "invalid_grant", "authentication failure",
                named: "authentication_failure"),
            .own(
                .refused, 401, "INVALID_SESSION_ID",
                [
                    [
                        "message": "Session expired or invalid",
                        "errorCode": "INVALID_SESSION_ID",
                    ]
                ], on: [.deadAccess]),
            .plain(
                .rateLimit, 403, "login_rate_exceeded", "login rate exceeded",
                confidence: .unverified),
        ],
        doubts: [.expiry: .unverified],
        absent: [
            .looksLost: "section 5 names none"
        ],
        notPlayed: [
            "replies as a form or as XML: only on request",
            "unsupported_token_type at the revocation: no case is named",
        ],
        assumed: [
            "a dead token at the revocation gives invalid_token",
            "an access token that is revoked leaves its refresh token alive",
            "five grants a person and app; the facts say four or five",
        ])

    /// An app whose refresh token rotation is on.
    static let salesforceRotating: Self = {
        var provider = salesforce
        provider.variant("rotating")
        provider.rotation = .always(grace: 0)
        return provider
    }()
}
