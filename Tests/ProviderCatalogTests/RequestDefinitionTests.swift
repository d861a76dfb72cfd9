// SPDX-License-Identifier: Apache-2.0

import ProviderCatalog
import Testing
import TokenVault

/// Definitions of providers that want requests otherwise than the RFCs.
struct RequestDefinitionTests {
    @Test func whatRequestsLookLikeIsRead() throws {
        let provider = try ProviderCatalog.parse(
            ProviderCatalogTests.minimal + """
                client_authentication: secret_as_user
                request_body: json
                refresh_endpoint: https://login.example.com/refresh
                exchange_parameters: { type: web_server }
                refresh_parameters: { type: refresh }
                request_headers: { Accept: application/vnd.example+json, User-Agent: platform/1 }
                authorization_parameter_names: { client_id: app, scope: null }
                token_parameter_names:
                  client_id: app
                  grant_type:
                callback_parameter_names: { code: auth_code }
                redirect_uri_on_refresh: true
                nonce_parameter: nonce
                user_scope_parameter: user_scope
                refresh_scopes: [offline_access]
                response_type: code id_token
                """)
        #expect(provider.clientAuthentication == .secretAsUser && provider.requestBody == .json)
        #expect(provider.refreshEndpoint == "https://login.example.com/refresh")
        #expect(provider.exchangeParameters == [.init("type", "web_server")])
        #expect(provider.refreshParameters == [.init("type", "refresh")])
        #expect(
            provider.requestHeaders == [
                .init("Accept", "application/vnd.example+json"), .init("User-Agent", "platform/1"),
            ])
        #expect(provider.authorizationParameterNames == ["client_id": "app", "scope": nil])
        #expect(provider.tokenParameterNames == ["client_id": "app", "grant_type": nil])
        #expect(provider.callbackParameterNames == ["code": "auth_code"])
        #expect(provider.sendsRedirectURIOnRefresh && provider.nonceParameter == "nonce")
        #expect(provider.userScopeParameter == "user_scope")
        #expect(provider.refreshScopes == ["offline_access"])
        #expect(provider.responseType == "code id_token")
    }

    @Test(
        "What is wrong is said, and where",
        arguments: [
            ("request_body: xml", "f:4: request_body: \"xml\" is not form or json"),
            ("refresh_endpoint: /r", "f:4: refresh_endpoint: \"/r\" is not an absolute URL"),
            (
                "token_parameters: { a: x }\nexchange_parameters: { a: y }",
                "f:5: exchange_parameters: \"a\" is among token_parameters, too"
            ),
            (
                "refresh_parameters: { client_id: x }",
                "f:4: refresh_parameters: \"client_id\" is set by the flow itself"
            ),
            (
                "request_headers:\n  Accept: x\n  Host: y",
                "f:6: request_headers: \"Host\" is set by the vault itself: leave it out"
            ),
            ("request_headers: { Accept: '' }", "f:4: request_headers: \"\" is not 1 to 1024"),
            (
                "token_parameter_names:\n  code: c\n  scope: s",
                "f:6: token_parameter_names: \"scope\" is not a parameter that can have another"
            ),
            (
                "authorization_parameter_names: { state: null }",
                "f:4: authorization_parameter_names: nothing is not a name: state cannot be left"
            ),
            (
                "callback_parameter_names: { code: state }",
                "f:4: callback_parameter_names: \"state\" is the name of two parameters of one"
            ),
            (
                "redirect_uri_on_refresh: again",
                "f:4: redirect_uri_on_refresh: \"again\" is not true"
            ),
            ("nonce_parameter: state", "f:4: nonce_parameter: \"state\" is set by the flow"),
            ("user_scope_parameter: scope", "f:4: user_scope_parameter: \"scope\" is set by the"),
            ("refresh_scopes: [a b]", "f:4: refresh_scopes: \"a b\" is not a scope, 1 to 256"),
            ("response_type: token", "f:4: response_type: \"token\" is not a response_type that"),
        ])
    func wrong(lines: String, expected: String) {
        do {
            _ = try ProviderCatalog.parse(ProviderCatalogTests.minimal + lines + "\n", file: "f")
            Issue.record("accepted: \(lines)")
        } catch {
            #expect(error.description.contains(expected), "\(error.description)")
        }
    }
}
