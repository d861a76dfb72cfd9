// SPDX-License-Identifier: Apache-2.0

import Foundation

extension PlayedFlow {
    private static let basicHeader = PlayedServer.basic
    private static let bearer = ["Authorization": "Bearer {access}"]

    private static func posted(_ fields: [String: String]) -> [String: String] {
        PlayedServer.client.merging(fields) { $1 }
    }

    static let all = [
        salesforce, quickbooks, google, jira, dropbox, github, microsoft, hubspot, shopify,
        zendesk, xero, stripe, notion, zoom, linkedin, asana, gitlab, slack,
    ]

    static let salesforce = PlayedFlow(
        name: "salesforce", authorize: "login.salesforce.com/services/oauth2/authorize",
        query: ["scope": "api refresh_token", "prompt": "consent"],
        token: "login.salesforce.com/services/oauth2/token",
        shape: [
            "access_token": nil, "refresh_token": nil, "instance_url": nil, "id": nil,
            "token_type": nil, "issued_at": nil, "signature": nil, "scope": "api refresh_token",
        ], lacks: ["expires_in"], refresh: .absent, old: .works,
        lost: .grant("expired access/refresh token"),
        revoke: Revoke(
            address: "login.salesforce.com/services/oauth2/revoke",
            fields: ["token": "{refresh}"], again: Refused(400, ["error": "invalid_token"])))

    static let slack = PlayedFlow(
        name: "slack", authorize: "slack.com/oauth/v2/authorize",
        query: ["scope": "chat:write,users:read"], token: "slack.com/api/oauth.v2.access",
        basic: true, hasPKCE: false,
        shape: [
            "ok": "1", "access_token": nil, "token_type": "bot",
            "scope": "chat:write,users:read", "bot_user_id": nil, "app_id": nil,
            "team.id": nil, "team.name": nil, "enterprise": "null",
            "is_enterprise_install": "0", "authed_user.id": nil, "refresh_token": nil,
            "expires_in": "43200",
        ], lacks: ["authed_user.access_token"],
        lost: Refused(200, ["ok": "0", "error": "token_revoked"]),
        unknown: Refused(200, ["ok": "0", "error": "invalid_refresh_token"]),
        wrongSecret: Refused(200, ["ok": "0", "error": "bad_client_secret"]),
        revoke: Revoke(
            address: "slack.com/api/auth.revoke", headers: bearer,
            ok: Refused(200, ["ok": "1", "revoked": "1"]),
            again: Refused(200, ["ok": "0", "error": "token_revoked"])))

    static let quickbooks = PlayedFlow(
        name: "quickbooks", authorize: "appcenter.intuit.com/connect/oauth2",
        token: "oauth.platform.intuit.com/oauth2/v1/tokens/bearer", basic: true,
        shape: [
            "access_token": nil, "token_type": "bearer", "expires_in": "3600",
            "refresh_token": nil, "x_refresh_token_expires_in": "8726400",
        ], refresh: .same, old: .works, lost: .grant("Token invalid"), lifetime: 8_726_400,
        revoke: Revoke(
            address: "developer.api.intuit.com/v2/oauth2/tokens/revoke",
            fields: ["token": "{refresh}"], json: true,
            headers: basicHeader.merging(["Accept": "application/json"]) { $1 }))

    static let google = PlayedFlow(
        name: "google", authorize: "accounts.google.com/o/oauth2/v2/auth",
        query: ["scope": "openid email", "access_type": "offline", "prompt": "consent"],
        token: "oauth2.googleapis.com/token",
        shape: [
            "access_token": nil, "expires_in": "3600", "refresh_token": nil,
            "scope": "openid email", "token_type": "Bearer",
        ], refresh: .absent, old: .works, lost: .grant("Token has been expired or revoked."),
        lifetime: 182 * 86_400,
        revoke: Revoke(
            address: "oauth2.googleapis.com/revoke?token={access}", again: Refused(400, [:])))

    static let jira = PlayedFlow(
        name: "jira", authorize: "auth.atlassian.com/authorize",
        query: [
            "scope": "read:jira-work offline_access", "audience": "api.atlassian.com",
            "prompt": "consent",
        ], token: "auth.atlassian.com/oauth/token", json: true,
        shape: [
            "access_token": nil, "refresh_token": nil, "expires_in": "3600",
            "scope": "read:jira-work offline_access", "token_type": nil,
        ], old: .grace(600),
        lost: Refused(
            403,
            ["error": "unauthorized_client", "error_description": "refresh_token is invalid"]),
        unknown: Refused(
            403,
            [
                "error": "invalid_grant",
                "error_description": "Unknown or invalid refresh token.",
            ]),
        wrongSecret: Refused(
            401, ["error": "access_denied", "error_description": "Unauthorized"]),
        lifetime: 90 * 86_400,
        revoke: Revoke(
            address: "auth.atlassian.com/oauth/revoke", fields: posted(["token": "{refresh}"])))

