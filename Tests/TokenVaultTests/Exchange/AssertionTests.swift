// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// What a client signs of itself, and where it goes.
@Suite struct AssertionTests {
    /// An assertion taken apart.
    struct Parts {
        let header: [String: String]
        let claims: [String: Any]

        init(_ text: String) throws {
            let parts = text.split(separator: ".").map(String.init)
            try #require(parts.count == 3)
            header = try #require(Self.object(parts[0]) as? [String: String])
            claims = try #require(Self.object(parts[1]))
        }

        private static func object(_ part: String) -> [String: Any]? {
            let plain = part.replacing("-", with: "+").replacing("_", with: "/")
            let padding = String(repeating: "=", count: (4 - plain.utf8.count % 4) % 4)
            return Data(base64Encoded: plain + padding).flatMap {
                try? JSONSerialization.jsonObject(with: $0) as? [String: Any]
            }
        }
    }

    final class Hands: TimeSource {
        private let time = Monitor(UnixTime(milliseconds: 1_800_000_000_999))
        func now() -> UnixTime { time.withLock { $0 } }
        func move(milliseconds: Int64) {
            time.withLock { $0 = $0.adding(milliseconds: milliseconds) }
        }
    }

    @Test func saysWhoWhatAndUntilWhen() throws {
        let key = try SigningKeyTests.key(SigningKeys.p256, keyID: "k\\\"1")
        let now = UnixTime(milliseconds: 1_800_000_000_999)
        var seen: Set<String> = []
        for _ in 0..<100 {
            let assertion = try Assertion.make(
                issuer: "a \"client\"\n", subject: "s", audience: "https://as.example/",
                claims: [("scope", "a b"), ("https://x.example/y", "ü")], now: now, key: key)
            let parts = try Parts(assertion.bytes.publicText ?? "")
            #expect(parts.header == ["alg": "ES256", "typ": "JWT", "kid": "k\\\"1"])
            #expect(parts.claims["iss"] as? String == "a \"client\"\n")
            #expect(parts.claims["sub"] as? String == "s")
            #expect(parts.claims["aud"] as? String == "https://as.example/")
            #expect(parts.claims["scope"] as? String == "a b")
            #expect(parts.claims["https://x.example/y"] as? String == "ü")
            #expect(parts.claims["iat"] as? Int == 1_800_000_000)
            #expect(parts.claims["exp"] as? Int == 1_800_000_060)
            #expect(parts.claims.count == 8)
            let identifier = try #require(parts.claims["jti"] as? String)
            #expect(identifier.utf8.count == 27)
            #expect(seen.insert(identifier).inserted)
        }
        let nameless = try SigningKeyTests.key(SigningKeys.ed25519, keyID: "")
        let other = try Assertion.make(
            issuer: "", subject: "", audience: "", now: now, key: nameless)
        #expect(
            try Parts(other.bytes.publicText ?? "").header == ["alg": "EdDSA", "typ": "JWT"])
    }

    @Test(arguments: ["iss", "exp", "jti", "twice"])
    func noClaimIsThereTwice(_ name: String) throws {
        let key = try SigningKeyTests.key(SigningKeys.ed25519)
        #expect(
            refusal {
                _ = try Assertion.make(
                    issuer: "i", subject: "s", audience: "a",
                    claims: [(name, "1"), ("twice", "2")],
                    now: UnixTime(milliseconds: 0), key: key)
            } == .invalidArgument)
    }

    private func application(
        _ change: @escaping (inout Provider) -> Void = { _ in }
    ) throws -> Application {
        var setting = RequestSetting()
        setting.clientSecret = nil
        setting.method = .privateKeyJWT
        setting.change = change
        var application = try setting.application()
        application.signingKey = try SigningKeyTests.key(SigningKeys.ed25519)
        return application
    }

    private func field(_ name: String, of body: String) -> String? {
        body.split(separator: "&").first { $0.hasPrefix("\(name)=") }
            .map { String($0.dropFirst(name.count + 1)) }
    }

    @Test func goesIntoEachRequest() throws {
        let clock = Hands()
        let application = try application { $0.tokenParameters = [.init("p", "q")] }
        let exchange = try TokenRequest.exchange(
            code: "c".secret(), codeVerifier: nil, for: application, clock: clock)
        let credentials = try ClientCredentials(application, clock: clock)
        let token = try "r/1".secret()
        let first = try TokenRequest.refresh(token.bytes, by: credentials)
        let second = try TokenRequest.refresh(token.bytes, by: credentials)
        let revocation = try TokenRequest.revocation(
            of: token.bytes, .refreshToken, for: application, clock: clock)
        let bodies = [
            exchange.body.bytes.publicText, first.body.bytes.publicText,
            second.body.bytes.publicText, revocation.body.bytes.publicText,
        ].map { $0 ?? "" }
        #expect(first.credentials.headerByteCount == 0)
        var seen: Set<String> = []
        for body in bodies {
            #expect(
                field("client_assertion_type", of: body)
                    == "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer")
            #expect(field("client_id", of: body) == "id")
            #expect(!body.contains("client_secret"))
            let parts = try Parts(field("client_assertion", of: body) ?? "")
            #expect(parts.claims["iss"] as? String == "id")
            #expect(parts.claims["sub"] as? String == "id")
            #expect(parts.claims["aud"] as? String == "https://example.com/token")
            #expect(seen.insert(parts.claims["jti"] as? String ?? "").inserted)
        }
        #expect(bodies[1].hasPrefix("grant_type=refresh_token&refresh_token=r%2F1&client_id=id&"))
        #expect(bodies[1].hasSuffix("&p=q"))
    }

    @Test func goesIntoJSON() throws {
        let application = try application { $0.requestBody = .json }
        let credentials = try ClientCredentials(application)
        let token = try "r".secret()
        let request = try TokenRequest.refresh(token.bytes, by: credentials)
        let text = request.body.bytes.publicText ?? ""
        let members = try #require(
            JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String])
        #expect(members["client_assertion_type"] == AssertionMaker.clientAssertionType)
        #expect(try Parts(members["client_assertion"] ?? "").header["alg"] == "EdDSA")
        #expect(members["refresh_token"] == "r")
    }

    @Test func isForTheIssuerOrWhomTheDefinitionSays() throws {
        func audience(_ change: @escaping (inout Provider) -> Void) throws -> String? {
            let credentials = try ClientCredentials(try application(change))
            let token = try "r".secret()
            let request = try TokenRequest.refresh(token.bytes, by: credentials)
            let body = request.body.bytes.publicText ?? ""
            return try Parts(field("client_assertion", of: body) ?? "").claims["aud"] as? String
        }
        #expect(try audience { $0.refreshEndpoint = "https://a/r" } == "https://example.com/token")
        #expect(try audience { $0.issuer = "https://as.example" } == "https://as.example")
        #expect(
            try audience {
                $0.issuer = "https://as.example"
                $0.assertionAudience = "urn:as"
            } == "urn:as")
    }

    /// A request may wait for its turn, or stand still with the machine, for longer than its
    /// assertion lives.
    @Test func isMadeAnewWhereItHasWaited() throws {
        let clock = Hands()
        let application = try application()
        let credentials = try ClientCredentials(application, clock: clock)
        let token = try "r".secret()
        func leave(after milliseconds: Int64) throws -> (made: Parts, left: Parts) {
            var made = try TokenRequest.refresh(token.bytes, by: credentials)
            let before = made.body.bytes.publicText ?? ""
            let assertions = made.assertions
            let request = TransportRequest(
                url: "https://example.com/token", credentials: made.credentials,
                body: try made.body.copy(), assertions: assertions, completion: { _ in })
            made.body = try Secret(zeroes: 0)
            clock.move(milliseconds: milliseconds)
            #expect(request.markSent())
            #expect(request.renewAssertions())
            let after =
                switch request.body {
                case .some(let body): body.bytes.publicText ?? ""
                case .none: ""
                }
            request.answer(TransportReply(failure: .cancelled))
            return (
                try Parts(field("client_assertion", of: before) ?? ""),
                try Parts(field("client_assertion", of: after) ?? "")
            )
        }
        let atOnce = try leave(after: 5000)
        #expect(atOnce.made.claims["jti"] as? String == atOnce.left.claims["jti"] as? String)
        for milliseconds: Int64 in [5001, 3_600_000, -60_000] {
            let late = try leave(after: milliseconds)
            #expect(late.made.claims["jti"] as? String != late.left.claims["jti"] as? String)
            #expect(
                late.left.claims["iat"] as? Int == Int(clock.now().milliseconds / 1000))
        }
    }

    @Test func nothingIsSignedWithoutAKey() throws {
        var application = try application()
        application.signingKey = nil
        do throws(VaultError) {
            _ = try ClientCredentials(application)
            Issue.record("it was made")
        } catch { #expect(error.detail.subject == .signingKey) }
    }
}
