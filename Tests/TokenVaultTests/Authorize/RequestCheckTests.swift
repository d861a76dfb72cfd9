// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What settings of requests say together, and what each of them takes.
@Suite struct RequestCheckTests {
    private func refusal(_ change: (inout Provider) -> Void) -> String? {
        var provider = Provider(
            name: "p", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token")
        change(&provider)
        do throws(SettingError) {
            try provider.check()
            return nil
        } catch {
            return error.description
        }
    }

    @Test func aNameThatWasGivenAwayMayBeAdded() {
        let basecamp = refusal {
            $0.authorizationParameterNames = ["response_type": "type"]
            $0.responseType = "web_server"
            $0.authorizationParameters = [.init("response_type", "x")]
            $0.tokenParameterNames = ["grant_type": nil]
            $0.exchangeParameters = [.init("grant_type", "web_server")]
            $0.refreshParameters = [.init("grant_type", "refresh")]
        }
        #expect(basecamp == nil)
        let azure = refusal {
            $0.tokenParameterNames = [
                "code": "assertion", "refresh_token": "assertion", "client_id": nil,
                "client_secret": "client_assertion", "client_assertion_type": nil,
            ]
            $0.tokenParameters = [.init("client_assertion_type", "urn:x")]
        }
        #expect(azure == nil)
        let bamboo = refusal {
            $0.authorizationParameterNames = ["request": nil]
            $0.authorizationParameters = [.init("request", "authorize")]
        }
        #expect(bamboo == nil)
        #expect(refusal { $0.authorizationParameters = [.init("request", "x")] } != nil)
        #expect(refusal { $0.tokenParameters = [.init("client_assertion_type", "x")] } != nil)
    }

    @Test func aGrantTypeOfAnotherRequestIsNotAdded() {
        func problem(
            _ path: WritableKeyPath<Provider, [Provider.Parameter]>, _ grantType: String
        ) -> String? {
            refusal {
                $0.tokenParameterNames = ["grant_type": nil]
                $0[keyPath: path] = [.init("grant_type", grantType)]
            }
        }
        for path in [\Provider.tokenParameters, \.exchangeParameters, \.refreshParameters] {
            #expect(problem(path, "password") != nil && problem(path, "client_credentials") != nil)
            #expect(problem(path, "authorized_code") == nil)
        }
        #expect(
            problem(\.exchangeParameters, "refresh_token")
                == "exchange_parameters: \"refresh_token\" is not the grant type of this request, "
                + "as the provider has it")
        #expect(problem(\.refreshParameters, "refresh_token") == nil)
        #expect(problem(\.refreshParameters, "authorization_code") != nil)
    }

