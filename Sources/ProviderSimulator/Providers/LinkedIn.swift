// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    /// An app of an approved partner, which is given refresh tokens.
    static let linkedin = Self(
        name: "linkedin",
        routes: [
            .authorize("www.linkedin.com/oauth/v2/authorization"),
            .token("www.linkedin.com/oauth/v2/accessToken"),
            .revoke(
                "www.linkedin.com/oauth/v2/revoke",
                Revocation(credential: .client([.post]), takes: [.access: .grant])),
            .introspect(
                "www.linkedin.com/oauth/v2/introspectToken",
                Introspection(
                    credential: .client([.post]),
                    living: [
                        "active": true, "client_id": "{client_id}", "status": "active",
                        "scope": "{scope}", "expires_at": .number("{exp}"),
                    ], dead: ["active": false, "status": "revoked"])),
        ],
        proof: .ignored,
        accessLifetime: 5_184_000,
        refreshLife: RefreshLife(absolute: 31_536_000),
        rotation: .never(repeats: true),
        reply: [
            "access_token": "{access_token}", "expires_in": .number("{expires_in}"),
            "refresh_token": "{refresh_token}",
            "refresh_token_expires_in": .number("{refresh_expires_in}"), "scope": "{scope}",
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", on: [.lost], confidence: .medium),
            .plain(.grantLost, 400, "invalid_request", confidence: .medium),
        ],
        doubts: [.connect: .medium, .revocation: .medium],
        absent: [
            .looksLost: "section 5 names none", .captured: "section 7 names none",
        ],
        assumed: [
            "a revoked access token ends its refresh token",
            "PKCE is not looked at",
        ])

    /// Any other app: when the access token ends, a person must connect again.
    static let linkedinUnapproved: Self = {
        var provider = linkedin
        provider.variant("unapproved")
        provider.offline = .never
        let reason = "section 3: refresh tokens are for approved partners only"
        for subject in [Subject.refresh, .rotation, .grantLost] {
            provider.absent[subject] = reason
        }
        return provider
    }()
}
