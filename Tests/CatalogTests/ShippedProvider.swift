// SPDX-License-Identifier: Apache-2.0

import Testing
import TokenVault

/// What a connection by a definition of the catalog has to come to. Written from `providers.json`,
/// not from the definition.
struct ShippedProvider: Sendable {
    let name: String
    /// How it is played, where an app has other settings than most: a variant's name.
    var variant: String?
    var scopes = ["read"]
    /// Values of the definition's variables.
    var values: [String: String] = [:]
    /// The scope that the vault knows to be granted; nil where no answer says one.
    var grantedScope: String?
    /// For how many seconds the first access token lives, and who says so.
    var lifetime: Int?
    var source = TokenSet.ExpirySource.expiresIn
    /// The same of one that a refresh brought, where that is another.
    var laterLifetime: Int?
    /// The seconds that an answer says of the refresh token; nil where it says nothing.
    var refreshTokenLifetime: Int?
    var rotation = Rotation.never
    /// Whether the answer to a refresh may be lost, and the same token be presented again.
    var forgivesLostAnswers = true
    /// What is captured; nil is any value.
    var captured: [String: String?] = [:]
    var account: String?

    /// The name of what is played.
    var played: String { variant ?? name }

    enum Rotation: Sendable {
        case never, always
        /// A new one after so many seconds.
        case after(Int)
    }

    static let shop = "tea-shop"

    static let all = [
        Self(
            name: "salesforce", scopes: ["api"], grantedScope: "api refresh_token offline_access",
            lifetime: 7200, source: .provider,
            captured: ["instance_url": "https://practice.my.salesforce.com", "id": nil]),
        Self(
            name: "slack", scopes: ["chat:write", "users:read"],
            grantedScope: "chat:write,users:read", lifetime: 43_200, rotation: .always,
            forgivesLostAnswers: false,
            captured: ["team_id": nil, "bot_user_id": nil, "app_id": nil, "user_id": nil]),
        Self(
            name: "quickbooks", scopes: ["com.intuit.quickbooks.accounting"], lifetime: 3600,
            refreshTokenLifetime: 8_726_400, rotation: .after(86_400),
            captured: ["realm_id": nil]),
        Self(
            name: "google", scopes: ["openid", "email"], grantedScope: "openid email",
            lifetime: 3600),
        Self(
            name: "facebook", scopes: ["pages_show_list"], lifetime: 5400,
            laterLifetime: 5_183_944, captured: ["user_id": nil], account: "ada"),
        Self(
            name: "jira", scopes: ["read:jira-work"],
            grantedScope: "read:jira-work offline_access", lifetime: 3600, rotation: .always,
            captured: ["cloud_id": nil, "site": "https://practice.atlassian.net"],
            account: "practice"),
        Self(
            name: "dropbox", scopes: ["files.content.read"], grantedScope: "files.content.read",
            lifetime: 14_400, captured: ["account_id": nil, "uid": nil]),
        Self(
            name: "github", scopes: [], lifetime: 28_800, refreshTokenLifetime: 15_811_200,
            rotation: .always, forgivesLostAnswers: false),
        Self(
            name: "microsoft", scopes: ["Mail.Read"], grantedScope: "Mail.Read offline_access",
            lifetime: 3599, rotation: .always),
        Self(
            name: "hubspot", scopes: ["crm.objects.contacts.read"], lifetime: 1800,
            captured: ["hub_id": nil]),
        Self(
            name: "shopify", scopes: ["read_orders", "write_orders"], values: ["shop": shop],
            grantedScope: "read_orders,write_orders", lifetime: 3600,
            refreshTokenLifetime: 7_776_000, rotation: .always,
            captured: ["shop_domain": "tea-shop.myshopify.com"]),
        Self(
            name: "zendesk", values: ["subdomain": shop], grantedScope: "read",
            lifetime: 172_800, refreshTokenLifetime: 7_776_000, rotation: .always,
            forgivesLostAnswers: false),
        Self(
            name: "xero", scopes: ["accounting.transactions"],
            grantedScope: "accounting.transactions offline_access", lifetime: 1800,
            rotation: .always, captured: ["tenant_id": nil, "tenant_type": "ORGANISATION"],
            account: "Practice"),
        Self(
            name: "stripe", scopes: ["read_write"], grantedScope: "read_write",
            source: .unknown,
            captured: [
                "stripe_user_id": nil, "publishable_key": nil, "livemode": "false",
            ]),
        Self(
            name: "notion", scopes: [], source: .unknown, rotation: .always,
            forgivesLostAnswers: false,
            captured: [
                "workspace_id": nil, "workspace_name": "Practice", "bot_id": nil, "user_id": nil,
            ]),
        Self(
            name: "zoom", scopes: ["meeting:read", "user:read"],
            grantedScope: "meeting:read,user:read", lifetime: 3600, rotation: .always,
            forgivesLostAnswers: false, captured: ["api_url": "https://api.zoom.us"]),
        Self(
            name: "linkedin", grantedScope: "read", lifetime: 5_184_000,
            refreshTokenLifetime: 31_536_000),
        Self(
            name: "asana", scopes: ["default"], lifetime: 3600,
            captured: ["user_id": nil, "email": "ada@example.com"]),
        Self(
            name: "gitlab", grantedScope: "read", lifetime: 7200, rotation: .always,
            forgivesLostAnswers: false),
    ]

    /// Apps with other settings, by the same definitions.
    static let variants = [
        Self(
            name: "salesforce", variant: "salesforce-rotating", scopes: ["api"],
            grantedScope: "api refresh_token offline_access", lifetime: 7200, source: .provider,
            rotation: .always, forgivesLostAnswers: false, captured: ["instance_url": nil]),
        Self(
            name: "slack", variant: "slack-without-rotation", scopes: ["chat:write"],
            grantedScope: "chat:write", source: .unknown, captured: ["team_id": nil]),
        Self(
            name: "github", variant: "github-oauth-app", scopes: ["repo", "gist"],
            grantedScope: "repo,gist", source: .unknown),
        Self(
            name: "linkedin", variant: "linkedin-unapproved", grantedScope: "read",
            lifetime: 5_184_000),
    ]
}
