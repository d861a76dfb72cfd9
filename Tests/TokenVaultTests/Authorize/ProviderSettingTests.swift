// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Each setting of a provider is one row, and what follows from the row follows for each.
@Suite struct ProviderSettingTests {
    /// A provider that has no default left.
    static var whole: Provider {
        var provider = Provider(
            name: "whole", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token",
            revocationEndpoint: "https://a.example/revoke")
        provider.issuer = "https://a.example"
        provider.assertionAudience = "urn:as"
        provider.clientAuthentication = .post
        provider.scopeSeparator = ","
        provider.usesPKCE = false
        provider.authorizationParameters = [.init("prompt", "consent"), .init("b", "")]
        provider.tokenParameters = [.init("audience", "x")]
        provider.defaultLifetimeSeconds = 3600
        provider.reuseGraceSeconds = 30
        provider.refreshTokenIdleSeconds = 601
        provider.refreshTokenLifetimeSeconds = 602
        provider.refreshMarginSeconds = 7
        provider.concurrentRefreshesMax = 5
        provider.refreshesPerSecondMax = 6
        provider.grantLostErrors = ["bad_refresh_token", "190"]
        provider.accessTokensExpire = false
        provider.refreshGrant = .exchange(grantType: "ex", parameter: "token_now")
        provider.rotation = .sometimes
        provider.listenSeconds = 900
        provider.bearerTokenTypes = ["bot", "urn:x"]
        provider.grantLostAnswers = [
            .init(status: 400, error: nil), .init(status: 403, error: "unauthorized_client"),
        ]
        provider.revokesReplacedGrant = true
        provider.sendsIssuer = true
        provider.variables = [
            "b": .init(),
            "a": .init(
                defaultValue: "x.w.example", pattern: "[a-z.]+", hostSuffixes: ["w.example"],
                callbackParameter: "server"),
        ]
        provider.resourceHosts = ["api.example", "{a}", "{realm}.example"]
        provider.capturedFromCallback = ["realm": "realmId"]
        provider.replyMembers.accessToken = "data.0.token"
        provider.replyMembers.error = "code"
        provider.lifetimeUnit = .milliseconds
        provider.successCode = .init(member: "meta.ok", values: ["0", "true"])
        provider.temporaryErrors = [
            .init(error: "slow"), .init(status: 412, error: nil), .init(status: 401, error: "x"),
        ]
        provider.capturedFromReply = [.init("team", path: "team.id"), .init("a_1", path: "b.0")]
        var second = Provider.ReplyMembers()
        (second.accessToken, second.scope) = ("user.token", "user.scope")
        provider.secondConnection = .init(suffix: ".user", replyMembers: second)
        provider.errorPaths = ["reason", "errors.0.code"]
        provider.requestBody = .json
        provider.refreshEndpoint = "https://a.example/refresh"
        provider.exchangeParameters = [.init("mode", "web")]
        provider.refreshParameters = [.init("mode", "refresh")]
        provider.requestHeaders = [.init("Accept", "text/plain")]
        provider.clientCredentialsGrantType = "account_credentials"
        provider.clientCredentialsParameters = [.init("account", "{b}")]
        provider.assertionClaims = [.init("scope", "{scope}"), .init("iss", "{b}")]
        provider.authorizationParameterNames = ["scope": nil, "client_id": "app"]
        provider.tokenParameterNames = ["client_id": "app"]
        provider.callbackParameterNames = ["code": "auth_code"]
        provider.sendsRedirectURIOnRefresh = true
        provider.nonceParameter = "nonce"
        provider.userScopeParameter = "user_scope"
        provider.refreshScopes = ["offline"]
        provider.responseType = "code id_token"
        provider.revocation = RevocationSettingTests.whole
        provider.lookup = .init(url: "https://a.example/me")
        provider.lookup?.values = [.init("site", "0.id")]
        provider.lookup?.account = "email"
        provider.lookup?.headers = [.init("X-V", "2")]
        provider.lookup?.authentication = .header("X-Token")
        provider.callbackSignature = .init()
        provider.callbackSignature?.parameter = "sig"
        provider.callbackSignature?.encoding = .base64
        provider.deviceAuthorizationEndpoint = "https://a.example/device"
        provider.deviceAuthorization = .init()
        provider.deviceAuthorization?.authentication = .none
        provider.deviceAuthorization?.parameters = [.init("audience", "x")]
        provider.deviceAuthorization?.grantType = "device"
        provider.deviceAuthorization?.codeParameter = "code"
        provider.deviceAuthorization?.lifetimeSeconds = 600
        return provider
    }