    static let dropbox = PlayedFlow(
        name: "dropbox", authorize: "www.dropbox.com/oauth2/authorize",
        query: ["scope": "files.content.read", "token_access_type": "offline"],
        token: "api.dropboxapi.com/oauth2/token",
        shape: [
            "access_token": nil, "token_type": "bearer", "expires_in": "14400",
            "refresh_token": nil, "scope": "files.content.read", "uid": nil, "account_id": nil,
        ], refresh: .absent, old: .works,
        lost: .grant("refresh token is invalid or revoked"),
        unknown: .grant("refresh token is malformed"),
        revoke: Revoke(
            address: "api.dropboxapi.com/2/auth/token/revoke", headers: bearer,
            again: Refused(401, [:])))

    static let github = PlayedFlow(
        name: "github", authorize: "github.com/login/oauth/authorize", query: [:],
        token: "github.com/login/oauth/access_token",
        shape: [
            "access_token": nil, "expires_in": "28800", "refresh_token": nil,
            "refresh_token_expires_in": "15811200", "scope": "", "token_type": "bearer",
        ], endsAccess: true, lost: Refused(200, ["error": "bad_refresh_token"]),
        wrongSecret: Refused(200, ["error": "incorrect_client_credentials"]),
        lifetime: 15_811_200,
        revoke: Revoke(
            method: "DELETE", address: "api.github.com/applications/demo/grant",
            fields: ["access_token": "{access}"], json: true,
            headers: basicHeader.merging(["Accept": "application/vnd.github+json"]) { $1 },
            ok: Refused(204, [:])))

    static let microsoft = PlayedFlow(
        name: "microsoft", authorize: "login.microsoftonline.com/common/oauth2/v2.0/authorize",
        query: ["scope": "Mail.Read offline_access", "response_mode": "query"],
        token: "login.microsoftonline.com/common/oauth2/v2.0/token",
        shape: [
            "token_type": "Bearer", "scope": "Mail.Read offline_access", "expires_in": "3599",
            "access_token": nil, "refresh_token": nil,
        ], old: .works, lost: Refused(400, ["error": "invalid_grant", "error_codes.0": "50173"]),
        unknown: Refused(400, ["error": "invalid_grant", "error_codes.0": "70008"]),
        wrongSecret: Refused(401, ["error": "invalid_client"]), lifetime: 90 * 86_400,
        expired: Refused(400, ["error": "invalid_grant", "error_codes.0": "700082"]))

    static let hubspot = PlayedFlow(
        name: "hubspot", authorize: "app.hubspot.com/oauth/authorize",
        token: "api.hubapi.com/oauth/2026-03/token",
        shape: [
            "access_token": nil, "refresh_token": nil, "token_type": "bearer",
            "expires_in": "1800", "hub_id": nil,
        ], refresh: .same, old: .works, lost: .grant(),
        unknown: Refused(400, ["status": "BAD_REFRESH_TOKEN"]),
        revoke: Revoke(
            address: "api.hubapi.com/oauth/2026-03/token/revoke",
            fields: posted(["token": "{refresh}", "token_type_hint": "refresh_token"])))

    static let shopify = PlayedFlow(
        name: "shopify", authorize: "tea-shop.myshopify.com/admin/oauth/authorize",
        query: ["scope": "read_orders,write_orders"],
        token: "tea-shop.myshopify.com/admin/oauth/access_token", json: true,
        codeFields: ["expiring": "1"],
        shape: [
            "access_token": nil, "scope": "read_orders,write_orders", "expires_in": "3600",
            "refresh_token": nil, "refresh_token_expires_in": "7776000",
        ], lacks: ["token_type"], old: .grace(30 * 86_400),
        lost: Refused(400, ["error": "invalid_request"]), lifetime: 7_776_000,
        revoke: Revoke(
            method: "DELETE", address: "tea-shop.myshopify.com/admin/api_permissions/current.json",
            headers: ["X-Shopify-Access-Token": "{access}"]))

    static let zendesk = PlayedFlow(
        name: "zendesk", authorize: "desk.zendesk.com/oauth/authorizations/new",
        token: "desk.zendesk.com/oauth/tokens", json: true,
        codeFields: ["expires_in": "3000", "refresh_token_expires_in": "700000"],
        shape: [
            "access_token": nil, "refresh_token": nil, "token_type": nil, "scope": "read",
            "expires_in": "3000", "refresh_token_expires_in": "700000",
        ], endsAccess: true, lost: .grant(), lifetime: 700_000,
        revoke: Revoke(
            method: "DELETE", address: "desk.zendesk.com/api/v2/oauth/tokens/current.json",
            headers: bearer, ok: Refused(204, [:]), again: Refused(401, [:])))

