// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What a definition says of device authorization, and the requests that follow from it.
@Suite("Settings of device authorization") struct DeviceSettingTests {
    static let wrong: [(value: SettingValue, description: String)] = [
        (["grant_type": "password"], "grant_type: \"password\" is another grant's"),
        (["grant_type": ""], "grant_type: \"\" is not a text of 1 to 64 bytes"),
        (["code_parameter": "client_id"], "code_parameter: \"client_id\" is set by the flow"),
        (["parameters": ["client_secret": "x"]], "parameters: \"client_secret\" is set by"),
        (["parameters": ["scope": "x"]], "parameters: \"scope\" is set by the flow itself"),
        (["authentication": "basic"], "authentication: \"basic\" is not client or none"),
        (["lifetime_seconds": 0], "lifetime_seconds: 0 is not a number of seconds, 1 to 3600"),
        (["lifetime_seconds": 3601], "lifetime_seconds: 3601 is not a number of seconds, 1"),
        (["interval": 5], "interval is no member of it"),
    ]

    @Test("Definitions that cannot be meant are named", arguments: wrong.indices)
    func wrongDefinitions(_ index: Int) {
        let (value, description) = Self.wrong[index]
        do {
            _ = try ProviderSetting.unknown.with("device_authorization", value)
            Issue.record("accepted: \(description)")
        } catch {
            #expect("\(error)".hasPrefix("device_authorization: " + description), "\(error)")
        }
    }

    @Test("Settings that contradict each other are named")
    func contradictions() {
        func refusal(_ change: (inout Provider) -> Void) -> String {
            var provider = ProviderSettingTests.whole
            change(&provider)
            do {
                try provider.check()
                return ""
            } catch {
                return "\(error)"
            }
        }
        #expect(refusal { _ in } == "")
        #expect(
            refusal { $0.deviceAuthorizationEndpoint = nil }
                .contains("goes with no device_authorization_endpoint"))
        #expect(
            refusal { $0.deviceAuthorizationEndpoint = "https://a.example/d?client_id=1" }
                .contains("\"client_id\" in its query is set by the request itself"))
        let twice = refusal { $0.deviceAuthorization?.codeParameter = "audience" }
        #expect(twice.contains("is among token_parameters, too"))
    }

    private func application(
        _ method: Provider.ClientAuthentication, _ grant: Provider.DeviceGrant? = nil
    ) throws -> Application {
        var provider = Provider(
            name: "p", authorizationEndpoint: "https://a.example/authorize",
            tokenEndpoint: "https://a.example/token")
        provider.clientAuthentication = method
        provider.deviceAuthorizationEndpoint = "https://a.example/device"
        provider.deviceAuthorization = grant
        provider.tokenParameters = [.init("resource", "r")]
        return try Application(
            id: ApplicationID("app"), provider: provider, clientID: "id",
            clientSecret: method == .none ? nil : Secret("secret"),
            redirectURI: "https://platform.example/callback")
    }

    private func sent(_ request: borrowing TokenRequest) -> (body: String, header: String) {
        var header = ""
        switch request.credentials.headerLine {
        case .none: break
        case .some(let line): header = line.exposed
        }
        return (request.body.exposed, header)
    }

    private func requests(
        _ method: Provider.ClientAuthentication, _ grant: Provider.DeviceGrant? = nil
    ) throws -> (start: (body: String, header: String), poll: (body: String, header: String)) {
        let application = try application(method, grant)
        let code = try Secret("d/1")
        return try (
            sent(TokenRequest.deviceAuthorization(for: application, scopes: ["a", "b"])),
            sent(TokenRequest.poll(with: code, for: application))
        )
    }

    private static let grantType = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"

    @Test("Clients authenticate in both requests as they do elsewhere")
    func standard() throws {
        let poll = "grant_type=\(Self.grantType)&device_code=d%2F1"
        let basic = try requests(.basic)
        #expect(basic.start.body == "client_id=id&scope=a+b")
        #expect(basic.start.header.hasPrefix("Authorization: Basic "))
        #expect(basic.poll.body == poll + "&resource=r")
        #expect(basic.poll.header == basic.start.header)
        let post = try requests(.post)
        #expect(post.start.body == "client_id=id&client_secret=secret&scope=a+b")
        #expect(post.poll.body == poll + "&client_id=id&client_secret=secret&resource=r")
        #expect(post.start.header.isEmpty && post.poll.header.isEmpty)
        let open = try requests(.none)
        #expect(open.start.body == "client_id=id&scope=a+b")
        #expect(open.poll.body == poll + "&client_id=id&resource=r")
    }

    @Test("Google asks nobody for the code, and the client for the tokens; Salesforce's names")
    func variants() throws {
        var google = Provider.DeviceGrant()
        google.authentication = .none
        let asked = try requests(.post, google)
        #expect(asked.start.body == "client_id=id&scope=a+b")
        #expect(asked.poll.body.hasSuffix("&client_id=id&client_secret=secret&resource=r"))
        var salesforce = Provider.DeviceGrant()
        salesforce.parameters = [.init("response_type", "device_code")]
        salesforce.grantType = "device"
        salesforce.codeParameter = "code"
        let other = try requests(.none, salesforce)
        #expect(other.start.body == "client_id=id&scope=a+b&response_type=device_code")
        #expect(other.poll.body == "grant_type=device&code=d%2F1&client_id=id&resource=r")
    }
}
