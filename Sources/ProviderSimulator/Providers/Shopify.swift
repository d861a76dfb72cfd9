// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let shopify = Self(
        name: "shopify",
        routes: [
            .authorize("{shop}.myshopify.com/admin/oauth/authorize"),
            .token("{shop}.myshopify.com/admin/oauth/access_token"),
            .revoke(
                "{shop}.myshopify.com/admin/api_permissions/current.json", methods: ["DELETE"],
                Revocation(
                    credential: .header("X-Shopify-Access-Token"), body: [.nothing, .json],
                    takes: [.access: .all(same: "shop")])),
        ],
        defaults: ["shop": "practice"],
        scopeSeparators: [","],
        needsResponseType: false,
        proof: .ignored,
        callback: [
            ("host", "practice-{shop}"), ("shop", "{shop}.myshopify.com"),
            ("timestamp", "{now}"),
        ],
        signsCallback: true,
        bodies: [.json, .form],
        needsGrantType: false,
        codeNeedsRedirectURI: false,
        parts: [Part(accessPrefix: "shpat_", refreshPrefix: "shprt_")],
        offline: .tokenParameter("expiring", "1"),
        refreshLife: RefreshLife(idle: 7_776_000),
        // Until the next one is used, and no longer than this.
        rotation: .always(grace: 30 * 86_400),
        scopeJoiner: ",",
        reply: [
            "access_token": "{access_token}", "scope": "{scope}",
            "expires_in": .number("{expires_in}"), "refresh_token": "{refresh_token}",
            "refresh_token_expires_in": .number("{refresh_expires_in}"),
        ],
        answers: [
            .plain(.grantLost, 400, "invalid_request", on: [.lost], confidence: .medium)
        ],
        doubts: [.connect: .medium, .refresh: .medium, .rotation: .medium, .revocation: .medium],
        absent: [.looksLost: "section 5 names none"],
        notPlayed: ["online tokens and associated_user: they are not refreshed"],
        assumed: [
            "the retried token is answered with its replacement",
            "host is a text without meaning",
            "an uninstalled shop's token is refused with 401",
        ])
}
