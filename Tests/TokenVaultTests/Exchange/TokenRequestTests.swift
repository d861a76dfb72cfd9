// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

@Suite struct TokenRequestTests {
    static let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

    @Test func exchangesACode() throws {
        var setting = RequestSetting()
        setting.method = .none
        setting.parameters = [.init("audience", "a b"), .init("expiring", "1")]
        let sent = try setting.exchange(code: "4/0A+b/c=")
        #expect(
            sent.body == "grant_type=authorization_code&code=4%2F0A%2Bb%2Fc%3D"
                + "&redirect_uri=https%3A%2F%2Foauth2.example.com%2Fcallback"
                + "&code_verifier=\(Self.verifier)&client_id=id&audience=a+b&expiring=1")
        #expect(sent.authorization == nil)
        let plain = try setting.exchange(code: "c", verifier: nil)
        #expect(!plain.body.contains("code_verifier"))
    }

    @Test func exchangesAnAccessToken() throws {
        var setting = RequestSetting()
        setting.method = .post
        setting.parameters = [.init("p", "q")]
        setting.grant = .exchange(grantType: "fb_exchange_token", parameter: "fb token")
        #expect(
            try setting.refresh("E/A").body
                == "grant_type=fb_exchange_token&fb+token=E%2FA&client_id=id"
                + "&client_secret=secret&p=q")
        // No parameter may occur twice (RFC 6749 section 3.2).
        setting.grant = .exchange(grantType: "g", parameter: "p")
        #expect(setting.error()?.code == .invalidArgument)
        setting.grant = .exchange(grantType: "g", parameter: "client_secret")
        #expect(setting.error()?.code == .invalidArgument)
    }

    @Test func refreshesAndRevokes() throws {
        var setting = RequestSetting()
        setting.method = .post
        setting.parameters = [.init("p", "q")]
        #expect(
            try setting.refresh("1//r").body
                == "grant_type=refresh_token&refresh_token=1%2F%2Fr&client_id=id"
                + "&client_secret=secret&p=q")
        #expect(
            try setting.revoke("t", .refreshToken).body
                == "token=t&token_type_hint=refresh_token&client_id=id&client_secret=secret")
        #expect(try setting.revoke("t", .accessToken).body.contains("hint=access_token&"))
    }

    /// RFC 6749 section 2.3.1: id and secret are form-encoded, then joined, then base64.
    @Test func authenticatesInExactlyOneWay() throws {
        var setting = RequestSetting()
        setting.clientSecret = "a:b%+ü"
        setting.method = .basic
        var sent = try setting.refresh("r")
        // id:a%3Ab%25%2B%C3%BC
        #expect(sent.authorization == "Basic aWQ6YSUzQWIlMjUlMkIlQzMlQkM=")
        #expect(sent.body == "grant_type=refresh_token&refresh_token=r")
        setting.method = .basicRaw
        sent = try setting.refresh("r")
        // id:a:b%+ü
        #expect(sent.authorization == "Basic aWQ6YTpiJSvDvA==")
        #expect(sent.body == "grant_type=refresh_token&refresh_token=r")
        setting.method = .post
        sent = try setting.refresh("r")
        #expect(sent.authorization == nil)
        #expect(sent.body.hasSuffix("&client_id=id&client_secret=a%3Ab%25%2B%C3%BC"))
        setting.method = .none
        sent = try setting.refresh("r")
        #expect(sent.authorization == nil)
        #expect(sent.body == "grant_type=refresh_token&refresh_token=r&client_id=id")
    }

    @Test func formEncodesAClientIDWithAColon() throws {
        var setting = RequestSetting()
        setting.clientID = "a:b c"
        setting.method = .basic
        // a%3Ab%20c:secret
        #expect(try setting.refresh("r").authorization == "Basic YSUzQWIlMjBjOnNlY3JldA==")
        setting.method = .basicRaw
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
    }

    @Test(arguments: [.basic, .basicRaw, .post] as [Provider.ClientAuthentication])
    func wantsASecretWhereTheMethodHasOne(_ method: Provider.ClientAuthentication) {
        var setting = RequestSetting()
        setting.method = method
        setting.clientSecret = nil
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
        setting.clientSecret = ""
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
    }

    @Test func addedParametersOverrideNothing() {
        for name in Provider.reservedTokenParameters {
            var setting = RequestSetting()
            setting.parameters = [.init("x", "1"), .init(name, "evil")]
            #expect(setting.error() == VaultError(.invalidArgument, .exchange), "\(name)")
        }
        var setting = RequestSetting()
        setting.parameters = [.init("x", "1"), .init("x", "2")]
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
        setting.parameters = [.init("", "1")]
        #expect(setting.error() == VaultError(.invalidArgument, .exchange))
        setting.parameters = [.init("x&client_id", "1&client_secret=2")]
        #expect(setting.error() == nil)
        let body = try? setting.refresh("r").body
        #expect(body?.hasSuffix("&x%26client_id=1%26client_secret%3D2") == true)
    }

    @Test func holdsItsLimits() throws {
        func text(_ count: Int) -> String { String(repeating: "t", count: count) }
        func limit(_ number: Int) -> VaultError {
            VaultError(.limitExceeded, .exchange, number: number)
        }
        var setting = RequestSetting()
        setting.method = .post
        #expect(setting.error(token: text(TokenSet.tokenBytesMax)) == nil)
        #expect(
            setting.error(token: text(TokenSet.tokenBytesMax + 1)) == limit(TokenSet.tokenBytesMax))
        #expect(setting.error(token: "") == VaultError(.invalidArgument, .exchange))
        setting.clientID = text(Application.clientIDBytesMax + 1)
        #expect(setting.error() == limit(Application.clientIDBytesMax))
        setting.clientID = text(Application.clientIDBytesMax)
        setting.clientSecret = text(Application.clientSecretBytesMax + 1)
        #expect(setting.error() == limit(Application.clientSecretBytesMax))
        setting.clientSecret = text(Application.clientSecretBytesMax)
        #expect(setting.error() == nil)
        setting.parameters = (0...Provider.parametersMax).map { .init("p\($0)", "") }
        #expect(setting.error() == limit(Provider.parametersMax))
        setting.parameters = [.init("p", text(TokenRequest.parameterValueBytesMax + 1))]
        #expect(setting.error() == limit(TokenRequest.parameterValueBytesMax))
        setting.parameters = [.init(text(TokenRequest.parameterNameBytesMax + 1), "")]
        #expect(setting.error() == limit(TokenRequest.parameterNameBytesMax))
    }

    @Test func holdsTheLimitsOfAnExchange() {
        let setting = RequestSetting()
        func error(_ code: Int, _ verifier: Int) -> VaultError? {
            do throws(VaultError) {
                _ = try setting.exchange(
                    code: String(repeating: "c", count: code),
                    verifier: String(repeating: "v", count: verifier))
                return nil
            } catch { return error }
        }
        #expect(error(TokenRequest.codeBytesMax, 128) == nil)
        #expect(error(TokenRequest.codeBytesMax + 1, 43)?.number == TokenRequest.codeBytesMax)
        #expect(error(0, 43)?.code == .invalidArgument)
        #expect(error(1, 42)?.code == .invalidArgument)
        #expect(error(1, 129)?.number == 128)
    }

    /// Three bytes for one: a form may outgrow the largest block although each part is within
    /// bounds.
    @Test func aFormThatOutgrowsASecretIsRefused() {
        var setting = RequestSetting()
        setting.method = .post
        setting.clientSecret = String(repeating: "=", count: Application.clientSecretBytesMax)
        setting.parameters = (0..<8).map {
            .init("p\($0)", String(repeating: "=", count: TokenRequest.parameterValueBytesMax))
        }
        let token = String(repeating: "=", count: TokenSet.tokenBytesMax)
        #expect(
            setting.error(token: token)
                == VaultError(.limitExceeded, .exchange, number: SecretArena.secretBytesMax))
    }
}
