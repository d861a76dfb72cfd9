// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What a client sends that asks for somebody's token by an assertion, and what that says.
@Suite struct JWTBearerRequestTests {
    private typealias Parts = AssertionTests.Parts

    private func application(
        secret: String? = nil, values: [String: String] = [:],
        _ change: (inout Provider) -> Void = { _ in }
    ) throws -> Application {
        var provider = Provider(name: "p", tokenEndpoint: "https://p.example/token")
        provider.clientAuthentication = secret == nil ? .none : .post
        provider.assertionClaims = []
        change(&provider)
        try provider.check()
        return try Application(
            id: ApplicationID("a"), provider: provider, clientID: "id",
            clientSecret: secret.map { try Secret(text: $0) },
            signingKey: SigningKeyTests.key(SigningKeys.ed25519), values: values
        ).filled(for: nil)
    }

    private func request(
        _ application: borrowing Application, subject: String? = "anna", scope: String? = nil
    ) throws -> TokenRequest {
        try TokenRequest.jwtBearer(
            subject: subject, scope: scope, for: application,
            by: ClientCredentials(application, for: .exchange))
    }

    private func fields(_ request: borrowing TokenRequest) -> [String: String] {
        let pairs = request.body.exposed.split(separator: "&").map { pair in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return (String(parts[0]), String(parts[1]))
        }
        return Dictionary(pairs) { "\($0) and \($1)" }
    }

