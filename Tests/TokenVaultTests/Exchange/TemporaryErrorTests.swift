// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What a definition calls temporary neither ends a grant nor blames the application.
@Suite struct TemporaryErrorTests {
    static var provider: Provider {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.temporaryErrors = [
            .init(error: "ratelimited"), .init(error: "4"), .init(status: 403, error: nil),
            .init(status: 401, error: "invalid_grant"), .init(status: 400, error: "Access Denied"),
            .init(status: 403, error: "unauthorized_client"),
        ]
        provider.grantLostErrors = ["190"]
        provider.grantLostAnswers = [
            .init(status: 401, error: nil), .init(status: 401, error: "access_denied"),
        ]
        return provider
    }

    @Test(
        arguments: [
            (200, #"{"ok":false,"error":"ratelimited"}"#, "transient 200"),
            (400, #"{"error":"ratelimited"}"#, "transient 400"),
            (400, #"{"status":"ratelimited"}"#, "transient 400"),
            (400, #"{"error":{"code":4,"message":"x"}}"#, "transient 400"),
            (400, #"{"error":{"code":190,"error_subcode":4}}"#, "transient 400"),
            (400, #"{"error":{"code":190}}"#, "grantLost"),
            (403, "<p>Slow down</p>", "transient 403"), (403, nil, "transient 403"),
            (403, #"{"error":"unauthorized_client"}"#, "transient 403"),
            (403, #"{"error":"access_denied"}"#, "refused accessDenied"),
            (401, #"{"error":"invalid_grant"}"#, "transient 401"),
            (400, #"{"error":"invalid_grant"}"#, "grantLost"),
            (401, nil, "grantLikelyLost"),
            (400, #"{"error":"Access Denied","status":"failure"}"#, "transient 400"),
            (401, #"{"error":"Access Denied"}"#, "misconfigured other"),
            (400, #"{"error":"Access Denied!"}"#, "refused other"),
            (302, #"{"error":"ratelimited"}"#, "refused"),
            (404, nil, "refused"),
            // Tokens are tokens, whatever is beside them.
            (200, #"{"access_token":"a","status":"ratelimited"}"#, "tokens a"),
            (200, #"{"access_token":"a","error":"ratelimited"}"#, "unread"),
            (200, "<p>", "unreadable"),
        ] as [(Int, String?, String)])
    func judges(_ status: Int, _ body: String?, _ expected: String) throws {
        #expect(try verdictText(Self.provider, status, body) == expected)
    }

    @Test func codesInTheEnvelopeCount() throws {
        var provider = Self.provider
        provider.successCode = .init(member: "code", values: ["0"])
        #expect(try verdictText(provider, 200, #"{"code":4}"#) == "transient 200")
        #expect(try verdictText(provider, 200, #"{"code":190}"#) == "grantLost")
        provider.replyMembers.error = "error.kind"
        let (slow, other) = (#"{"error":{"kind":"ratelimited"}}"#, #"{"error":{"kind":"x"}}"#)
        #expect(try verdictText(provider, 400, slow) == "transient 400")
        #expect(try verdictText(provider, 400, other) == "refused other")
    }

    @Test func inAForm() throws {
        #expect(
            try verdictText(Self.provider, 200, "error=ratelimited&x=1", isForm: true)
                == "transient 200")
    }
}
