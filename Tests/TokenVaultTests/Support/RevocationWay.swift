// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// A provider's way to revoke: the definition that says it, what the server must see, and what
/// the receipt says. `A` and `R` are the tokens.
struct RevocationWay: Sendable, CustomTestStringConvertible {
    let name: String
    var authentication = Provider.ClientAuthentication.basic
    /// Behind the server's origin.
    let endpoint: String
    /// Nil for what RFC 7009 says.
    var definition: SettingValue?
    /// Each with its method, path and fields that matter, as `RevocationStand.seen` writes them.
    let requests: [String]
    var answer = (status: 200, body: "")
    var refreshToken = DisconnectReceipt.Revocation.revoked
    var accessToken = DisconnectReceipt.Revocation.revoked

    var testDescription: String { name }
}

extension RevocationWay {
    static let basic = "Basic aWQ6c2VjcmV0"
    static let form = "application/x-www-form-urlencoded"

    static let all: [RevocationWay] = [
        RevocationWay(
            name: "RFC 7009", endpoint: "/revoke",
            requests: [
                "POST /revoke [\(basic)] [\(form)] token=R&token_type_hint=refresh_token",
                "POST /revoke [\(basic)] [\(form)] token=A&token_type_hint=access_token",
            ]),
        RevocationWay(
            name: "salesforce", endpoint: "/services/oauth2/revoke",
            definition: [
                "authentication": "none", "tokens": "refresh_or_access", "ends_grant": true,
                "hint": false, "success": ["statuses": [200]],
            ],
            requests: ["POST /services/oauth2/revoke [] [\(form)] token=R"]),
        RevocationWay(
            name: "slack", endpoint: "/api/auth.revoke",
            definition: [
                "authentication": "bearer", "body": "none", "tokens": "access",
                "ends_grant": true, "success": ["member": "ok", "values": ["true"]],
                "gone": ["errors": ["invalid_auth", "token_revoked"]],
            ],
            requests: ["POST /api/auth.revoke [Bearer A] [] "],
            answer: (200, #"{"ok":true,"revoked":true}"#)),
        RevocationWay(
            name: "slack, dead before", endpoint: "/api/auth.revoke",
            definition: [
                "authentication": "bearer", "body": "none", "tokens": "access",
                "ends_grant": true, "success": ["member": "ok", "values": ["true"]],
                "gone": ["errors": ["invalid_auth", "token_revoked"]],
            ],
            requests: ["POST /api/auth.revoke [Bearer A] [] "],
            answer: (200, #"{"ok":false,"error":"token_revoked"}"#)),
        RevocationWay(
            name: "slack, refused", endpoint: "/api/auth.revoke",
            definition: [
                "authentication": "bearer", "body": "none", "tokens": "access",
                "success": ["member": "ok", "values": ["true"]],
            ],
            requests: ["POST /api/auth.revoke [Bearer A] [] "],
            answer: (200, #"{"ok":false}"#), refreshToken: .unsupported,
            accessToken: .failed(number: 200, detail: FailureDetail())),
        RevocationWay(
            name: "quickbooks", endpoint: "/v2/oauth2/tokens/revoke",
            definition: ["body": "json", "tokens": "refresh", "ends_grant": true],
            requests: [
                "POST /v2/oauth2/tokens/revoke [\(basic)] [application/json] {\"token\":\"R\"}"
            ]),
        RevocationWay(
            name: "google", endpoint: "/revoke",
            definition: [
                "authentication": "none", "tokens": "refresh_or_access", "ends_grant": true,
                "hint": false,
            ],
            requests: ["POST /revoke [] [\(form)] token=R"]),
        RevocationWay(
            name: "facebook", authentication: .post, endpoint: "/v23.0/me/permissions",
            definition: [
                "method": "delete", "authentication": "bearer", "body": "none",
                "tokens": "access", "success": ["member": "success", "values": ["true"]],
            ],
            requests: ["DELETE /v23.0/me/permissions [Bearer A] [] "],
            answer: (200, #"{"success":true}"#), refreshToken: .unsupported),
        RevocationWay(
            name: "jira", authentication: .post, endpoint: "/oauth/revoke",
            definition: ["tokens": "refresh"],
            requests: [
                "POST /oauth/revoke [] [\(form)] token=R&token_type_hint=refresh_token"
                    + "&client_id=id&client_secret=secret"
            ], accessToken: .unsupported),
        RevocationWay(
            name: "dropbox", endpoint: "/2/auth/token/revoke",
            definition: [
                "authentication": "bearer", "body": "none", "tokens": "access",
                "ends_grant": true,
            ],
            requests: ["POST /2/auth/token/revoke [Bearer A] [] "], answer: (200, "null")),
        RevocationWay(
            name: "github", authentication: .post, endpoint: "/applications/{client_id}/grant",
            definition: [
                "method": "delete", "authentication": "basic", "body": "json",
                "parameter": "access_token", "tokens": "access", "ends_grant": true,
                "headers": ["Accept": "application/vnd.github+json"],
                "success": ["statuses": [204]],
            ],
            requests: [
                "DELETE /applications/id/grant [\(basic)] [application/json] "
                    + #"{"access_token":"A"} accept=application/vnd.github+json"#
            ],
            answer: (204, "")),
        RevocationWay(
            name: "hubspot", endpoint: "/oauth/2026-03/token/revoke",
            definition: ["authentication": "post", "tokens": "refresh", "ends_grant": true],
            requests: [
                "POST /oauth/2026-03/token/revoke [] [\(form)] "
                    + "token=R&token_type_hint=refresh_token&client_id=id&client_secret=secret"
            ]),
        RevocationWay(
            name: "shopify", authentication: .post,
            endpoint: "/admin/api_permissions/current.json",
            definition: [
                "method": "delete", "authentication": "header X-Shopify-Access-Token",
                "body": "none", "tokens": "access", "ends_grant": true,
                "success": ["statuses": [200]],
            ],
            requests: [
                "DELETE /admin/api_permissions/current.json [] [] "
                    + " x-shopify-access-token=A"
            ]),
        RevocationWay(
            name: "zendesk", authentication: .post, endpoint: "/api/v2/oauth/tokens/current.json",
            definition: [
                "method": "delete", "authentication": "bearer", "body": "none",
                "tokens": "access", "success": ["statuses": [204]], "gone": ["statuses": [401]],
            ],
            requests: ["DELETE /api/v2/oauth/tokens/current.json [Bearer A] [] "],
            answer: (401, #"{"error":"invalid_credentials"}"#), refreshToken: .unsupported),
        RevocationWay(
            name: "xero", endpoint: "/connect/revocation",
            definition: ["tokens": "refresh", "ends_grant": true, "hint": false],
            requests: ["POST /connect/revocation [\(basic)] [\(form)] token=R"]),
        RevocationWay(
            name: "stripe", authentication: .post, endpoint: "/oauth/deauthorize",
            definition: [
                "authentication": "secret_as_user", "parameter": "", "hint": false,
                "tokens": "access", "ends_grant": true,
                "parameters": ["client_id": "{client_id}", "stripe_user_id": "{account}"],
            ],
            requests: [
                "POST /oauth/deauthorize [Basic c2VjcmV0Og==] [\(form)] "
                    + "client_id=id&stripe_user_id=acct+1"
            ],
            answer: (200, #"{"stripe_user_id":"acct 1"}"#)),
        RevocationWay(
            name: "notion", endpoint: "/v1/oauth/revoke",
            definition: [
                "body": "json", "tokens": "access", "ends_grant": true,
                "headers": ["Notion-Version": "2026-03-11"],
            ],
            requests: [
                "POST /v1/oauth/revoke [\(basic)] [application/json] "
                    + #"{"token":"A"} notion-version=2026-03-11"#
            ],
            answer: (200, #"{"request_id":"x"}"#)),
        RevocationWay(
            name: "zoom", endpoint: "/oauth/revoke",
            definition: [
                "tokens": "access", "ends_grant": true, "hint": false,
                "success": ["member": "status", "values": ["success"]],
            ],
            requests: ["POST /oauth/revoke [\(basic)] [\(form)] token=A"],
            answer: (200, #"{"status":"success"}"#)),
        RevocationWay(
            name: "linkedin", authentication: .post, endpoint: "/oauth/v2/revoke",
            definition: ["tokens": "access", "hint": false],
            requests: [
                "POST /oauth/v2/revoke [] [\(form)] token=A&client_id=id&client_secret=secret"
            ], refreshToken: .unsupported),
        RevocationWay(
            name: "asana", authentication: .post, endpoint: "/-/oauth_revoke",
            definition: ["tokens": "refresh", "ends_grant": true, "hint": false],
            requests: [
                "POST /-/oauth_revoke [] [\(form)] token=R&client_id=id&client_secret=secret"
            ]),
        RevocationWay(
            name: "gitlab", authentication: .post, endpoint: "/oauth/revoke",
            definition: ["success": ["statuses": [200]]],
            requests: [
                "POST /oauth/revoke [] [\(form)] token=R&token_type_hint=refresh_token"
                    + "&client_id=id&client_secret=secret",
                "POST /oauth/revoke [] [\(form)] token=A&token_type_hint=access_token"
                    + "&client_id=id&client_secret=secret",
            ],
            answer: (403, ""), refreshToken: .failed(number: 403, detail: FailureDetail()),
            accessToken: .failed(number: 403, detail: FailureDetail())),
        RevocationWay(
            name: "a GET", endpoint: "/{account}/revoke",
            definition: [
                "method": "get", "authentication": "bearer", "body": "none", "tokens": "access",
            ],
            requests: ["GET /acct%201/revoke [Bearer A] [] "], refreshToken: .unsupported),
        RevocationWay(
            name: "a value that nobody captured", endpoint: "/{unknown}/revoke",
            definition: ["tokens": "refresh"], requests: [],
            refreshToken: .failed(
                number: 0,
                detail: FailureDetail(cause: .valueUnknown, subject: .revocationEndpoint)),
            accessToken: .failed(
                number: 0,
                detail: FailureDetail(cause: .valueUnknown, subject: .revocationEndpoint))),
    ]
}
