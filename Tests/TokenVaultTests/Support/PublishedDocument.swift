// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// A document in the form in which a well-known server publishes it, shortened; `ORIGIN` stands for
/// scheme and host of its issuer. What comes of it is written beside it.
struct PublishedDocument: Sendable, CustomStringConvertible {
    let description: String
    /// The path of the issuer that is asked for.
    var path = ""
    let place: String
    let text: String
    var authentication = Provider.ClientAuthentication.basic
    var refreshScopes: [String] = []
    var sendsIssuer = false
    var usesPKCE = true
    var revocation: String?
    /// What the only warnings begin with.
    var warnings: [String] = []

    private static let openID = MetadataStand.openID
    private static let oauth = MetadataStand.oauth

    static let all: [PublishedDocument] = [
        PublishedDocument(
            description: "Google", place: openID,
            text: """
                {
                 "issuer": "ORIGIN",
                 "authorization_endpoint": "https://accounts.google.com/o/oauth2/v2/auth",
                 "device_authorization_endpoint": "https://oauth2.googleapis.com/device/code",
                 "token_endpoint": "https://oauth2.googleapis.com/token",
                 "userinfo_endpoint": "https://openidconnect.googleapis.com/v1/userinfo",
                 "revocation_endpoint": "https://oauth2.googleapis.com/revoke",
                 "jwks_uri": "https://www.googleapis.com/oauth2/v3/certs",
                 "response_types_supported": ["code", "token", "id_token", "code token", "none"],
                 "subject_types_supported": ["public"],
                 "scopes_supported": ["openid", "email", "profile"],
                 "token_endpoint_auth_methods_supported":
                   ["client_secret_post", "client_secret_basic"],
                 "code_challenge_methods_supported": ["plain", "S256"],
                 "grant_types_supported": ["authorization_code", "refresh_token",
                   "urn:ietf:params:oauth:grant-type:device_code"]
                }
                """, revocation: "https://oauth2.googleapis.com/revoke"),
        PublishedDocument(
            description: "Microsoft, one tenant", path: "/9188040d/v2.0",
            place: "/9188040d/v2.0" + openID,
            text: """
                {"token_endpoint":"https://login.microsoftonline.com/9188040d/oauth2/v2.0/token",
                 "token_endpoint_auth_methods_supported":
                   ["client_secret_post","private_key_jwt","client_secret_basic"],
                 "response_modes_supported":["query","fragment","form_post"],
                 "response_types_supported":["code","id_token","code id_token"],
                 "scopes_supported":["openid","profile","email","offline_access"],
                 "issuer":"ORIGIN/9188040d/v2.0","request_uri_parameter_supported":false,
                 "authorization_endpoint":
                   "https://login.microsoftonline.com/9188040d/oauth2/v2.0/authorize",
                 "http_logout_supported":true,"tenant_region_scope":null,
                 "cloud_instance_name":"microsoftonline.com"}
                """, refreshScopes: ["offline_access"]),
        PublishedDocument(
            description: "Okta", path: "/oauth2/default", place: "\(oauth)/oauth2/default",
            text: """
                {"issuer":"ORIGIN/oauth2/default",
                 "authorization_endpoint":"https://acme.okta.com/oauth2/default/v1/authorize",
                 "token_endpoint":"https://acme.okta.com/oauth2/default/v1/token",
                 "response_types_supported":["code","token","id_token","code id_token"],
                 "response_modes_supported":["query","fragment","form_post","okta_post_message"],
                 "grant_types_supported":["authorization_code","implicit","refresh_token",
                   "password","client_credentials"],
                 "scopes_supported":["openid","profile","email","address","phone",
                   "offline_access","device_sso"],
                 "token_endpoint_auth_methods_supported":["client_secret_basic",
                   "client_secret_post","client_secret_jwt","private_key_jwt","none"],
                 "revocation_endpoint":"https://acme.okta.com/oauth2/default/v1/revoke",
                 "revocation_endpoint_auth_methods_supported":["client_secret_basic",
                   "client_secret_post","client_secret_jwt","private_key_jwt","none"],
                 "code_challenge_methods_supported":["S256"],
                 "request_parameter_supported":true}
                """, refreshScopes: ["offline_access"],
            revocation: "https://acme.okta.com/oauth2/default/v1/revoke"),
        PublishedDocument(
            description: "Auth0, a slash at its end", place: openID,
            text: """
                {"issuer":"ORIGIN/","authorization_endpoint":"https://acme.auth0.com/authorize",
                 "token_endpoint":"https://acme.auth0.com/oauth/token",
                 "device_authorization_endpoint":"https://acme.auth0.com/oauth/device/code",
                 "revocation_endpoint":"https://acme.auth0.com/oauth/revoke",
                 "scopes_supported":["openid","profile","offline_access","name","email"],
                 "response_types_supported":["code","token","id_token"],
                 "code_challenge_methods_supported":["S256","plain"],
                 "response_modes_supported":["query","fragment","form_post"],
                 "token_endpoint_auth_methods_supported":["client_secret_basic",
                   "client_secret_post","private_key_jwt","none"]}
                """, refreshScopes: ["offline_access"],
            revocation: "https://acme.auth0.com/oauth/revoke"),
        PublishedDocument(
            description: "Keycloak", path: "/realms/acme", place: "/realms/acme" + openID,
            text: """
                {"issuer":"ORIGIN/realms/acme",
                 "authorization_endpoint":"https://kc.example/realms/acme/auth",
                 "token_endpoint":"https://kc.example/realms/acme/token",
                 "grant_types_supported":["authorization_code","implicit","refresh_token",
                   "urn:ietf:params:oauth:grant-type:device_code"],
                 "acr_values_supported":["0","1"],
                 "response_types_supported":["code","none","id_token"],
                 "response_modes_supported":["query","fragment","form_post","query.jwt","jwt"],
                 "scopes_supported":["openid","offline_access","microprofile-jwt","roles"],
                 "token_endpoint_auth_methods_supported":["private_key_jwt",
                   "client_secret_basic","client_secret_post","tls_client_auth"],
                 "code_challenge_methods_supported":["plain","S256"],
                 "tls_client_certificate_bound_access_tokens":true,
                 "revocation_endpoint":"https://kc.example/realms/acme/revoke",
                 "revocation_endpoint_auth_methods_supported":["private_key_jwt",
                   "client_secret_basic","client_secret_post"],
                 "require_pushed_authorization_requests":false,
                 "mtls_endpoint_aliases":{"token_endpoint":"https://kc.example/mtls/token"},
                 "authorization_response_iss_parameter_supported":true}
                """, refreshScopes: ["offline_access"], sendsIssuer: true,
            revocation: "https://kc.example/realms/acme/revoke"),
        PublishedDocument(
            description: "GitLab", place: openID,
            text: """
                {"issuer":"ORIGIN","authorization_endpoint":"https://gitlab.com/oauth/authorize",
                 "token_endpoint":"https://gitlab.com/oauth/token",
                 "revocation_endpoint":"https://gitlab.com/oauth/revoke",
                 "introspection_endpoint":"https://gitlab.com/oauth/introspect",
                 "scopes_supported":["api","read_api","read_user","openid","profile","email"],
                 "response_types_supported":["code"],
                 "response_modes_supported":["query","fragment","form_post"],
                 "grant_types_supported":["authorization_code","password","client_credentials",
                   "device_code","refresh_token"],
                 "token_endpoint_auth_methods_supported":
                   ["client_secret_basic","client_secret_post"],
                 "code_challenge_methods_supported":["plain","S256"]}
                """, revocation: "https://gitlab.com/oauth/revoke"),
        PublishedDocument(
            description: "Salesforce", place: openID,
            text: """
                {"issuer":"ORIGIN",
                 "authorization_endpoint":
                   "https://login.salesforce.com/services/oauth2/authorize",
                 "token_endpoint":"https://login.salesforce.com/services/oauth2/token",
                 "revocation_endpoint":"https://login.salesforce.com/services/oauth2/revoke",
                 "scopes_supported":["cdp_ingest_api","api","refresh_token","offline_access",
                   "openid"],
                 "response_types_supported":["code","token","token id_token"],
                 "token_endpoint_auth_methods_supported":
                   ["client_secret_post","client_secret_basic","private_key_jwt"]}
                """, refreshScopes: ["offline_access"],
            revocation: "https://login.salesforce.com/services/oauth2/revoke"),
        PublishedDocument(
            description: "Slack (OpenID Connect)", place: openID,
            text: """
                {"issuer":"ORIGIN",
                 "authorization_endpoint":"https://slack.com/openid/connect/authorize",
                 "token_endpoint":"https://slack.com/api/openid.connect.token",
                 "scopes_supported":["openid","profile","email"],
                 "response_types_supported":["code"],"response_modes_supported":["form_post"],
                 "grant_types_supported":["authorization_code"],
                 "token_endpoint_auth_methods_supported":
                   ["client_secret_post","client_secret_basic"],
                 "claims_parameter_supported":false}
                """,
            warnings: [
                "response_modes_supported lacks query", "grant_types_supported lacks refresh_token",
            ]),
        PublishedDocument(
            description: "Authlib", place: oauth,
            text: """
                {"issuer":"ORIGIN","authorization_endpoint":"https://a.example/oauth/authorize",
                 "token_endpoint":"https://a.example/oauth/token",
                 "revocation_endpoint":"https://a.example/oauth/revoke",
                 "device_authorization_endpoint":"https://a.example/oauth/device",
                 "token_endpoint_auth_methods_supported":["client_secret_post"],
                 "revocation_endpoint_auth_methods_supported":["client_secret_basic"],
                 "authorization_response_iss_parameter_supported":true}
                """, authentication: .post, sendsIssuer: true,
            revocation: "https://a.example/oauth/revoke"),
        PublishedDocument(
            description: "the MCP SDK's server", place: oauth,
            text: """
                {"issuer":"ORIGIN/","authorization_endpoint":"https://m.example/authorize",
                 "token_endpoint":"https://m.example/token",
                 "registration_endpoint":"https://m.example/register",
                 "scopes_supported":["read","write"],"response_types_supported":["code"],
                 "grant_types_supported":["authorization_code","refresh_token"],
                 "token_endpoint_auth_methods_supported":
                   ["client_secret_post","client_secret_basic"],
                 "revocation_endpoint":"https://m.example/revoke",
                 "revocation_endpoint_auth_methods_supported":
                   ["client_secret_post","client_secret_basic"],
                 "code_challenge_methods_supported":["S256"]}
                """, revocation: "https://m.example/revoke"),
    ]
}