    /// The record of that provider's application as `RecordFormat` has it, written by hand.
    static var entries: [(tag: UInt16, value: [UInt8])] {
        [
            (1, text("w")), (2, text("whole")), (3, text("https://a.example/authorize")),
            (4, text("https://a.example/token")), (5, text("https://a.example/revoke")),
            (6, text("https://a.example")), (7, [3]), (8, text(",")), (9, [0]),
            (10, pair("prompt", "consent")), (10, pair("b", "")), (11, pair("audience", "x")),
            (12, number(3600, 8)), (13, number(30, 8)), (14, text("client")),
            (16, text("https://w.example/")), (17, text("read")), (18, number(60, 8)),
            (19, number(601, 8)), (20, number(602, 8)), (21, number(7, 8)), (22, number(5, 4)),
            (23, number(6, 4)), (24, text("bad_refresh_token")), (24, text("190")), (25, [0]),
            (26, pair("ex", "token_now")), (27, [3]), (28, number(900, 8)), (29, text("bot")),
            (29, text("urn:x")), (30, pair("400", "")), (30, pair("403", "unauthorized_client")),
            (31, [1]), (32, [1]), (33, pair("access_token", "data.0.token")),
            (33, pair("error", "code")), (34, [2]), (35, pair("member", "meta.ok")),
            (35, pair("value", "0")), (35, pair("value", "true")), (36, pair("", "slow")),
            (36, pair("412", "")), (36, pair("401", "x")), (37, pair("team", "team.id")),
            (37, pair("a_1", "b.0")), (38, pair("", ".user")),
            (38, pair("access_token", "user.token")), (38, pair("scope", "user.scope")),
            (39, text("reason")), (39, text("errors.0.code")),
            (45, [2]), (46, text("https://a.example/refresh")),
            (47, pair("mode", "web")), (48, pair("mode", "refresh")),
            (49, pair("Accept", "text/plain")), (50, pair("client_id", "app")),
            (50, pair("scope", "")), (51, pair("client_id", "app")),
            (52, pair("code", "auth_code")), (53, [1]), (54, text("nonce")),
            (55, text("user_scope")), (56, text("offline")), (57, text("code id_token")),
            (60, pair("a", "")), (60, pair("a.default", "x.w.example")),
            (60, pair("a.pattern", "[a-z.]+")), (60, pair("a.host_suffix", "w.example")),
            (60, pair("a.callback", "server")), (60, pair("b", "")), (61, text("api.example")),
            (61, text("{a}")), (61, text("{realm}.example")), (62, pair("realm", "realmId")),
        ] + RevocationSettingTests.entries + [
            (66, pair("url", "https://a.example/me")), (66, pair("values.site", "0.id")),
            (66, pair("account", "email")), (66, pair("headers.X-V", "2")),
            (66, pair("authentication", "header X-Token")), (67, pair("parameter", "sig")),
            (67, pair("algorithm", "sha256")), (67, pair("encoding", "base64")),
            (70, text("urn:as")),
            (72, text("account_credentials")), (73, pair("account", "{b}")),
            (74, pair("scope", "{scope}")), (74, pair("iss", "{b}")),
            (75, text("https://a.example/device")), (76, pair("authentication", "none")),
            (76, pair("parameters.audience", "x")), (76, pair("grant_type", "device")),
            (76, pair("code_parameter", "code")), (76, pair("lifetime_seconds", "600")),
        ]
    }

    static func text(_ text: String) -> [UInt8] { Array(text.utf8) }

    static func number(_ number: UInt64, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }

    static func pair(_ name: String, _ value: String) -> [UInt8] {
        number(UInt64(name.utf8.count), 2) + text(name) + text(value)
    }

    private func fields(_ entries: [(tag: UInt16, value: [UInt8])]) throws -> Fields {
        let bytes = entries.flatMap { tag, value in
            Self.number(UInt64(tag), 2) + Self.number(UInt64(value.count), 4) + value
        }
        return try bytes.lend { span in try Fields(try Secret(copying: span)) }
    }

