// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Providers whose every answer has status 200, and says in its body how it went.
@Suite struct SuccessCodeTests {
    static func provider(_ member: String, _ values: [String]) -> Provider {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.successCode = .init(member: member, values: values)
        provider.grantLostErrors = ["40105", "token_revoked"]
        return provider
    }

    @Test(
        arguments: [
            ("code", ["0"], 200, #"{"code":0,"access_token":"a"}"#, "tokens a"),
            ("code", ["0"], 200, #"{"code":"0","access_token":"a"}"#, "tokens a"),
            ("code", ["0"], 200, #"{"access_token":"a"}"#, "tokens a"),
            ("code", ["0"], 200, #"{"code":null,"access_token":"a"}"#, "tokens a"),
            ("code", ["0"], 200, #"{"code":"","access_token":"a"}"#, "tokens a"),
            ("code", ["0"], 200, #"{"code":40105,"message":"x"}"#, "grantLost"),
            ("code", ["0"], 200, #"{"code":40100,"message":"x"}"#, "refused other"),
            ("code", ["0"], 400, #"{"code":40105}"#, "grantLost"),
            ("code", ["0"], 400, #"{"code":"invalid_grant"}"#, "grantLost"),
            ("code", ["0"], 200, #"{"code":"invalid_client"}"#, "misconfigured invalidClient"),
            ("code", ["0"], 200, #"{"code":7,"error":"invalid_scope"}"#, "refused invalidScope"),
            ("code", ["0"], 200, #"{"code":0,"error":"token_revoked"}"#, "grantLost"),
            ("code", ["0"], 200, #"{"code":0}"#, "unreadable"),
            ("code", ["0"], 200, #"{"code":0.0}"#, "refused other"),
            ("code", ["0"], 200, #"{"code":{}}"#, "refused other"),
            ("code", ["0"], 503, #"{"code":40105}"#, "transient 503"),
            ("code", ["success", "20000"], 200, #"{"code":20000,"access_token":"a"}"#, "tokens a"),
            ("code", ["success", "20000"], 200, #"{"code":"succ\u0065ss"}"#, "unreadable"),
            // Tokens beside a failure are kept, and nothing is believed of it.
            ("code", ["0"], 200, #"{"code":40105,"access_token":"a"}"#, "unread"),
            ("code", ["0"], 200, #"{"code":40105,"refresh_token":"r"}"#, "unread noAccessToken"),
            // A flag, deeper, in a list.
            ("ok", ["true"], 200, #"{"ok":true,"access_token":"a"}"#, "tokens a"),
            ("ok", ["true"], 200, #"{"ok":false,"error":"token_revoked"}"#, "grantLost"),
            ("ok", ["true"], 200, #"{"ok":false}"#, "refused other"),
            ("r.0.s", ["ok"], 200, #"{"r":[{"s":"token_revoked"}]}"#, "grantLost"),
            ("r.0.s", ["ok"], 200, #"{"r":[{"s":"ok"},{"s":"x"}],"access_token":"a"}"#, "tokens a"),
            // What is wrong on the way costs no token.
            ("r.s", ["ok"], 200, #"{"r":{"s":"x",},"access_token":"a"}"#, "unread"),
            ("r.s", ["ok"], 200, #"{"r":{,},"access_token":"a"}"#, "tokens a"),
        ] as [(String, [String], Int, String, String)])
    func judges(
        _ member: String, _ values: [String], _ status: Int, _ body: String, _ expected: String
    ) throws {
        #expect(try verdictText(Self.provider(member, values), status, body) == expected)
    }

    @Test func withoutOneTheStatusSaysIt() throws {
        let provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        #expect(try verdictText(provider, 200, #"{"code":1,"access_token":"a"}"#) == "tokens a")
        #expect(try verdictText(provider, 200, #"{"code":40105}"#) == "unreadable")
    }
}