    @Test func asksByAnAssertionOfItsOwnEachTime() throws {
        let application = try application()
        var seen: Set<String> = []
        for _ in 0..<3 {
            let fields = fields(try request(application, scope: "a b"))
            #expect(Set(fields.keys) == ["grant_type", "assertion", "scope"])
            #expect(
                fields["grant_type"] == "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer")
            #expect(fields["scope"] == "a+b")
            let parts = try Parts(fields["assertion"] ?? "")
            #expect(parts.header["alg"] == "EdDSA")
            #expect(parts.claims["iss"] as? String == "id")
            #expect(parts.claims["sub"] as? String == "anna")
            #expect(parts.claims["aud"] as? String == "https://p.example/token")
            #expect(parts.claims.count == 6)
            #expect(seen.insert(parts.claims["jti"] as? String ?? "").inserted)
        }
        let nobody = try Parts(fields(try request(application, subject: nil))["assertion"] ?? "")
        #expect(nobody.claims["sub"] == nil && nobody.claims.count == 5)
    }

    @Test func saysWhatTheDefinitionWants() throws {
        let application = try application(values: ["kind": "user"]) {
            $0.variables = ["kind": .init(), "site": .init(defaultValue: "login.p.example")]
            $0.assertionAudience = "https://{site}"
            $0.assertionClaims = [
                .init("scope", "{scope}"), .init("box_sub_type", "{kind}"),
                .init("iss", "{client_id}@p.example"), .init("fixed", "x"),
            ]
        }
        let with = fields(try request(application, scope: "a b"))
        #expect(with["scope"] == nil)
        let claims = try Parts(with["assertion"] ?? "").claims
        #expect(claims["scope"] as? String == "a b")
        #expect(claims["box_sub_type"] as? String == "user")
        #expect(claims["iss"] as? String == "id@p.example")
        #expect(claims["fixed"] as? String == "x")
        #expect(claims["aud"] as? String == "https://login.p.example")
        let without = try Parts(fields(try request(application))["assertion"] ?? "").claims
        #expect(without["scope"] == nil && without["fixed"] as? String == "x")
    }

    @Test func theClientMayAuthenticateBeside() throws {
        let post = try application(secret: "secret")
        #expect(
            Set(fields(try request(post)).keys)
                == ["grant_type", "assertion", "client_id", "client_secret"])
        let signing = try application { $0.clientAuthentication = .privateKeyJWT }
        let fields = fields(try request(signing))
        #expect(fields["client_id"] == "id")
        let grant = try Parts(fields["assertion"] ?? "").claims
        let client = try Parts(fields["client_assertion"] ?? "").claims
        #expect(grant["sub"] as? String == "anna" && client["sub"] as? String == "id")
        #expect(grant["jti"] as? String != client["jti"] as? String)
    }

    /// Both are as old as the request.
    @Test func whatHasWaitedIsSignedAnew() throws {
        let clock = AssertionTests.Hands()
        let application = try application { $0.clientAuthentication = .privateKeyJWT }
        let credentials = try ClientCredentials(application, for: .exchange, clock: clock)
        let request = try TokenRequest.jwtBearer(
            subject: "anna", scope: nil, for: application, by: credentials, clock: clock)
        let before = fields(request)
        var body = try request.body.copy()
        clock.move(milliseconds: 5001)
        for place in request.assertions {
            let isRenewed = place.renew(in: &body)
            #expect(isRenewed)
        }
        let after = fields(TokenRequest(credentials: credentials, body: body))
        for name in ["assertion", "client_assertion"] {
            let (old, new) = try (Parts(before[name] ?? ""), Parts(after[name] ?? ""))
            #expect(old.claims["jti"] as? String != new.claims["jti"] as? String)
            #expect(old.claims["sub"] as? String == new.claims["sub"] as? String)
            #expect(new.claims["iat"] as? Int == Int(clock.now().milliseconds / 1000))
        }
    }

    @Test func whatIsMissingIsNamed() throws {
        let value = try application {
            $0.variables = ["kind": .init()]
            $0.assertionClaims = [.init("box_sub_type", "{kind}")]
        }
        let valueError = #expect(throws: VaultError.self) { _ = try request(value) }
        #expect(valueError?.detail.cause == .valueMissing)
        #expect(valueError?.detail.subject == .variable)
        var keyless = try application()
        keyless.signingKey = nil
        let keyError = #expect(throws: VaultError.self) { _ = try request(keyless) }
        #expect(keyError?.detail.subject == .signingKey)
        let unknown = try application {
            $0.clientCredentialsGrantType = "client_credentials"
            $0.assertionClaims = nil
        }
        let error = #expect(throws: VaultError.self) { _ = try request(unknown) }
        #expect(error?.detail.subject == .setting)
    }

    @Test func whatCannotBeMeantIsRefused() throws {
        for (setting, change) in [
            ("authorization_endpoint", { $0.assertionClaims = nil }),
            ("assertion_claims", { $0.assertionClaims = [.init("sub", "x")] }),
            ("assertion_claims", { $0.assertionClaims = [.init("exp", "1")] }),
            ("assertion_claims", { $0.assertionClaims = [.init("a", "{nobody}")] }),
            ("assertion_claims", { $0.assertionClaims = [.init("a\"b", "x")] }),
            (
                "assertion_audience",
                {
                    $0.variables = ["a": .init()]
                    $0.assertionAudience = "{b}"
                }
            ),
            ("token_parameters", { $0.tokenParameters = [.init("assertion", "x")] }),
        ] as [(String, (inout Provider) -> Void)] {
            let error = #expect(throws: SettingError.self) { _ = try application(change) }
            #expect(error?.setting == setting)
        }
    }

    @Test func noClaimsAreSomethingElseThanNone() throws {
        let row = try #require(ProviderSetting["assertion_claims"])
        for claims: [Provider.Parameter]? in [nil, [], [.init("a", "b"), .init("c", "")]] {
            var provider = Provider(name: "p", tokenEndpoint: "https://p.example/token")
            provider.assertionClaims = claims
            var read = Provider(name: "p", tokenEndpoint: "https://p.example/token")
            #expect(row.restore(&read, from: row.fields(of: provider)))
            #expect(read.assertionClaims == claims)
            #expect(row.isDefault(in: provider) == (claims == nil))
        }
    }
}