    private func read(_ entries: [(tag: UInt16, value: [UInt8])]) throws -> Provider {
        try ApplicationRecord.decode(try fields(entries)).provider
    }

    private func application(_ provider: Provider) throws -> Application {
        Application(
            id: try ApplicationID("w"), provider: provider, clientID: "client",
            redirectURI: "https://w.example/", scopes: ["read"], defaultLifetimeSeconds: 60)
    }

    @Test func aPropertyIsARow() {
        let properties = Mirror(reflecting: Self.whole).children.compactMap(\.label)
        #expect(ProviderSetting.all.count == properties.count, "\(properties)")
        #expect(Set(ProviderSetting.all.map(\.key)).count == properties.count)
        let tags = ProviderSetting.all.map(\.tag) + ApplicationTag.all
        #expect(Set(tags).count == tags.count)
        let sample = Self.whole
        for setting in ProviderSetting.all {
            let fields = setting.fields(of: sample)
            #expect(fields != setting.fields(of: ProviderSetting.unknown), "\(setting.key)")
            #expect(setting.sentence.hasSuffix(".") && !setting.words.isEmpty)
        }
    }

    @Test func recordsAreAsTheFormatHasThem() throws {
        let encoded = try ApplicationRecord.encode(try application(Self.whole))
        let expected = try fields(Self.entries)
        let (bytes, wanted) = (encoded.bytes, expected.bytes)
        try #require(bytes.byteCount == wanted.byteCount)
        let difference = (0..<wanted.byteCount).first { bytes.byte(at: $0) != wanted.byte(at: $0) }
        #expect(difference == nil)
        #expect(try read(Self.entries) == Self.whole)
    }

