// SPDX-License-Identifier: Apache-2.0

import ProviderCatalog
import Testing
import TokenVault

/// Four providers that take an assertion for a token, each by its definition alone.
struct JWTBearerDefinitionTests {
    struct Sample: Sendable {
        let text: String
        let line: String
        let says: String
        let body: String
    }

    private static let grant = "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"

    static let samples: [Sample] = [
        Sample(
            text: """
                name: salesforce-user
                token_endpoint: https://{host}/services/oauth2/token
                client_authentication: none
                variables:
                  host: { default: login.salesforce.com, host_suffixes: [salesforce.com] }
                assertion_audience: https://{host}
                assertion_claims: {}
                default_lifetime_seconds: 7200
                captured_from_reply: { instance_url: instance_url }
                """, line: "POST https://login.salesforce.com/services/oauth2/token",
            says: "iss=CLIENT_ID, sub=SUBJECT, aud=https://login.salesforce.com",
            body: "grant_type=\(grant)&assertion=ASSERTION&scope=SCOPE"),
        Sample(
            text: """
                name: google-service-account
                token_endpoint: https://oauth2.googleapis.com/token
                client_authentication: none
                assertion_claims: { scope: "{scope}" }
                """, line: "POST https://oauth2.googleapis.com/token",
            says: "iss=CLIENT_ID, sub=SUBJECT, aud=https://oauth2.googleapis.com/token, "
                + "scope=SCOPE",
            body: "grant_type=\(grant)&assertion=ASSERTION"),
        Sample(
            text: """
                name: docusign
                authorization_endpoint: https://{host}/oauth/auth
                token_endpoint: https://{host}/oauth/token
                client_authentication: none
                variables:
                  host: { default: account.docusign.com, host_suffixes: [docusign.com] }
                assertion_audience: "{host}"
                assertion_claims: { scope: "{scope}" }
                """, line: "POST https://account.docusign.com/oauth/token",
            says: "iss=CLIENT_ID, sub=SUBJECT, aud=account.docusign.com, scope=SCOPE",
            body: "grant_type=\(grant)&assertion=ASSERTION"),
        Sample(
            text: """
                name: box
                token_endpoint: https://api.box.com/oauth2/token
                client_authentication: post
                variables: { sub_type: { default: enterprise, pattern: "enterprise|user" } }
                assertion_audience: https://api.box.com/oauth2/token
                assertion_claims: { box_sub_type: "{sub_type}" }
                """, line: "POST https://api.box.com/oauth2/token",
            says: "iss=CLIENT_ID, sub=SUBJECT, aud=https://api.box.com/oauth2/token, "
                + "box_sub_type=enterprise",
            body: "grant_type=\(grant)&assertion=ASSERTION&scope=SCOPE&client_id=CLIENT_ID"
                + "&client_secret=CLIENT_SECRET"),
    ]

    @Test(arguments: samples)
    func saysWhatWouldBeSent(_ sample: Sample) throws {
        let provider = try ProviderCatalog.parse(sample.text)
        let previews = try RequestPreview.all(provider, values: [:])
        let preview = try #require(previews.first { $0.body.contains("=ASSERTION") })
        #expect(preview.title == "The client asks by an assertion that says \(sample.says)")
        #expect(preview.line == sample.line)
        #expect(preview.body == sample.body)
        #expect(provider.mayUseKey)
        #expect(provider.needsKey == provider.authorizationEndpoint.isEmpty)
    }
}