    static let xero = PlayedFlow(
        name: "xero", authorize: "login.xero.com/identity/connect/authorize",
        query: ["scope": "accounting.transactions offline_access"],
        token: "identity.xero.com/connect/token", basic: true,
        shape: [
            "access_token": nil, "refresh_token": nil, "expires_in": "1800",
            "token_type": "Bearer", "scope": "accounting.transactions offline_access",
        ], old: .grace(1800), lost: .grant(), lifetime: 60 * 86_400,
        revoke: Revoke(
            address: "identity.xero.com/connect/revocation", fields: ["token": "{refresh}"],
            headers: basicHeader))

    static let stripe = PlayedFlow(
        name: "stripe", authorize: "connect.stripe.com/oauth/authorize",
        query: ["scope": "read_write"], token: "connect.stripe.com/oauth/token",
        shape: [
            "access_token": nil, "refresh_token": nil, "token_type": "bearer",
            "scope": "read_write", "livemode": nil, "stripe_user_id": nil,
            "stripe_publishable_key": nil,
        ], lacks: ["expires_in"], refresh: .same, old: .works, lost: .grant(),
        revoke: Revoke(
            address: "connect.stripe.com/oauth/deauthorize",
            fields: ["client_id": "demo", "stripe_user_id": "{stripe_user_id}"],
            headers: ["Authorization": "Bearer s3cret"]))

    static let notion = PlayedFlow(
        name: "notion", authorize: "api.notion.com/v1/oauth/authorize",
        query: ["owner": "user"], token: "api.notion.com/v1/oauth/token", basic: true,
        json: true,
        shape: [
            "access_token": nil, "token_type": "bearer", "refresh_token": nil, "bot_id": nil,
            "workspace_id": nil, "workspace_name": nil, "workspace_icon": nil,
            "owner.user.id": nil, "duplicated_template_id": "null", "request_id": nil,
        ], lacks: ["expires_in"], endsAccess: true, lost: .grant(),
        revoke: Revoke(
            address: "api.notion.com/v1/oauth/revoke", fields: ["token": "{access}"],
            json: true, headers: basicHeader.merging(["Notion-Version": "2026-03-11"]) { $1 }))

    static let zoom = PlayedFlow(
        name: "zoom", authorize: "zoom.us/oauth/authorize",
        query: ["scope": "meeting:read,user:read"], token: "zoom.us/oauth/token", basic: true,
        shape: [
            "access_token": nil, "token_type": "bearer", "refresh_token": nil,
            "expires_in": "3600", "scope": "meeting:read,user:read", "api_url": nil,
        ], lost: Refused(401, ["error": "invalid_grant", "reason": "Invalid Token!"]),
        lifetime: 90 * 86_400,
        revoke: Revoke(
            address: "zoom.us/oauth/revoke", fields: ["token": "{access}"],
            headers: basicHeader, ok: Refused(200, ["status": "success"])))

    static let linkedin = PlayedFlow(
        name: "linkedin", authorize: "www.linkedin.com/oauth/v2/authorization",
        token: "www.linkedin.com/oauth/v2/accessToken", hasPKCE: false,
        shape: [
            "access_token": nil, "expires_in": "5184000", "scope": "read",
            "refresh_token": nil, "refresh_token_expires_in": "31536000",
        ], refresh: .same, old: .works, lost: .grant(), lifetime: 31_536_000,
        revoke: Revoke(
            address: "www.linkedin.com/oauth/v2/revoke", fields: posted(["token": "{access}"])))

    static let asana = PlayedFlow(
        name: "asana", authorize: "app.asana.com/-/oauth_authorize",
        query: ["scope": "default"], token: "app.asana.com/-/oauth_token",
        shape: [
            "access_token": nil, "token_type": "bearer", "expires_in": "3600",
            "refresh_token": nil, "data.id": nil, "data.gid": nil, "data.name": "ada",
            "data.email": nil,
        ], refresh: .absent, old: .works, lost: .grant(),
        revoke: Revoke(
            address: "app.asana.com/-/oauth_revoke", fields: posted(["token": "{refresh}"])))

    static let gitlab = PlayedFlow(
        name: "gitlab", authorize: "gitlab.com/oauth/authorize",
        token: "gitlab.com/oauth/token", refreshFields: ["redirect_uri": Fixture.redirectURI],
        shape: [
            "access_token": nil, "token_type": "Bearer", "expires_in": "7200",
            "refresh_token": nil, "scope": "read", "created_at": nil,
        ], endsAccess: true, lost: .grant(),
        revoke: Revoke(
            address: "gitlab.com/oauth/revoke", fields: posted(["token": "{refresh}"]),
            again: Refused(200, [:])))
}
