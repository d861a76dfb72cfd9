// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderCatalog
import Testing
import TokenVault

/// Definitions as people write them, and what is said about those that are wrong.
struct ProviderCatalogTests {
    static let minimal = """
        name: example
        authorization_endpoint: https://login.example.com/authorize
        token_endpoint: https://login.example.com/token

        """

    private func failure(_ text: String) -> String? {
        do {
            _ = try ProviderCatalog.parse(text, file: "f")
            return nil
        } catch {
            return error.description
        }
    }

    @Test func threeKeysAreEnough() throws {
        let provider = try ProviderCatalog.parse(Self.minimal)
        #expect(
            provider
                == Provider(
                    name: "example",
                    authorizationEndpoint: "https://login.example.com/authorize",
                    tokenEndpoint: "https://login.example.com/token"))
    }

    @Test func everyKeyIsRead() throws {
        let provider = try ProviderCatalog.parse(
            Self.minimal + """
                revocation_endpoint: https://login.example.com/revoke
                issuer: https://login.example.com
                client_authentication: basic_raw
                scope_separator: ","
                pkce: false
                authorization_parameters: { prompt: consent, max_age: 60 }
                token_parameters: { audience: "a b" }
                default_lifetime_seconds: 3600
                reuse_grace_seconds: 30
                refresh_token_idle_seconds: 7776000
                refresh_token_lifetime_seconds: 31536000
                refresh_margin_seconds: 30
                concurrent_refreshes_max: 4
                refreshes_per_second_max: 2
                grant_lost_errors: [bad_refresh_token, 190]
                access_tokens_expire: false
                refresh_grant: { grant_type: fb_exchange_token, parameter: fb_token }
                rotation: sometimes
                listen_seconds: 300
                bearer_token_types: [bot]
                grant_lost_answers:
                - { status: 400, error: none }
                - { error: unauthorized_client, status: 403 }
                revokes_replaced_grant: true
                """)
        #expect(provider.revocationEndpoint == "https://login.example.com/revoke")
        #expect(provider.issuer == "https://login.example.com")
        #expect(provider.clientAuthentication == .basicRaw)
        #expect(provider.scopeSeparator == ",")
        #expect(!provider.usesPKCE)
        let added = provider.authorizationParameters
        #expect(added == [.init("prompt", "consent"), .init("max_age", "60")])
        #expect(provider.tokenParameters == [.init("audience", "a b")])
        #expect(provider.defaultLifetimeSeconds == 3600)
        #expect(provider.reuseGraceSeconds == 30)
        #expect(provider.refreshTokenIdleSeconds == 7_776_000)
        #expect(provider.refreshTokenLifetimeSeconds == 31_536_000)
        #expect(provider.refreshMarginSeconds == 30)
        #expect(provider.concurrentRefreshesMax == 4)
        #expect(provider.refreshesPerSecondMax == 2)
        #expect(provider.grantLostErrors == ["bad_refresh_token", "190"])
        #expect(!provider.accessTokensExpire)
        #expect(
            provider.refreshGrant
                == .exchange(grantType: "fb_exchange_token", parameter: "fb_token"))
        #expect(provider.rotation == .sometimes && provider.listenSeconds == 300)
        #expect(provider.bearerTokenTypes == ["bot"] && provider.revokesReplacedGrant)
        #expect(
            provider.grantLostAnswers == [
                .init(status: 400, error: nil), .init(status: 403, error: "unauthorized_client"),
            ])
    }

    @Test func settingsOfAnswersAreRead() throws {
        let provider = try ProviderCatalog.parse(
            Self.minimal + """
                reply_members: { access_token: data.access_token, error: errors.0.errorType }
                lifetime_unit: milliseconds
                success_code: { member: code, values: [0, ok] }
                temporary_errors:
                - ratelimited
                - { status: 403, error: none }
                captured_from_reply: { instance_url: instance_url, team: team.id }
                """)
        var members = Provider.ReplyMembers()
        (members.accessToken, members.error) = ("data.access_token", "errors.0.errorType")
        #expect(provider.replyMembers == members && provider.lifetimeUnit == .milliseconds)
        #expect(provider.successCode == .init(member: "code", values: ["0", "ok"]))
        #expect(
            provider.temporaryErrors == [
                .init(error: "ratelimited"), .init(status: 403, error: nil),
            ])
        #expect(
            provider.capturedFromReply == [
                .init("instance_url", path: "instance_url"), .init("team", path: "team.id"),
            ])
    }

    /// Pairs keep their order in JSON, which objects do not.
    @Test func parametersMayBePairs() throws {
        let provider = try ProviderCatalog.parse(
            Self.minimal + "token_parameters: [[b, x], [a, \"\"]]\n")
        #expect(provider.tokenParameters == [.init("b", "x"), .init("a", "")])
    }

    @Test func theDefaultGrantCanBeNamed() throws {
        let provider = try ProviderCatalog.parse(Self.minimal + "refresh_grant: refresh_token\n")
        #expect(provider.refreshGrant == .refreshToken && provider.accessTokensExpire)
    }

    /// An alias is short and stands for as much as one likes.
    @Test func aliasesAreCounted() {
        var text = "name: &a0 [x, x, x, x, x, x, x, x]\n"
        for (level, key) in ["issuer", "pkce", "token_parameters", "rotation"].enumerated() {
            let alias = Array(repeating: "*a\(level)", count: 8).joined(separator: ", ")
            text += "\(key): &a\(level + 1) [\(alias)]\n"
        }
        #expect(failure(text)?.contains("more than 4096 values") == true)
    }

    @Test func jsonIsReadToo() throws {
        let provider = try ProviderCatalog.parse(
            #"{"name": "n", "authorization_endpoint": "https://a", "token_endpoint": "https://t"}"#)
        #expect(provider.name == "n")
    }

    @Test func anUnknownKeyIsNamedWithItsLine() {
        #expect(
            failure(Self.minimal + "revocation_endpont: https://x\n")
                == "f:4: unknown key \"revocation_endpont\": did you mean revocation_endpoint?")
        #expect(
            failure(Self.minimal + "colour: red\n")
                == "f:4: unknown key \"colour\": `tokenvault app add --help` lists the settings")
    }

    @Test(
        "What is wrong is said, and where",
        arguments: [
            ("pkce: yes", "f:4: pkce: \"yes\" is not true or false"),
            (
                "client_authentication: jwt",
                "f:4: client_authentication: \"jwt\" is not basic, basic_raw, post, none, "
                    + "secret_as_user, bearer or private_key_jwt"
            ),
            (
                "default_lifetime_seconds: -1",
                "f:4: default_lifetime_seconds: \"-1\" is not a number of seconds, 0 to 3162240000"
            ),
            ("default_lifetime_seconds: 99999999999", "f:4: default_lifetime_seconds: \"9999"),
            ("reuse_grace_seconds: soon", "f:4: reuse_grace_seconds: \"soon\" is not a number"),
            ("refresh_token_idle_seconds: 599", "seconds, 600 to 3162240000"),
            ("refresh_token_lifetime_seconds: x", "f:4: refresh_token_lifetime_seconds: \"x\" is"),
            ("refresh_margin_seconds: 0", "f:4: refresh_margin_seconds: \"0\" is not a number of"),
            ("concurrent_refreshes_max: 1025", "f:4: concurrent_refreshes_max: \"1025\" is not a"),
            ("refreshes_per_second_max: 0", "\"0\" is not a number, 1 to 100000"),
            (
                "grant_lost_errors: gone",
                "f:4: grant_lost_errors: \"gone\" is not a list of at most"
            ),
            (
                "grant_lost_errors:\n- x\n- invalid_client",
                "f:6: grant_lost_errors: \"invalid_client\" is not an error code of the provider's"
            ),
            (
                "grant_lost_errors: [x, 400]",
                "for an HTTP status, or an answer that names no error, write "
                    + "grant_lost_answers: [{status: 400, error: none}]"
            ),
            ("grant_lost_errors: ['*']", "f:4: grant_lost_errors: \"*\" is not an error code"),
            (
                "grant_lost_answers: [{status: 400}]",
                "f:4: grant_lost_answers: { status: ... } is not { status: ..., error: ... }, with "
            ),
            (
                "grant_lost_answers:\n- { status: 400, error: none }\n- { status: 429, error: x }",
                "f:6: grant_lost_answers: \"429\" is not a status of 400 to 499 other than 408, 425"
            ),
            (
                "grant_lost_answers: [{status: 400, error: invalid_grant}]",
                "f:4: grant_lost_answers: \"invalid_grant\" is not an error whose meaning"
            ),
            ("grant_lost_answers: [{status: 400, error: ''}]", "f:4: grant_lost_answers: \"\" is"),
            ("grant_lost_answers: [{status: 400, error: }]", "f:4: grant_lost_answers: nothing is"),
            (
                "reply_members: { access_token: data..token }",
                "f:4: reply_members: \"data..token\" is not a path such as data.access_token or"
            ),
            ("reply_members: { id_token: a }", "f:4: reply_members: \"id_token\" is not one of"),
            ("lifetime_unit: hours", "f:4: lifetime_unit: \"hours\" is not seconds or millisec"),
            ("success_code: code", "f:4: success_code: \"code\" is not { member: a path, values"),
            (
                "success_code: { member: code, values: [] }",
                "f:4: success_code: a list of 0 values is not a list of 1 to 8 values"
            ),
            (
                "temporary_errors: [x, 403]",
                "f:4: temporary_errors: \"403\" is not an error code; for an HTTP status, or an "
                    + "answer that names no error, write [{status: 403, error: none}]"
            ),
            (
                "temporary_errors:\n- x\n- { status: 400, error: invalid_grant }",
                "f:6: temporary_errors: \"invalid_grant\" is not an error whose meaning with"
            ),
            (
                "captured_from_reply: { token: data.access_token }",
                "f:4: captured_from_reply: \"data.access_token\" is the path of a secret: take it"
            ),
            ("captured_from_reply: { a-b: c }", "f:4: captured_from_reply: \"a-b\" is not a name"),
            ("rotation: maybe", "f:4: rotation: \"maybe\" is not never, always or sometimes"),
            ("listen_seconds: 3601", "\"3601\" is not a number of seconds, 15 to 3600"),
            (
                "bearer_token_types: [mac]",
                "f:4: bearer_token_types: \"mac\" is not a token_type of"
            ),
            (
                "revokes_replaced_grant: 1",
                "f:4: revokes_replaced_grant: \"1\" is not true or false"
            ),
            ("access_tokens_expire: never", "f:4: access_tokens_expire: \"never\" is not true or"),
            (
                "refresh_grant: exchange",
                "f:4: refresh_grant: \"exchange\" is not refresh_token, or {"
            ),
            (
                "refresh_grant: { grant_type: g }",
                "f:4: refresh_grant: { grant_type: ... } is not refresh"
            ),
            (
                "refresh_grant: { grant_type: password, parameter: p }",
                "f:4: refresh_grant: \"password\" is not a grant type by which an access token is"
            ),
            (
                "refresh_grant: { grant_type: g, parameter: client_secret }",
                "f:4: refresh_grant: \"client_secret\" is not a parameter that can carry an access"
            ),
            (
                "token_parameters: { p: x }\nrefresh_grant: { grant_type: g, parameter: p }",
                "f:5: refresh_grant: \"p\" is among token_parameters, too"
            ),
            ("authorization_parameters: [a]", "f:4: authorization_parameters: \"a\" is not a name"),
            ("authorization_parameters: { state: a }", "\"state\" is set by the flow itself"),
            (
                "token_parameters: { a: [b] }",
                "f:4: token_parameters: a list of 1 value is not a text"
            ),
            ("issuer:", "f:4: issuer: nothing is not a text of 1 to 2048 bytes"),
            ("issuer: null", "f:4: issuer: nothing is not a text"),
            (
                "revocation_endpoint: login",
                "f:4: revocation_endpoint: \"login\" is not an absolute"
            ),
            ("issuer: [[[[[[[[x]]]]]]]]", "f:4: issuer: more than 4096 values, or too deep"),
            ("name: again", "the same key twice"),
            ("? [a, b]\n: c", "f:4: a key is a plain word"),
            ("issuer: \"unclosed", "f:"),
            ("---\nname: second", "f:"),
        ])
    func wrong(line: String, expected: String) {
        let text = failure(Self.minimal + line + "\n")
        #expect(text?.contains(expected) == true, "\(text ?? "accepted")")
    }

    @Test func aMissingKeyIsNamed() {
        #expect(failure("name: example") == "f: token_endpoint is missing")
        let tokenOnly = "name: example\ntoken_endpoint: https://login.example.com/token\n"
        #expect(
            failure(tokenOnly)
                == "f: authorization_endpoint: it is missing: give it, or "
                + "client_credentials_grant_type or assertion_claims where the client asks for "
                + "tokens by itself")
        #expect(failure(tokenOnly + "client_credentials_grant_type: client_credentials") == nil)
        #expect(failure(tokenOnly + "assertion_claims: {}") == nil)
        #expect(failure("") == "f: empty")
        #expect(failure("- a") == "f:1: not a list of keys and values")
    }

    @Test func deepNestingIsRefused() {
        let deep = String(repeating: "[", count: 30_000)
        #expect(failure(deep) != nil)
        #expect(failure("name: " + deep + String(repeating: "]", count: 30_000)) != nil)
    }

    @Test func aFileHasALimit() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let filler = String(repeating: "#", count: ProviderCatalog.fileBytesMax)
        try Data((Self.minimal + filler).utf8).write(to: URL(filePath: path))
        #expect(throws: DefinitionError.self) { try ProviderCatalog.load(path) }
        try Data(Self.minimal.utf8).write(to: URL(filePath: path))
        #expect(try ProviderCatalog.load(path).name == "example")
        try Data([0xff, 0xfe, 0x00]).write(to: URL(filePath: path))
        #expect(throws: DefinitionError.self) { try ProviderCatalog.load(path) }
        #expect(throws: DefinitionError.self) { try ProviderCatalog.load(path + ".no") }
    }

    @Test func aPipeIsNoDefinition() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString).path
        try #require(unsafe mkfifo(path, 0o600) == 0)
        defer { try? FileManager.default.removeItem(atPath: path) }
        for path in [path, "/dev/zero", "/tmp"] {
            #expect {
                try ProviderCatalog.load(path)
            } throws: {
                ($0 as? DefinitionError)?.message == "no regular file"
            }
        }
    }
}