    @Test func whatARecordLacksHasItsDefault() throws {
        let required: Set<UInt16> = [1, 2, 4, 14, 16]
        let least = Self.entries.filter { required.contains($0.tag) }
        let whole = Self.whole
        #expect(
            try read(least)
                == Provider(
                    name: whole.name, tokenEndpoint: whole.tokenEndpoint))
        for tag in required {
            #expect(throws: VaultError(.recordDamaged, .seal)) {
                try read(least.filter { $0.tag != tag })
            }
        }
    }

    /// A value that is none here, of a version to come, is not taken for another.
    @Test(
        arguments: [
            (7, [9]), (7, []), (27, [0]), (27, [4]), (28, [1]), (22, [1, 2]), (26, [9, 0, 1]),
            (30, [1, 0, 0x78]), (24, [0xff]), (33, [1, 0, 0x78, 0x78]), (34, [0]), (34, [3]),
            (35, [1, 0, 0x78]), (36, [0, 0]), (36, [1, 0, 0x78, 0x79]), (37, [9, 0]),
            (30, [1, 0, 0x78]), (24, [0xff]), (45, [3]), (50, [9, 0, 1]), (57, [0xff]),
            (65, pair("method", "head")),
            (67, pair("algorithm", "md5")),
            (65, pair("unknown", "")), (65, pair("gone.statuses", "x")), (65, [1]),
        ] as [(UInt16, [UInt8])])
    func whatIsNoValueIsDamage(tag: UInt16, value: [UInt8]) throws {
        let entries = Self.entries.map { $0.tag == tag ? (tag, value) : $0 }
        #expect(throws: VaultError(.recordDamaged, .seal)) { try read(entries) }
    }

    /// What an earlier version took and this one refuses still opens.
    @Test func rangesBindNoRecord() throws {
        var old = Self.whole
        old.grantLostErrors = ["400", "*"]
        old.grantLostAnswers = [.init(status: 500, error: "invalid_grant")]
        old.listenSeconds = 1
        old.name = ""
        let encoded = try ApplicationRecord.encode(try application(old))
        let read = try ApplicationRecord.decode(try Fields(encoded.copy()))
        #expect(read.provider == old)
    }

    @Test func aProviderThatIsRightPasses() throws {
        try Self.whole.check()
        try Provider(name: "n", authorizationEndpoint: "https://a", tokenEndpoint: "https://t")
            .check()
    }

    struct Wrong: Sendable {
        let description: String
        let change: @Sendable (inout Provider) -> Void

        init(_ description: String, _ change: @escaping @Sendable (inout Provider) -> Void) {
            (self.description, self.change) = (description, change)
        }
    }

    static let wrong: [Wrong] = [
        Wrong("name: \"\" is not a text") { $0.name = "" },
        Wrong("token_endpoint: \"a.example\" is not an absolute URL") {
            $0.tokenEndpoint = "a.example"
        },
        Wrong("issuer: \"a\nb\" is not a text of 1 to 2048") { $0.issuer = "a\nb" },
        Wrong("authorization_parameters: \"state\" is set by the flow itself: leave it out") {
            $0.authorizationParameters = [.init("state", "x")]
        },
        Wrong("token_parameters: a list of 2 values names a parameter twice: write each name once")
        {
            $0.tokenParameters = [.init("a", "x"), .init("a", "y")]
        },
        Wrong("token_parameters: \"code\" is set by the flow itself") {
            $0.tokenParameters = [.init("code", "")]
        },
        Wrong("default_lifetime_seconds: -1 is not a number of seconds, 0 to 3162240000") {
            $0.defaultLifetimeSeconds = -1
        },
        Wrong("listen_seconds: 14 is not a number of seconds, 15 to 3600") {
            $0.listenSeconds = 14
        },
        Wrong("bearer_token_types: \"DPoP\" is not a token_type of bearer") {
            $0.bearerTokenTypes = ["bot", "DPoP"]
        },
        Wrong("bearer_token_types: a list of 17 values is not") {
            $0.bearerTokenTypes = (0...16).map { "type\($0)" }
        },
        Wrong("grant_lost_answers: 500 is not a status of 400 to 499") {
            $0.grantLostAnswers = [.init(status: 500, error: nil)]
        },
        Wrong("grant_lost_answers: a list of 1 value is not a list of at most 16, each { status") {
            $0.grantLostAnswers = [.init(status: 400, error: "none")]
        },
        Wrong("refresh_grant: \"audience\" is among token_parameters, too") {
            $0.refreshGrant = .exchange(grantType: "ex", parameter: "audience")
        },
        Wrong("callback_signature: parameter: \"state\" is not a parameter that the callback") {
            $0.callbackSignature?.parameter = "state"
        },
        Wrong("callback_signature: a signature needs a client secret, and client_authent") {
            $0.clientAuthentication = .none
        },
        Wrong("issuer: none is not what iss must be") { $0.issuer = nil },
        Wrong("variables: \"Shop\" is not a name: small letters") {
            $0.variables["Shop"] = .init()
        },
        Wrong("variables: { a: ..., b: ..., v0: ..., v1: ..., ... } is not") { provider in
            for number in 0...16 { provider.variables["v\(number)"] = .init() }
        },
        Wrong("variables: \"(\" is not a POSIX extended regular expression") {
            $0.variables["b"] = .init(pattern: "(")
        },
        Wrong("variables: \"com\" is not a host name of at least two labels") {
            $0.variables["b"] = .init(hostSuffixes: ["com"])
        },
        Wrong("variables: \"state\" is not a parameter of the callback's") {
            $0.variables["b"] = .init(callbackParameter: "state")
        },
        Wrong("variables: the default \"X\" is not a value that matches [a-z]+") {
            $0.variables["b"] = .init(defaultValue: "X", pattern: "[a-z]+")
        },
        Wrong("variables: the default \"e.example\" is not at w.example or under it") {
            $0.variables["b"] = .init(defaultValue: "e.example", hostSuffixes: ["w.example"])
            $0.tokenEndpoint = "https://{b}/token"
        },
        Wrong("token_endpoint: {shop} is not among variables: declare it there") {
            $0.tokenEndpoint = "https://{shop}.example/token"
        },
        Wrong("token_endpoint: \"https://{b/token\" is not a URL in which each { has its }") {
            $0.tokenEndpoint = "https://{b/token"
        },
        Wrong("token_endpoint: {b} is a scheme and a host that anybody may choose: give the var") {
            $0.tokenEndpoint = "{b}/token"
        },
        Wrong("revocation_endpoint: {b} is a host that whoever calls the callback may choose") {
            $0.variables["b"] = .init(callbackParameter: "host")
            $0.revocationEndpoint = "https://{b}/revoke"
        },
        Wrong("token_endpoint: {a} has host_suffixes and is not the end of the host") {
            $0.tokenEndpoint = "https://x{a}/token"
        },
        Wrong("token_endpoint: {a} has host_suffixes and is not the end of the host") {
            $0.tokenEndpoint = "https://{a}.evil.example/token"
        },
        Wrong("resource_hosts: {other} is not among variables") {
            $0.resourceHosts = ["{other}.example"]
        },
        Wrong("resource_hosts: \"a/b\" is not a host name") { $0.resourceHosts = ["a/b"] },
        Wrong("captured_from_callback: \"code\" is not a parameter of the callback's") {
            $0.capturedFromCallback = ["x": "code"]
        },
        Wrong("captured_from_callback: \"b\" is a variable, too") {
            $0.capturedFromCallback["b"] = "x"
        },
        Wrong("authorization_endpoint: \"state\" in its query is set by the flow itself") {
            $0.authorizationEndpoint = "https://a.example/authorize?x=1&state=y"
        },
        Wrong("authorization_endpoint: \"%73tate\" in its query is written with an escape") {
            $0.authorizationEndpoint = "https://a.example/authorize?%73tate=y"
        },
    ]

    @Test(arguments: wrong) func whatIsWrongIsNamed(_ wrong: Wrong) {
        var provider = Self.whole
        wrong.change(&provider)
        do throws(SettingError) {
            try provider.check()
            Issue.record("accepted: \(wrong.description)")
        } catch {
            #expect(error.description.hasPrefix(wrong.description), "\(error)")
        }
    }

    private func refusal(_ change: (inout Provider) -> Void) -> String? {
        var provider = Self.whole
        change(&provider)
        do throws(SettingError) {
            try provider.check()
            return nil
        } catch {
            return error.description
        }
    }

    @Test func grantLostErrorsThatCanNeverMatchAreRefused() {
        let longest = String(repeating: "x", count: 64)
        let right = [
            longest, "190", "458", "460", "463", "464", "467", "492", "bad token",
            "invalid_grant", "invalid_token", "1.5e2", "\"",
        ]
        for code in right { #expect(refusal { $0.grantLostErrors = [code] } == nil, "\(code)") }
        let wrong = ["", longest + "x", "tökén", "a\nb", "a\u{7f}", "*", "invalid_*"]
        for code in wrong { #expect(refusal { $0.grantLostErrors = [code] } != nil, "\(code)") }
        for code in ["400", "401", "403", "404", "422", "429", "451", "500", "503", "none"] {
            let text = refusal { $0.grantLostErrors = [code] }
            #expect(text?.contains("write grant_lost_answers: [{status: ") == true, "\(code)")
        }
        for error in OAuthError.allCases {
            let code = error.code.description
            // Not of the token endpoint's own, by the RFC.
            let isOwn =
                error.rawValue >= OAuthError.unsupportedTokenType.rawValue && error != .other
                || error == .invalidGrant
            #expect((refusal { $0.grantLostErrors = [code] } == nil) == isOwn, "\(code)")
        }
    }

    @Test func grantLostAnswersThatCanNeverMatchAreRefused() {
        let right = [400, 401, 402, 403, 404, 410, 499]
        for status in right {
            #expect(refusal { $0.grantLostAnswers = [.init(status: status, error: nil)] } == nil)
        }
        for status in [0, 200, 302, 399, 408, 425, 429, 500, 503, -400] {
            #expect(refusal { $0.grantLostAnswers = [.init(status: status, error: nil)] } != nil)
        }
        for error in ["invalid_request", "unauthorized_client", "invalid_scope", "gone", "190"] {
            #expect(refusal { $0.grantLostAnswers = [.init(status: 400, error: error)] } == nil)
        }
        let wrong = [
            "", "*", "none", "invalid_grant", "invalid_client", "server_error",
            "temporarily_unavailable", "tökén", String(repeating: "x", count: 65),
        ]
        for error in wrong {
            #expect(
                refusal { $0.grantLostAnswers = [.init(status: 400, error: error)] } != nil,
                "\(error)")
        }
    }
}
