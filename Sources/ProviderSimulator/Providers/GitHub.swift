// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    /// A GitHub App that acts for a person, with tokens that expire.
    static let github = Self(
        name: "github",
        routes: [
            .authorize("{host}/login/oauth/authorize"),
            .token("{host}/login/oauth/access_token"),
            .revoke(
                "api.github.com/applications/{client_id}/token", methods: ["DELETE"],
                removal(.token)),
            .revoke(
                "api.github.com/applications/{client_id}/grant", methods: ["DELETE"],
                removal(.grant)),
        ],
        hosts: ["github.com"],
        scopeSeparators: [" "],
        codeLifetime: .seconds(600),
        needsGrantType: false,
        parts: [Part(accessPrefix: "ghu_", refreshPrefix: "ghr_")],
        accessLifetime: 28_800,
        refreshLife: RefreshLife(idle: 15_811_200),
        rotation: .always(grace: 0),
        refreshEndsAccess: true,
        grantsMax: 10,
        grantsMaxCountsScopes: true,
        format: .formByDefault,
        scopeJoiner: ",",
        reply: [
            "access_token": "{access_token}", "expires_in": .number("{expires_in}"),
            "refresh_token": "{refresh_token}",
            "refresh_token_expires_in": .number("{refresh_expires_in}"), "scope": "",
            "token_type": "bearer",
        ],
        answers: [
            .plain(.grantLost, 200, "bad_refresh_token", on: [.lost]),
            .plain(.wrongSecret, 200, "incorrect_client_credentials", on: [.wrongSecret]),
            .own(
                .rateLimit, 429, "too_many_requests", ["error": "too_many_requests"],
                headers: ["Retry-After": "30"]),
            .plain(.refused, 200, "bad_verification_code", on: [.badCode]),
            .plain(.refused, 200, "redirect_uri_mismatch", on: [.redirectMismatch]),
            .plain(.refused, 200, "unverified_user_email"),
            .plain(
                .refused, 200, "unsupported_grant_type",
                on: [.malformed, .unsupportedGrant, .moreScope], confidence: .unverified),
        ],
        absent: [
            .captured: "section 7 names none"
        ],
        notPlayed: [
            "replies in XML: only for who asks",
            "a fresh token that is refused for a moment: nothing says for how long",
            "hosts of one's own: any name; play it alone and it answers under every name",
        ],
        assumed: [
            "a dead token at the revocation gives 404"
        ])

    /// An OAuth App: its tokens neither expire nor are refreshed.
    static let githubOAuthApp: Self = {
        var provider = github
        provider.variant("oauth-app")
        provider.parts[0].accessPrefix = "gho_"
        provider.offline = .never
        provider.accessLifetime = nil
        provider.reply = [
            "access_token": "{access_token}", "scope": "{scope}", "token_type": "bearer",
        ]
        let reason = "section 4: an OAuth App has no refresh token"
        for subject in [Subject.refresh, .rotation, .expiry, .grantLost, .looksLost] {
            provider.absent[subject] = reason
        }
        return provider
    }()

    private static func removal(_ reach: Revocation.Reach) -> Revocation {
        Revocation(
            credential: .client([.basic]), body: [.json], field: "access_token",
            takes: [.access: reach], ok: Outcome(204),
            unknown: Outcome(404, ["message": "Not Found"]))
    }
}
