// SPDX-License-Identifier: Apache-2.0

extension ProviderSimulator.Provider {
    static let microsoft = Self(
        name: "microsoft",
        routes: [
            .authorize("{host}/{tenant}/oauth2/v2.0/authorize"),
            .token("{host}/{tenant}/oauth2/v2.0/token"),
        ],
        hosts: [
            "login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn",
        ],
        defaults: ["tenant": "common"],
        ways: [.post, .basic],
        parts: [Part(accessPrefix: "EwB", refreshPrefix: "M.C5")],
        offline: .scope(["offline_access"]),
        accessLifetime: 3599,
        refreshLife: RefreshLife(idle: 90 * 86_400),
        rotation: .keepsOld,
        reply: [
            "token_type": "Bearer", "scope": "{scope}", "expires_in": .number("{expires_in}"),
            "ext_expires_in": .number("{expires_in}"), "access_token": "{access_token}",
            "refresh_token": "{refresh_token}",
        ],
        answers: [
            .entra(.grantLost, 400, "invalid_grant", 70_008, on: [.lost]),
            .entra(.grantLost, 400, "invalid_grant", 700_082, on: [.expiredRefresh]),
            .entra(.grantLost, 400, "invalid_grant", 700_084),
            .entra(.grantLost, 400, "invalid_grant", 50_173, on: [.endedGrant]),
            .entra(.grantLost, 400, "interaction_required", 50_076),
            .entra(.grantLost, 400, "consent_required", 65_001),
            .entra(.temporary, 503, "temporarily_unavailable", 90_033),
            .entra(.temporary, 500, "server_error", 90_002),
            .entra(.wrongSecret, 401, "invalid_client", 7_000_215, on: [.wrongSecret]),
            .entra(.refused, 400, "invalid_grant", 54_005, on: [.badCode], confidence: .unverified),
            .entra(
                .refused, 400, "invalid_request", 900_144, on: [.malformed], confidence: .unverified
            ),
        ],
        absent: [
            .revocation: "section 6: kind none", .captured: "section 7 names none",
        ],
        notPlayed: [
            "client_assertion: the server keeps no certificates of clients",
            "the 24 hours of a single-page app: such a client keeps nothing in a vault",
            "id_token and suberror: not asked for, and no case is named",
        ],
        assumed: [
            "which number means which loss: 50173 ended, 700082 expired, 70008 anything else",
            "the statuses of temporarily_unavailable and server_error",
        ])
}

extension ProviderSimulator.Provider.Answer {
    /// Microsoft names its numbers in the text and in a list.
    fileprivate static func entra(
        _ meaning: Meaning, _ status: Int, _ error: String, _ code: Int,
        on causes: Set<Cause> = [],
        confidence: ProviderSimulator.Provider.Confidence = .high
    ) -> Self {
        .own(
            meaning, status, "AADSTS\(code)",
            [
                "error": .text(error),
                "error_description": .text("AADSTS\(code): \(error). Practice only."),
                "error_codes": [.number("\(code)")], "timestamp": "{timestamp}",
                "trace_id": "{guid}", "correlation_id": "{guid}",
            ], on: causes, confidence: confidence)
    }
}
