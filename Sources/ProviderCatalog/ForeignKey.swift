// SPDX-License-Identifier: Apache-2.0

/// Keys that people write and that are none: other systems' names, and what has its place
/// elsewhere.
enum ForeignKey {
    /// What to write instead, by what was written.
    static let hints: [String: String] = {
        var hints: [String: String] = [
            "<<": "merge keys are not read: write the settings out"
        ]
        for (names, setting) in [
            (["authorize_url", "authorization_url", "auth_url"], "authorization_endpoint"),
            (["token_url", "access_token_url"], "token_endpoint"),
            (["refresh_url", "refresh_token_url"], "refresh_endpoint"),
            (["revoke_url", "revocation_url", "revoke_endpoint"], "revocation_endpoint"),
            (["token_endpoint_auth_method", "auth_method"], "client_authentication"),
        ] {
            for name in names { hints[name] = "write \(setting)" }
        }
        for (names, option) in [
            (["scope", "scopes", "default_scopes"], "--scope"), (["client_id"], "--client-id"),
            (["client_secret"], "--client-secret-file"),
            (["redirect_uri", "callback_url"], "--redirect-uri"),
        ] {
            for name in names {
                hints[name] =
                    "it is the application's: give it to `tokenvault app add` as \(option)"
            }
        }
        for name in [
            "method", "authentication", "body", "parameter", "hint", "parameters", "tokens",
            "ends_grant", "success", "gone",
        ] {
            hints[name] = "it is a member of revocation: write it there"
        }
        return hints
    }()
}
