// SPDX-License-Identifier: Apache-2.0

import ProviderCatalog
import Testing

/// Mistakes that people make in a definition: each is told with its line, the setting, what it is
/// and what would do. `tokenvault provider check` prints the same.
struct BrokenDefinitionTests {
    static let mistakes: [(line: String, message: String)] = [
        ("revocation_endpont: https://a.example/revoke", "4: unknown key \"revocation_endpont\""),
        (
            "revocation_endpoint: a.example/revoke",
            "4: revocation_endpoint: \"a.example/revoke\" is not an absolute URL (https://...)"
        ),
        (
            "client_authentication: secret",
            "4: client_authentication: \"secret\" is not basic, basic_raw, post, none,"
        ),
        ("pkce: maybe", "4: pkce: \"maybe\" is not true or false"),
        (
            "scope_separator: 9characters",
            "4: scope_separator: \"9characters\" is not a text of 1 to 8 bytes without control"
        ),
        (
            "authorization_parameters: { state: x }",
            "4: authorization_parameters: \"state\" is set by the flow itself: leave it out"
        ),
        (
            "authorization_parameters: [prompt]",
            "4: authorization_parameters: \"prompt\" is not a name and a value"
        ),
        (
            "token_parameters: { grant_type: password }",
            "4: token_parameters: \"grant_type\" is set by the flow itself: leave it out"
        ),
        (
            "default_lifetime_seconds: an hour",
            "4: default_lifetime_seconds: \"an hour\" is not a number of seconds, 0 to"
        ),
        (
            "default_lifetime_seconds: -1",
            "4: default_lifetime_seconds: \"-1\" is not a number of seconds, 0 to 3162240000"
        ),
        ("rotation: often", "4: rotation: \"often\" is not never, always or sometimes"),
        (
            "reuse_grace_seconds: 1.5",
            "4: reuse_grace_seconds: \"1.5\" is not a number of seconds, 0 to 3162240000"
        ),
        ("listen_seconds: 5", "4: listen_seconds: \"5\" is not a number of seconds, 15 to 3600"),
        (
            "refresh_token_idle_seconds: 60",
            "4: refresh_token_idle_seconds: \"60\" is not a number of seconds, 600 to"
        ),
        (
            "refresh_grant: { grant_type: refresh_token, parameter: t }",
            "4: refresh_grant: \"refresh_token\" is not a grant type by which an access token"
        ),
        (
            "refresh_grant: password",
            "4: refresh_grant: \"password\" is not refresh_token, or { grant_type: ...,"
        ),
        (
            "grant_lost_errors: invalid",
            "4: grant_lost_errors: \"invalid\" is not a list of at most 16, each an error code"
        ),
        (
            "grant_lost_errors: [invalid_client]",
            "4: grant_lost_errors: \"invalid_client\" is not an error code of the provider's"
        ),
        (
            "grant_lost_answers: [{ status: 500, error: none }]",
            "4: grant_lost_answers: \"500\" is not a status of 400 to 499 other than 408, 425"
        ),
        (
            "bearer_token_types: [\"\"]",
            "4: bearer_token_types: \"\" is not a token_type of bearer tokens, 1 to 64"
        ),
        (
            "concurrent_refreshes_max: 0",
            "4: concurrent_refreshes_max: \"0\" is not a number, 1 to 1024"
        ),
        (
            "refreshes_per_second_max: many",
            "4: refreshes_per_second_max: \"many\" is not a number, 1 to 100000"
        ),
        (
            "variables: { Shop: {} }",
            "4: variables: \"Shop\" is not a name: small letters, digits and _, a letter first"
        ),
        (
            "variables: { shop: { pattern: \"(\" } }",
            "4: variables: \"(\" is not a POSIX extended regular expression of at most 128"
        ),
        (
            "variables: { shop: { host_suffixes: [com] } }",
            "4: variables: \"com\" is not a host name of at least two labels, such as"
        ),
        (
            "variables: { shop: { colour: red } }",
            "4: variables: \"colour\" is not default, pattern, host_suffixes or callback"
        ),
        (
            "revocation_endpoint: https://{shop}.example/revoke",
            "4: revocation_endpoint: {shop} is not among variables: declare it there, or take"
        ),
        (
            "resource_hosts: [https://api.example]",
            "4: resource_hosts: \"https://api.example\" is not a host name, or a template of"
        ),
        (
            "captured_from_callback: { x: code }",
            "4: captured_from_callback: \"code\" is not a parameter of the callback's, other"
        ),
        (
            "captured_from_reply: { x: access_token }",
            "4: captured_from_reply: \"access_token\" is the path of a secret: take it out:"
        ),
        (
            "reply_members: { acces_token: data.token }",
            "4: reply_members: \"acces_token\" is not one of access_token, refresh_token,"
        ),
        (
            "reply_members: { access_token: data..token }",
            "4: reply_members: \"data..token\" is not a path such as data.access_token or"
        ),
        ("lifetime_unit: minutes", "4: lifetime_unit: \"minutes\" is not seconds or milliseconds"),
        (
            "success_code: { member: ok }",
            "4: success_code: { member: ... } is not { member: a path, values: [...] }, with 1"
        ),
        (
            "temporary_errors: [invalid_grant]",
            "4: temporary_errors: \"invalid_grant\" is not an error code of 1 to 64 characters"
        ),
        (
            "second_connection: { suffix: .user }",
            "4: second_connection: { suffix: ... } is not { suffix: .user, reply_members: {"
        ),
        (
            "second_connection: { suffix: .user, reply_members: { scope: a.scope } }",
            "4: second_connection: { scope: ... } is not the path of its access token, as"
        ),
        (
            "second_connection: { suffix: .u, reply_members: { access_token: access_token } }",
            "4: second_connection: \"access_token\" is the path of a token of the first: take"
        ),
        ("request_body: xml", "4: request_body: \"xml\" is not form or json"),
        (
            "request_headers: { Host: b.example }",
            "4: request_headers: \"Host\" is set by the vault itself: leave it out"
        ),
        (
            "request_headers: { X-A: \"\" }",
            "4: request_headers: \"\" is not 1 to 1024 characters of ASCII, no space at either"
        ),
        (
            "authorization_parameter_names: { clientid: x }",
            "4: authorization_parameter_names: \"clientid\" is not a parameter that can have"
        ),
        (
            "token_parameter_names: { code: null }",
            "4: token_parameter_names: nothing is not a name: code cannot be left out"
        ),
        (
            "callback_parameter_names: { code: null }",
            "4: callback_parameter_names: nothing is not a name: code cannot be left out"
        ),
        (
            "nonce_parameter: state",
            "4: nonce_parameter: \"state\" is set by the flow itself: leave it out"
        ),
        (
            "user_scope_parameter: scope",
            "4: user_scope_parameter: \"scope\" is set by the flow itself: leave it out"
        ),
        (
            "refresh_scopes: [\"a b\"]",
            "4: refresh_scopes: \"a b\" is not a scope, 1 to 256 bytes without spaces"
        ),
        (
            "response_type: \"\"",
            "4: response_type: \"\" is not a response_type that brings a code, 1 to 64 bytes"
        ),
        (
            "revocation: { method: put }",
            "4: revocation: method: \"put\" is not post, delete or get"
        ),
        (
            "revocation: { authentication: bearer }",
            "4: revocation: tokens: both goes with no authentication: bearer, which presents"
        ),
        (
            "revocation: { method: get, authentication: bearer, tokens: access }",
            "4: revocation: body: form would put the token into the URL of a GET: write body:"
        ),
        (
            "lookup: { values: { a: b } }",
            "4: lookup: url: none is not an absolute URL (https://...)"
        ),
        (
            "lookup: { url: https://a.example/me }",
            "4: lookup: values: none says that nothing is looked for: name one, or account"
        ),
        (
            "callback_signature: { encoding: octal }",
            "4: callback_signature: encoding: \"octal\" is not hex or base64"
        ),
        (
            "exchange_parameters: { code: x }",
            "4: exchange_parameters: \"code\" is set by the flow itself: leave it out"
        ),
        (
            "refresh_parameters: { refresh_token: x }",
            "4: refresh_parameters: \"refresh_token\" is set by the flow itself: leave it out"
        ),
        (
            "refresh_endpoint: ftp://a.example/x",
            "4: refresh_endpoint: \"ftp://a.example/x\" is not an absolute URL (https://...) of"
        ),
        ("assertion_claims:", "4: assertion_claims: nothing is not names and values, at most 16"),
        (
            "assertion_claims: { sub: anna }",
            "4: assertion_claims: \"sub\" is set by the assertion itself: leave it out: it is"
        ),
        (
            "assertion_claims: { scope: \"{scopes}\" }",
            "4: assertion_claims: \"{scopes}\" is not a text in which braces name variables,"
        ),
        ("title: \"\"", "4: title: \"\" is not a text of 1 to 256 bytes"),
        (
            "facts: { unverified: [nothing] }",
            "4: facts: a list of 1 value names \"nothing\", which is none: the keys of settings"
        ),
        ("name: other", "1: the same key twice: name"),
        ("pkce: [", "5: did not find expected node content"),
    ]

    @Test(arguments: mistakes.indices)
    func eachIsTold(index: Int) {
        let (line, message) = Self.mistakes[index]
        let text = ProviderCatalogTests.minimal + line + "\n"
        do {
            _ = try ProviderCatalog.entry(text: text, file: "f")
            Issue.record("\(line) is taken")
        } catch {
            #expect(error.description.hasPrefix("f:" + message), "\(error.description)")
        }
    }
}
