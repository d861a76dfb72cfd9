// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let slack = Self(
        name: "slack",
        routes: [
            .authorize("slack.com/oauth/v2/authorize"),
            .token("slack.com/api/oauth.v2.access"),
            .token("slack.com/api/oauth.v2.user.access"),
            .revoke(
                "slack.com/api/auth.revoke", methods: ["POST", "GET"],
                Revocation(
                    credential: .bearer, body: [.form, .nothing], takes: [.access: .grant],
                    ok: Outcome(200, ["ok": true, "revoked": true]),
                    rehearsal: ("test", "1"))),
        ],
        scopeSeparators: [","],
        proof: .refused,
        ways: [.basic, .post],
        parts: [
            Part(
                accessPrefix: "xoxe.xoxb-", refreshPrefix: "xoxe-1-",
                variables: ["token_type": "bot", "bot_user_id": "U{account}"]),
            Part(
                scopeParameter: "user_scope", variablePrefix: "user_",
                accessPrefix: "xoxe.xoxp-", refreshPrefix: "xoxe-1-",
                variables: ["token_type": "user"]),
        ],
        accessLifetime: 43_200,
        rotation: .always(grace: 0),
        scopeJoiner: ",",
        reply: shape([
            ("id", "U{account}"), ("scope", "{user_scope}"),
            ("access_token", "{user_access_token}"), ("token_type", "{user_token_type}"),
            ("refresh_token", "{user_refresh_token}"),
            ("expires_in", .number("{user_expires_in}")),
        ]),
        refreshReply: shape([("id", "U{account}")]),
        answers: [
            .failed("invalid_refresh_token", .grantLost, on: [.lost]),
            .failed("token_revoked", .grantLost, on: [.endedGrant, .endedAccess]),
            .failed("token_expired", .grantLost, on: [.expiredRefresh]),
            .own(
                .rateLimit, 429, "ratelimited", ["ok": false, "error": "ratelimited"],
                headers: ["Retry-After": "30"]),
            .failed("internal_error", .temporary),
            .failed("fatal_error", .temporary),
            .failed("service_unavailable", .temporary),
            .failed("bad_client_secret", .wrongSecret, on: [.wrongSecret]),
            .failed("invalid_client_id", .wrongSecret, on: [.unknownClient]),
            .failed("bad_redirect_uri", .refused, on: [.redirectMismatch]),
            .failed("oauth_authorization_url_mismatch", .refused),
            .failed("invalid_grant_type", .refused, on: [.unsupportedGrant]),
            .failed("invalid_code", .refused, on: [.badCode]),
            .failed("pkce_not_allowed", .refused, on: [.proofRefused]),
            .failed("invalid_auth", .refused, on: [.deadAccess]),
            .failed(
                "invalid_arguments", .refused, on: [.malformed, .moreScope], confidence: .unverified
            ),
        ],
        notPlayed: [
            "apps.uninstall and oauth.v2.exchange: not of the flow",
            "incoming_webhook: no scope is asked for that gives one",
        ],
        assumed: [
            "a revoked access token ends its refresh token, and no other",
            "malformed requests are told invalid_arguments",
            "a verifier is refused at the token endpoint, not before",
        ])

    /// An app without token rotation: no expiry and no refresh token.
    static let slackWithoutRotation: Self = {
        var provider = slack
        provider.variant("without-rotation")
        provider.offline = .never
        provider.accessLifetime = nil
        provider.parts[0].accessPrefix = "xoxb-"
        provider.parts[1].accessPrefix = "xoxp-"
        let reason = "section 4: without rotation there is no refresh token"
        for subject in [Subject.refresh, .rotation, .expiry, .grantLost, .looksLost] {
            provider.absent[subject] = reason
        }
        return provider
    }()

    private static func shape(_ person: [(String, Shape)]) -> Shape {
        [
            "ok": true, "access_token": "{access_token}", "token_type": "{token_type}",
            "scope": "{scope}", "bot_user_id": "{bot_user_id}", "app_id": "A{account}",
            "expires_in": .number("{expires_in}"), "refresh_token": "{refresh_token}",
            "team": ["id": "T{account}", "name": "Practice"], "enterprise": .null,
            "is_enterprise_install": false, "authed_user": .object(person),
        ]
    }
}

extension ProviderSimulator.Provider.Answer {
    /// Slack says with status 200 that something failed.
    fileprivate static func failed(
        _ error: String, _ meaning: Meaning, on causes: Set<Cause> = [],
        confidence: ProviderSimulator.Provider.Confidence = .high
    ) -> Self {
        .own(
            meaning, 200, error, ["ok": false, "error": .text(error)], on: causes,
            confidence: confidence)
    }
}