    @Test func twoParametersOfOneMessageHaveTwoNames() {
        #expect(
            refusal { $0.tokenParameterNames = ["client_id": "code"] }
                == "token_parameter_names: \"code\" is the name of two parameters of one message: "
                + "give each a name of its own")
        #expect(refusal { $0.tokenParameterNames = ["client_id": "refresh_token"] } != nil)
        #expect(refusal { $0.tokenParameterNames = ["code": "x", "client_id": "x"] } != nil)
        #expect(refusal { $0.tokenParameterNames = ["code": "refresh_token"] } == nil)
        #expect(refusal { $0.callbackParameterNames = ["code": "state"] } != nil)
        #expect(refusal { $0.callbackParameterNames = ["code": "state", "state": "code"] } == nil)
        #expect(refusal { $0.authorizationParameterNames = ["scope": "client_id"] } != nil)
        let added: [@Sendable (inout Provider) -> Void] = [
            { $0.authorizationParameters = [.init("app", "x")] }, { $0.nonceParameter = "app" },
            { $0.userScopeParameter = "app" }, { $0.authorizationEndpoint += "?app=1" },
        ]
        for (index, change) in added.enumerated() {
            let text = refusal {
                $0.authorizationParameterNames = ["client_id": "app"]
                change(&$0)
            }
            #expect(text?.contains("\"app\"") == true, "\(index)")
            #expect(refusal(change) == nil, "\(index)")
        }
        #expect(
            refusal {
                $0.nonceParameter = "n"
                $0.userScopeParameter = "n"
            } == "nonce_parameter: \"n\" is among user_scope_parameter, too: take it out of one of "
                + "them")
        #expect(
            refusal {
                $0.nonceParameter = "n"
                $0.authorizationParameters = [.init("n", "1")]
            } != nil)
    }

    @Test func addedParametersMeetInTheirRequestAlone() {
        #expect(
            refusal {
                $0.exchangeParameters = [.init("type", "a")]
                $0.refreshParameters = [.init("type", "b")]
            } == nil)
        for path in [\Provider.exchangeParameters, \.refreshParameters] {
            let text = refusal {
                $0.tokenParameters = [.init("type", "a")]
                $0[keyPath: path] = [.init("type", "b")]
            }
            #expect(text?.contains("is among token_parameters, too: take it out of one") == true)
            #expect(refusal { $0[keyPath: path] = [.init("code", "b")] } != nil)
        }
        #expect(
            refusal {
                $0.refreshGrant = .exchange(grantType: "g", parameter: "now")
                $0.refreshParameters = [.init("now", "b")]
            } == "refresh_grant: \"now\" is among refresh_parameters, too: take it out of one of "
                + "them")
        #expect(
            refusal {
                $0.refreshGrant = .exchange(grantType: "g", parameter: "key")
                $0.tokenParameterNames = ["client_id": "key"]
            }?.hasPrefix("refresh_grant: \"key\" is not a parameter") == true)
    }

    @Test func aQueryMeetsTheRequestsThatGoThere() {
        func query(_ change: (inout Provider) -> Void) -> String? {
            refusal {
                $0.tokenEndpoint += "?type=1"
                change(&$0)
            }
        }
        #expect(query { $0.refreshParameters = [.init("type", "x")] } != nil)
        #expect(query { $0.exchangeParameters = [.init("type", "x")] } != nil)
        #expect(
            query {
                $0.refreshEndpoint = "https://a.example/refresh"
                $0.refreshParameters = [.init("type", "x")]
            } == nil)
        #expect(
            refusal {
                $0.refreshEndpoint = "https://a.example/refresh?type=1"
                $0.refreshParameters = [.init("type", "x")]
            }
                == "refresh_endpoint: \"type\" in its query is among refresh_parameters, too: take "
                + "it out of the query")
        #expect(
            refusal {
                $0.refreshEndpoint = "https://a.example/refresh?type=1"
                $0.exchangeParameters = [.init("type", "x")]
            } == nil)
        #expect(refusal { $0.refreshEndpoint = "https://a.example/r?grant_type=1" } != nil)
        #expect(
            query { $0.tokenParameterNames = ["client_id": "type"] }?
                .contains("is set by the request itself") == true)
    }

    @Test func namesThatCanNeverWorkAreRefused() {
        let rows: [(String, SettingValue.Content, String)] = [
            ("token_parameter_names", .text("x"), "\"x\" is not other names for grant_type, code,"),
            ("token_parameter_names", .object([("scope", .init(.text("x")))]), "\"scope\" is not"),
            ("token_parameter_names", .object([("code", .init(.nothing))]), "nothing is not a na"),
            ("token_parameter_names", .object([("code", .init(.text("")))]), "\"\" is not a name"),
            ("token_parameter_names", .object([("token", .init(.text("t")))]), "\"t\" is not null"),
            ("authorization_parameter_names", .object([("state", .init(.nothing))]), "nothing is"),
            ("callback_parameter_names", .object([("iss", .init(.nothing))]), "nothing is not a"),
            ("callback_parameter_names", .object([("error_description", .init(.text("x")))]), "\""),
            ("request_headers", .object([("Host", .init(.text("x")))]), "\"Host\" is set by the"),
            ("request_body", .text("xml"), "\"xml\" is not form or json"),
            ("response_type", .text("code token"), "\"code token\" is not a response_type that"),
            ("response_type", .text("id_token"), "\"id_token\" is not a response_type"),
            ("refresh_scopes", .list([.init(.text("a b"))]), "\"a b\" is not a scope, 1 to 256"),
            ("refresh_scopes", .text("offline"), "\"offline\" is not a list of at most 8, each a"),
            ("nonce_parameter", .text(""), "\"\" is not a text of 1 to 64 bytes"),
            ("user_scope_parameter", .list([]), "a list of 0 values is not a text of 1 to 64"),
            ("redirect_uri_on_refresh", .text("yes"), "\"yes\" is not true or false"),
            ("refresh_endpoint", .text("refresh"), "\"refresh\" is not an absolute URL"),
        ]
        for (key, value, expected) in rows {
            var provider = ProviderSetting.unknown
            do throws(SettingError) {
                try ProviderSetting[key]?.set(&provider, to: SettingValue(value))
                Issue.record("accepted: \(key) \(value)")
            } catch {
                #expect(error.description.hasPrefix("\(key): \(expected)"), "\(error)")
            }
        }
    }

    @Test func headersThatAreNotForADefinitionAreRefused() {
        func problem(_ name: String, _ value: String = "x") -> String? {
            refusal { $0.requestHeaders = [.init(name, value)] }
        }
        let wrong = [
            "Authorization", "authorization", "Host", "Cookie", "Set-Cookie", "Content-Type",
            "CONTENT-LENGTH", "Transfer-Encoding", "Connection", "Keep-Alive", "Proxy-Connection",
            "Proxy-Authorization", "TE", "Trailer", "Upgrade", "Expect", "Accept-Encoding", "",
            "a b", "a:", "a\r\nHost", "ü", "a\0", String(repeating: "x", count: 65),
        ]
        for name in wrong { #expect(problem(name) != nil, "\(name)") }
        for name in ["Accept", "User-Agent", "Notion-Version", "x_y", "WM_SVC.NAME"] {
            #expect(problem(name) == nil, "\(name)")
        }
        let values = ["", " ", " x", "x ", "a\r\nHost: b", "a\nb", "a\0b", "ü", "\t"]
        for value in values + [String(repeating: "x", count: 1025)] {
            #expect(problem("Accept", value) != nil, "\(value)")
        }
        #expect(problem("Accept", "text/plain; q=\"0.5\"") == nil)
        #expect(
            refusal { $0.requestHeaders = [.init("Accept", "a"), .init("accept", "b")] } != nil)
        #expect(
            refusal { $0.requestHeaders = (0...16).map { .init("X-\($0)", "a") } }?
                .contains("is not header fields, at most 16") == true)
        #expect(refusal { $0.requestHeaders = (0..<16).map { .init("X-\($0)", "a") } } == nil)
    }

    /// What is shown can be read again, whatever the order was.
    @Test func namesAreShownAsADefinitionGivesThem() throws {
        var provider = ProviderSetting.unknown
        provider.tokenParameterNames = ["refresh_token": "rt", "client_id": nil, "code": "c"]
        let setting = try #require(ProviderSetting["token_parameter_names"])
        let shown = try #require(setting.value(of: provider))
        var read = ProviderSetting.unknown
        try setting.set(&read, to: shown)
        #expect(read == provider)
        #expect(read.tokenParameterNames["client_id"] == nil)
        #expect(read.tokenParameterNames["client_secret"] == "client_secret")
    }

    private func parameters(
        scopes: [String] = [], userScopes: [String] = [], _ change: (inout Provider) -> Void
    ) throws -> [String] {
        var provider = Provider(
            name: "p", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token")
        change(&provider)
        let application = Application(
            id: try ApplicationID("app"), provider: provider, clientID: "id",
            redirectURI: "https://b.example/c")
        let request = try AuthorizationRequest(
            application, scopes: scopes, userScopes: userScopes, state: "s".secret(),
            codeVerifier: TokenRequestTests.verifier.secret())
        return request.url.drop { $0 != "?" }.dropFirst().split(separator: "&").map(String.init)
    }

    @Test func theAuthorizationRequestIsAsTheProviderWantsIt() throws {
        #expect(
            try parameters(scopes: ["a", "b"]) { $0.usesPKCE = false } == [
                "response_type=code", "client_id=id", "redirect_uri=https%3A%2F%2Fb.example%2Fc",
                "state=s", "scope=a%20b",
            ])
        let renamed = try parameters(scopes: ["a", "b"], userScopes: ["c", "d"]) {
            $0.authorizationParameterNames = [
                "client_id": "app key", "redirect_uri": nil, "scope": "perms", "state": "custom",
                "code_challenge": "cc", "code_challenge_method": "ccm",
            ]
            $0.authorizationParameters = [.init("client_id", "other")]
            $0.scopeSeparator = ","
            $0.userScopeParameter = "user_scope"
            $0.responseType = "code id_token"
        }
        #expect(
            renamed == [
                "response_type=code%20id_token", "app%20key=id", "custom=s", "perms=a%2Cb",
                "user_scope=c%2Cd", "cc=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "ccm=S256",
                "client_id=other",
            ])
        func nonce() throws -> Substring? {
            try parameters { $0.nonceParameter = "n" }.first { $0.hasPrefix("n=") }?.dropFirst(2)
        }
        let first = try #require(try nonce())
        #expect(first.count == 43)
        #expect(try nonce() != first)
    }
}
