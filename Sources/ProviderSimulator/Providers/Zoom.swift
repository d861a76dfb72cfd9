// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let zoom = Self(
        name: "zoom",
        routes: [
            .authorize("zoom.us/oauth/authorize"),
            .token("zoom.us/oauth/token"),
            .revoke(
                "zoom.us/oauth/revoke",
                Revocation(
                    credential: .client([.basic]), takes: [.access: .grant],
                    ok: Outcome(200, ["status": "success"]))),
        ],
        scopeSeparators: [",", " "],
        codeLifetime: .seconds(300),
        ways: [.basic, .post],
        refreshLife: RefreshLife(idle: 90 * 86_400),
        rotation: .always(grace: 0),
        grantsMax: 1,
        scopeJoiner: ",",
        reply: [
            "access_token": "{access_token}", "token_type": "bearer",
            "refresh_token": "{refresh_token}", "expires_in": .number("{expires_in}"),
            "scope": "{scope}", "api_url": "https://api.zoom.us",
        ],
        answers: [
            .zoom(.grantLost, 401, "invalid_grant", "Invalid Token!", "dead", on: [.lost]),
            .zoom(.grantLost, 400, "invalid_grant", "Invalid Token!", "dead_400"),
            .zoom(.grantLost, 400, "invalid_request", "Invalid Token!", "dead_request"),
            .zoom(.temporary, 400, "invalid_request", "Internal Error", "internal"),
        ],
        doubts: [
            .connect: .medium, .refresh: .medium, .rotation: .medium, .captured: .medium,
        ],
        assumed: [
            "a dead token is told with 401; 400 on demand",
            "a revoked access token ends its refresh token",
            "the reason of an internal error",
        ])
}

extension ProviderSimulator.Provider.Answer {
    /// Zoom tells apart by `reason` what `error` does not.
    fileprivate static func zoom(
        _ meaning: Meaning, _ status: Int, _ error: String, _ reason: String, _ name: String,
        on causes: Set<Cause> = []
    ) -> Self {
        .own(
            meaning, status, name, ["reason": .text(reason), "error": .text(error)],
            on: causes, confidence: .medium)
    }
}
