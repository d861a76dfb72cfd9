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
    }

    @Test func theDefaultGrantCanBeNamed() throws {
        let provider = try ProviderCatalog.parse(Self.minimal + "refresh_grant: refresh_token\n")
        #expect(provider.refreshGrant == .refreshToken && provider.accessTokensExpire)
    }

    @Test func jsonIsReadToo() throws {
        let provider = try ProviderCatalog.parse(
            #"{"name": "n", "authorization_endpoint": "https://a", "token_endpoint": "https://t"}"#)
        #expect(provider.name == "n")
    }

    @Test func anUnknownKeyIsNamedWithItsLine() {
        let text = failure(Self.minimal + "revocation_endpont: https://x\n")
        #expect(text?.hasPrefix("f:4: unknown key \"revocation_endpont\"; known are name,") == true)
    }

    @Test(
        "What is wrong is said, and where",
        arguments: [
            ("pkce: yes", "f:4: pkce is true or false"),
            ("client_authentication: jwt", "f:4: client_authentication is one of basic, basic_raw"),
            ("default_lifetime_seconds: -1", "f:4: default_lifetime_seconds is a number"),
            ("default_lifetime_seconds: 99999999999", "f:4: default_lifetime_seconds is a number"),
            ("reuse_grace_seconds: soon", "f:4: reuse_grace_seconds is a number"),
            ("refresh_token_idle_seconds: 599", "seconds, 600 to 3162240000"),
            ("refresh_token_lifetime_seconds: x", "f:4: refresh_token_lifetime_seconds is"),
            ("refresh_margin_seconds: 0", "f:4: refresh_margin_seconds is a number of seconds, 1 "),
            ("concurrent_refreshes_max: 1025", "concurrent_refreshes_max is a number, 1 to 1024"),
            ("refreshes_per_second_max: 0", "refreshes_per_second_max is a number, 1 to 100000"),
            ("grant_lost_errors: bad_refresh_token", "f:4: grant_lost_errors is a list of error"),
            ("grant_lost_errors: [x, invalid_client]", "f:4: a code in grant_lost_errors is 1 to"),
            ("access_tokens_expire: never", "f:4: access_tokens_expire is true or false"),
            ("refresh_grant: exchange", "f:4: refresh_grant is refresh_token, or a grant_type"),
            ("refresh_grant: { grant_type: g }", "f:4: refresh_grant is refresh_token, or a grant"),
            (
                "refresh_grant: { grant_type: password, parameter: p }",
                "f:4: no access token is exchanged by the grant type \"password\""
            ),
            (
                "refresh_grant: { grant_type: g, parameter: client_secret }",
                "f:4: the parameter \"client_secret\" cannot carry an access token"
            ),
            ("authorization_parameters: [a]", "f:4: authorization_parameters is a list of names"),
            ("token_parameters: { a: [b] }", "f:4: token_parameters is a text"),
            ("issuer:", "f:4: issuer is a text that is not empty"),
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
        #expect(failure("name: example") == "f: authorization_endpoint is missing")
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
