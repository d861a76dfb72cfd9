// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What a client sends that asks for a token by itself, as five providers want it.
@Suite struct ClientCredentialsRequestTests {
    private func body(
        scope: String? = nil, values: [String: String] = [:],
        _ change: (inout Provider) -> Void = { _ in }
    ) throws -> String {
        var provider = Provider(name: "p", tokenEndpoint: "https://p.example/token")
        provider.clientAuthentication = .post
        provider.clientCredentialsGrantType = "client_credentials"
        change(&provider)
        try provider.check()
        let application = Application(
            id: try ApplicationID("a"), provider: provider, clientID: "id",
            clientSecret: try Secret(text: "secret"), values: values)
        let request = try TokenRequest.clientCredentials(
            scope: scope, for: application,
            by: ClientCredentials(application, for: .exchange))
        return request.body.exposed
    }

    @Test func saysWhatProvidersWantToHear() throws {
        #expect(
            try body(scope: "a b")
                == "grant_type=client_credentials&scope=a+b&client_id=id&client_secret=secret")
        // Auth0, and whoever wants an audience or a resource.
        #expect(
            try body { $0.clientCredentialsParameters = [.init("audience", "https://api/")] }
                == "grant_type=client_credentials&client_id=id&client_secret=secret"
                + "&audience=https%3A%2F%2Fapi%2F")
        // Zoom: another name, and the account's id.
        let zoom = try body(values: ["account_id": "a/1"]) {
            $0.clientAuthentication = .basic
            $0.clientCredentialsGrantType = "account_credentials"
            $0.variables = ["account_id": .init()]
            $0.clientCredentialsParameters = [.init("account_id", "{account_id}")]
        }
        #expect(zoom == "grant_type=account_credentials&account_id=a%2F1")
        // Microsoft: one scope that stands for all.
        #expect(
            try body(scope: "read") {
                $0.clientCredentialsParameters = [
                    .init("scope", "https://graph.microsoft.com/.default")
                ]
            }.contains("secret&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"))
        // Whoever wants JSON.
        #expect(
            try body(scope: "s") {
                $0.clientAuthentication = .basic
                $0.requestBody = .json
            } == #"{"grant_type":"client_credentials","scope":"s"}"#)
    }

    @Test func aValueThatIsMissingIsNamed() throws {
        let error = #expect(throws: VaultError.self) {
            try body {
                $0.variables = ["account_id": .init()]
                $0.clientCredentialsParameters = [.init("account_id", "{account_id}")]
            }
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.detail.cause == .valueMissing && error?.detail.subject == .variable)
    }

    @Test func whatCannotBeMeantIsRefused() throws {
        for (setting, change) in [
            ("authorization_endpoint", { $0.clientCredentialsGrantType = nil }),
            (
                "client_credentials_grant_type",
                { $0.clientCredentialsGrantType = "refresh_token" }
            ),
            (
                "client_credentials_parameters",
                { $0.clientCredentialsParameters = [.init("client_id", "x")] }
            ),
            (
                "client_credentials_parameters",
                { $0.clientCredentialsParameters = [.init("a", "{nobody}")] }
            ),
            (
                "client_credentials_parameters",
                {
                    $0.tokenParameters = [.init("a", "b")]
                    $0.clientCredentialsParameters = [.init("a", "c")]
                }
            ),
        ] as [(String, (inout Provider) -> Void)] {
            let error = #expect(throws: SettingError.self) { try body(change) }
            #expect(error?.setting == setting)
        }
    }
}
