// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Requests of providers that want them otherwise than the RFCs.
@Suite struct TokenRequestVariantTests {
    @Test func theSecretAloneMayAuthenticate() throws {
        var setting = RequestSetting()
        setting.clientSecret = "sk_1%+"
        setting.method = .secretAsUser
        var sent = try setting.refresh("r")
        // sk_1%+:
        #expect(sent.authorization == "Basic c2tfMSUrOg==")
        #expect(sent.body == "grant_type=refresh_token&refresh_token=r")
        #expect(try setting.revoke("t", .refreshToken).authorization == "Basic c2tfMSUrOg==")
        setting.method = .bearer
        sent = try setting.exchange(code: "c", verifier: nil)
        #expect(sent.authorization == "Bearer sk_1%+")
        #expect(!sent.body.contains("client_") && !sent.body.contains("sk_1"))
        // The password would begin in it.
        setting.clientSecret = "a:b"
        #expect(setting.error() == nil)
        setting.method = .secretAsUser
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
    }

    @Test func sendsJSON() throws {
        var setting = RequestSetting()
        setting.method = .post
        setting.clientSecret = #"a"b\c"#
        setting.parameters = [.init("p\"", "\u{1}ü\u{7f}")]
        setting.change = { $0.requestBody = .json }
        #expect(
            try setting.exchange(code: "4/c\"").body
                == #"{"grant_type":"authorization_code","code":"4/c\"","#
                + #""redirect_uri":"https://oauth2.example.com/callback","#
                + #""code_verifier":"\#(TokenRequestTests.verifier)","client_id":"id","#
                + #""client_secret":"a\"b\\c","p\"":"\u0001ü"# + "\u{7f}\"}")
        #expect(
            try setting.refresh(#"r\""#).body
                == #"{"grant_type":"refresh_token","refresh_token":"r\\\"","client_id":"id","#
                + #""client_secret":"a\"b\\c","p\"":"\u0001ü"# + "\u{7f}\"}")
        // RFC 7009 section 2.1: a form.
        #expect(try setting.revoke("t", .refreshToken).body.hasPrefix("token=t&"))
        // What is no VSCHAR cannot be JSON for sure (RFC 6749 appendix A).
        #expect(setting.error(token: "r\u{e9}") == VaultError(.invalidArgument, .exchange))
        #expect(throws: VaultError(.invalidArgument, .exchange)) {
            try setting.exchange(code: "c\u{e9}")
        }
        let quotes = String(repeating: "\"", count: TokenSet.tokenBytesMax)
        #expect(setting.error(token: quotes) == nil)
        setting.method = .none
        setting.parameters = []
        setting.change = {
            $0.requestBody = .json
            $0.tokenParameterNames = ["client_id": nil, "grant_type": nil]
        }
        #expect(try setting.refresh("r").body == #"{"refresh_token":"r"}"#)
    }

    @Test func parametersMayHaveOtherNames() throws {
        var setting = RequestSetting()
        setting.method = .post
        setting.change = {
            $0.tokenParameterNames = [
                "client_id": "client key", "client_secret": "secret", "code": "assertion",
                "refresh_token": "assertion", "redirect_uri": nil, "grant_type": nil,
            ]
            $0.tokenParameters = [.init("code", "x")]
            $0.exchangeParameters = [.init("grant_type", "web")]
            $0.refreshParameters = [.init("grant_type", "again")]
        }
        #expect(
            try setting.exchange(code: "c").body
                == "assertion=c&code_verifier=\(TokenRequestTests.verifier)"
                + "&client+key=id&secret=secret&code=x"
                + "&grant_type=web")
        #expect(
            try setting.refresh("r").body
                == "assertion=r&client+key=id&secret=secret&code=x&grant_type=again")
        #expect(
            try setting.revoke("t", .accessToken).body
                == "token=t&token_type_hint=access_token&client+key=id&secret=secret")
        // The names that they have are taken, in either request.
        for name in ["client key", "secret", "assertion"] {
            setting.change = {
                $0.tokenParameterNames = [
                    "client_id": "client key", "client_secret": "secret", "code": "assertion",
                ]
                $0.refreshParameters = [.init(name, "x")]
            }
            #expect(setting.error() == VaultError(.invalidArgument, .exchange), "\(name)")
        }
    }

    /// Whatever a record holds, no field begins another.
    @Test func aHeaderThatIsNoneIsNotSent() {
        var setting = RequestSetting()
        let wrong = [
            ("X", "1\r\nHost: x"), ("X: 1\r\nY", "1"), ("Host", "x"), ("X", ""), ("", "x"),
        ]
        for (name, value) in wrong {
            setting.change = { $0.requestHeaders = [.init("Accept", "a"), .init(name, value)] }
            #expect(setting.error() == VaultError(.invalidArgument, .exchange), "\(name)")
        }
        setting.change = { $0.requestHeaders = [.init("X", "1")] }
        #expect(setting.error() == nil)
    }

    @Test func aRefreshMayRepeatTheRedirectURI() throws {
        var setting = RequestSetting()
        setting.method = .none
        setting.change = { $0.sendsRedirectURIOnRefresh = true }
        let redirect = "https%3A%2F%2Foauth2.example.com%2Fcallback"
        #expect(
            try setting.refresh("r").body
                == "grant_type=refresh_token&refresh_token=r&redirect_uri=\(redirect)&client_id=id")
    }

    @Test func eachRequestHasItsOwnParameters() throws {
        var setting = RequestSetting()
        setting.method = .basic
        setting.parameters = [.init("p", "q")]
        setting.change = {
            $0.exchangeParameters = [.init("type", "web server")]
            $0.refreshParameters = [.init("type", "refresh"), .init("scope", "offline")]
        }
        #expect(
            try setting.exchange(code: "c", verifier: nil).body.hasSuffix("&p=q&type=web+server"))
        #expect(try setting.refresh("r").body.hasSuffix("=r&p=q&type=refresh&scope=offline"))
        #expect(try !setting.revoke("t", .accessToken).body.contains("type="))
        setting.change = { $0.exchangeParameters = [.init("p", "again")] }
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
        setting.change = { $0.refreshParameters = [.init("client_id", "evil")] }
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
    }
}
