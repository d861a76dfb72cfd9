// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let facebook = Self(
        name: "facebook",
        routes: [
            .authorize("www.facebook.com/{version}/dialog/oauth"),
            .token("graph.facebook.com/{version}/oauth/access_token", methods: ["GET", "POST"]),
            .lookUp(
                "graph.facebook.com/{version}/me", by: .parameterOrBearer("access_token"),
                ["id": "{account}", "name": "{user}"]),
            .introspect(
                "graph.facebook.com/debug_token", methods: ["GET"],
                Introspection(
                    credential: .nothing, field: "input_token",
                    living: [
                        "data": [
                            "app_id": "{client_id}", "is_valid": true,
                            "expires_at": .number("{exp}"), "user_id": "{account}",
                        ]
                    ], dead: ["data": ["is_valid": false]])),
            .revoke("graph.facebook.com/{version}/me/permissions", methods: ["DELETE"], removal),
            .revoke(
                "graph.facebook.com/{version}/{user_id}/permissions", methods: ["DELETE"], removal),
        ],
        defaults: ["version": "v22.0"],
        scopeSeparators: [",", " "],
        proof: .ignored,
        denial: [
            ("error", "access_denied"), ("error_code", "200"),
            ("error_description", "Permissions error"), ("error_reason", "user_denied"),
        ],
        needsGrantType: false,
        parts: [Part(accessPrefix: "EAA")],
        offline: .never,
        accessLifetime: 5400,
        exchange: AccessExchange(
            grantType: "fb_exchange_token", parameter: "fb_exchange_token", lifetime: 5_183_944),
        reply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "expires_in": .number("{expires_in}"),
        ],
        answers: [
            .graph(.grantLost, "expired", 190, 463, on: [.expiredRefresh, .deadAccess]),
            .graph(.grantLost, "password_changed", 190, 460),
            .graph(.grantLost, "app_removed", 190, 458, on: [.endedGrant, .endedAccess]),
            .graph(.grantLost, "token_invalid", 190, 467, on: [.lost, .unknownAccess]),
            .graph(.temporary, "unknown_error", 1, confidence: .unverified),
            .graph(.temporary, "service_unavailable", 2, confidence: .unverified),
            .graph(.rateLimit, "app_limit", 4, confidence: .unverified),
            .graph(.rateLimit, "user_limit", 17, confidence: .unverified),
            .graph(.rateLimit, "page_limit", 32, confidence: .unverified),
            .graph(.wrongSecret, "wrong_secret", 1, on: [.wrongSecret], confidence: .unverified),
            .graph(.refused, "bad_code", 100, on: [.badCode, .malformed], confidence: .unverified),
        ],
        doubts: [.connect: .medium, .captured: .low, .revocation: .unverified],
        notPlayed: [
            "tokens of pages and replies as text: of other calls and old versions",
            "a long-lived token without expiry: no case is named",
        ],
        assumed: [
            "a short-lived token lives 5400 seconds",
            "the texts of messages",
            "a wrong secret has code 1, a bad code 100",
            "a token may come as bearer to /me and its permissions: the facts have it in the URL",
        ])

    private static let removal = Revocation(
        credential: .parameterOrBearer("access_token"), body: [.nothing, .form],
        takes: [.access: .all(same: "user")], ok: Outcome(200, ["success": true]))
}

extension ProviderSimulator.Provider.Answer {
    /// Facebook's error is an object.
    fileprivate static func graph(
        _ meaning: Meaning, _ name: String, _ code: Int, _ subcode: Int? = nil,
        on causes: Set<Cause> = [],
        confidence: ProviderSimulator.Provider.Confidence = .high
    ) -> Self {
        var members: [(String, Shape)] = [
            ("message", .text(name)), ("type", "OAuthException"), ("code", .number("\(code)")),
        ]
        if let subcode { members.append(("error_subcode", .number("\(subcode)"))) }
        members.append(("fbtrace_id", "A{guid}"))
        return .own(
            meaning, 400, name, ["error": .object(members)], on: causes, confidence: confidence)
    }
}
