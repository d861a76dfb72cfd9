// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Answers that are forms, which are read where their content type says that they may be.
@Suite struct FormReplyTests {
    static let tokens = "access_token=gho_1&scope=repo%2Cgist&token_type=bearer"

    @Test(
        arguments: [
            (200, tokens, "tokens gho_1 repo,gist -"),
            (
                200, "access_token=a%2Fb%22%5C+c&expires=86400&refresh_token=r%7E\r\n",
                #"tokens a/b"\ c - 86400"#
            ),
            (200, "token_type=bearer&access_token=a&expires_in=60&&x", "tokens a - 60"),
            (200, "access_token=a&token_type=mac", "unread tokenTypeNotTaken"),
            (200, "refresh_token=r&scope=s", "unread noAccessToken"),
            (200, "access_token=a&access_token=b", "unread memberTwice"),
            (200, "access_token=a%0Ab", "unread nil"),
            (200, "access_token=a%zz&token_type=bearer", "unread nil"),
            (200, "access_token=%C3%BC", "unread tokenNotText"),
            (200, "access_token=a&error=invalid_grant", "unread nil"),
            (200, "error=bad_verification_code&error_description=x+y", "refused other"),
            (200, "error=bad_refresh_token&error_uri=https%3A%2F%2Fa.example", "grantLost"),
            (200, "error=invalid_grant", "grantLost"),
            (400, "error=invalid_grant", "grantLost"),
            (400, "error=bad_refresh_token", "grantLost"),
            (400, "error=invalid_client", "misconfigured"),
            (403, "error=slow", "grantLikelyLost"),
            (403, "Forbidden", "refused nil"),
            (503, "error=invalid_grant", "transient"),
            (302, "error=invalid_grant", "refused nil"),
            (200, "ok", "unreadable"), (200, "access_token=", "unreadable"),
            (200, "your access_token=a", "unreadable"), (200, "", "unreadable"),
            // What is JSON after all.
            (200, #"{"access_token":"a"}"#, "tokens a - -"),
            (200, #"<br>{"access_token":"a"}"#, "tokens a - -"),
            (400, #"{"error":"invalid_grant"}"#, "grantLost"),
        ]) func judges(_ status: Int, _ body: String, _ expected: String) throws
    {
        #expect(try says(status, body, isForm: true) == expected)
    }

    /// A page that happens to look like one is not taken for it.
    @Test func otherContentTypesAreNoForms() throws {
        #expect(try says(200, Self.tokens, isForm: false) == "unread nil")
        #expect(try says(400, "error=invalid_grant", isForm: false) == "refused nil")
    }

    @Test func longTokensStayWhole() throws {
        let token = String(repeating: "t", count: TokenSet.tokenBytesMax)
        let body = "access_token=\(token)&refresh_token=\(token)"
        #expect(try says(200, body, isForm: true) == "tokens \(token) - -")
        let escaped = String(repeating: "%2F", count: 8000)
        #expect(
            try says(200, "access_token=\(escaped)", isForm: true)
                == "tokens \(String(repeating: "/", count: 8000)) - -")
        #expect(
            try says(200, "access_token=\(token)t&refresh_token=r", isForm: true)
                == "unread tokenTooLong")
    }

    /// Over the wire, by what the server says that it is.
    @Test(
        arguments: [
            ("application/x-www-form-urlencoded; charset=utf-8", "tokens"),
            ("Application/X-WWW-Form-URLEncoded", "tokens"), ("text/plain;charset=UTF-8", "tokens"),
            ("text/html; charset=utf-8", "unread"), ("application/json", "unread"),
            ("text/plainly", "unread"), (nil, "unread"),
        ] as [(String?, String)])
    func contentTypesAreRead(_ type: String?, _ expected: String) throws {
        let server = try ScriptedServer { _ in
            .reply(headers: type.map { ["Content-Type: \($0)"] } ?? [], body: Self.tokens)
        }
        defer { server.stop() }
        let seen = Monitor<[String]>([])
        let transport = try CurlTransport.forTests()
        transport.send(
            TransportRequest(url: server.origin, credentials: nil, body: try Secret("a=b")) {
                let text = Self.text(Verdict($0))
                seen.withLock { $0.append(text) }
                seen.broadcast()
            })
        let found = seen.wait(milliseconds: 10_000, until: { !$0.isEmpty }, then: { $0 })
        #expect(found.first?.hasPrefix(expected) == true, "\(found)")
    }

    // MARK: -

    private func says(_ status: Int, _ body: String, isForm: Bool) throws -> String {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.grantLostErrors = ["bad_refresh_token"]
        provider.grantLostAnswers = [.init(status: 403, error: "slow")]
        return Self.text(
            Verdict(
                TransportReply(status: status, body: try body.secret(), isForm: isForm),
                lost: GrantLostErrors(provider), likelyLost: GrantLostAnswers(provider)))
    }

    private static func text(_ verdict: consuming Verdict) -> String {
        switch consume verdict {
        case .tokens(let reply): return text(reply)
        case .unread(_, let body, let cause):
            let isKept = UnreadReply.namesToken(body.bytes)
            #expect(isKept)
            return "unread " + (cause.map { "\($0)" } ?? "nil")
        case .unreadable: return "unreadable"
        case .grantLost: return "grantLost"
        case .grantLikelyLost: return "grantLikelyLost"
        case .applicationMisconfigured: return "misconfigured"
        case .transient: return "transient"
        case .refused(_, let error): return "refused " + (error.map { "\($0)" } ?? "nil")
        default: return "something else"
        }
    }

    private static func text(_ reply: borrowing TokenReply) -> String {
        let now = UnixTime(seconds: 1_793_490_000)
        let expiry = reply.expiry(
            requestedAt: now, providerLifetimeSeconds: nil, applicationLifetimeSeconds: nil)
        let seconds = expiry.moment.map { "\($0.milliseconds(since: now) / 1000)" } ?? "-"
        return "tokens \(reply.accessTokenBytes.publicText ?? "") \(reply.scope ?? "-") \(seconds)"
    }
}
