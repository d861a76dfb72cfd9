// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let zendesk = Self(
        name: "zendesk",
        routes: [
            .authorize("{subdomain}.zendesk.com/oauth/authorizations/new"),
            .token("{subdomain}.zendesk.com/oauth/tokens"),
            .revoke(
                "{subdomain}.zendesk.com/api/v2/oauth/tokens/current.json", methods: ["DELETE"],
                Revocation(
                    credential: .bearer, body: [.nothing, .json], takes: [.access: .grant],
                    ok: Outcome(204))),
        ],
        defaults: ["subdomain": "practice"],
        codeLifetime: .seconds(120),
        bodies: [.json, .form],
        askedLifetimes: (300...172_800, 604_800...7_776_000),
        accessLifetime: 1800,
        refreshLife: RefreshLife(idle: 2_592_000),
        rotation: .always(grace: 0),
        refreshEndsAccess: true,
        reply: [
            "access_token": "{access_token}", "refresh_token": "{refresh_token}",
            "token_type": "bearer", "scope": "{scope}", "expires_in": .number("{expires_in}"),
            "refresh_token_expires_in": .number("{refresh_expires_in}"),
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_grant", on: [.lost])
        ],
        doubts: [.expiry: .medium, .revocation: .medium],
        absent: [
            .looksLost: "section 5 names none", .captured: "section 7 names none",
        ],
        notPlayed: ["clients of before 2026-02, whose tokens do not expire"],
        assumed: [
            "without expires_in a token lives 1800 seconds"
        ])
}
