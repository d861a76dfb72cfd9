// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

@Suite struct VerdictTests {
    static let tokens = #"{"access_token":"a","token_type":"bearer","refresh_token":"r"}"#

    struct Row: Sendable, CustomTestStringConvertible {
        let status: Int
        let body: String?
        let verdict: String
        var testDescription: String { "\(status) \(body ?? "no body")" }

        init(_ status: Int, _ body: String?, _ verdict: String) {
            (self.status, self.body, self.verdict) = (status, body, verdict)
        }

        init(_ status: Int, error: String, _ verdict: String) {
            self.init(status, "{\"error\":\"\(error)\",\"error_description\":\"x\"}", verdict)
        }
    }

    static let rows: [Row] = [
        // Success, and what looks like it.
        Row(200, tokens, "tokens a"),
        Row(201, tokens, "tokens a"),
        Row(200, #"{"access_token":"a"}"#, "tokens a"),
        Row(200, #"{"access_token":"a","token_type":"BeArEr","error":null}"#, "tokens a"),
        Row(200, "\u{FEFF}" + tokens + "\r\n\0", "tokens a"),
        // Something was written before it.
        Row(200, "<br />\n<b>Warning</b>: {x} on line <b>42</b><br />\n" + tokens, "tokens a"),
        Row(200, "\u{FEFF}<!-- cache miss -->\n" + tokens + "\n", "tokens a"),
        Row(200, ")]}',\n" + tokens, "tokens a"),
        Row(200, "callback(" + tokens + ");", "tokens a"),
        Row(200, "[" + tokens + "]", "tokens a"),
        Row(200, #"Note: {"x":{"y":1}} {"access_token":"a","token_type":"mac"}"#, "unread 200"),
        Row(200, #"{"x":"\ud800","x":NaN,"access_token":"a"}"#, "tokens a"),
        Row(299, tokens, "tokens a"),
        Row(200, #"{"access_token":"a","token_type":"mac"}"#, "unread 200"),
        Row(200, #"{"access_token":"a","token_type":"DPoP"}"#, "unread 200"),
        Row(200, #"{"access_token":"a","error":"invalid_grant"}"#, "unread 200"),
        Row(200, #"{"refresh_token":"r","error":"invalid_grant"}"#, "unread 200"),
        Row(200, #"{"access_token":"a","access_token":"b"}"#, "unread 200"),
        Row(200, #"{"access_token":"a\n"}"#, "unread 200"),
        Row(200, #"{"access_token":1}"#, "unread 200"),
        Row(201, #"{"access_token":"","refresh_token":"r"}"#, "unread 201"),
        Row(200, #"{"data":{"items":[{"refresh_token":"r"}]}}"#, "unread 200"),
        Row(200, "access_token=a", "unread 200"),
        Row(200, "expires_in=9&refresh_token=r%2F&scope=a+b\r\n", "unread 200"),
        // Nothing that names a token.
        Row(200, "{}", "unreadable 200"),
        Row(200, #"{"ok":true}"#, "unreadable 200"),
        Row(200, #"{"access_token":"","refresh_token":null}"#, "unreadable 200"),
        Row(200, #"{"note":"access_token","x":{"access_token":null}}"#, "unreadable 200"),
        Row(200, "<html>Sign in</html>", "unreadable 200"),
        Row(200, "<a href=\"/?access_token=a&b=c\">", "unreadable 200"),
        Row(200, "access_token=", "unreadable 200"),
        Row(200, "xaccess_token=a&token=b", "unreadable 200"),
        Row(200, "your access_token=a", "unreadable 200"),
        Row(200, "<pre>" + tokens + "</pre>", "unreadable 200"),
        Row(200, "<b>Warning</b>: x\n" + String(tokens.dropLast()), "unreadable 200"),
        Row(200, "f({}); var x = {access_token: 1}", "unreadable 200"),
        Row(200, String(tokens.dropLast()), "unreadable 200"),
        Row(200, #"{"access_token":"a","x":{"y":1}"#, "unreadable 200"),
        Row(200, nil, "unreadable 200"),
        Row(204, nil, "unreadable 204"),
        // An error is an error with 200, too.
        Row(200, error: "invalid_grant", "grantLost 200"),
        Row(200, error: "bad_refresh_token", "refused 200 other"),
        Row(200, error: "invalid_client", "misconfigured 200 invalidClient"),
        Row(200, error: "temporarily_unavailable", "transient 200 7 sent"),
        Row(200, #"{"error":{"code":190}}"#, "refused 200 other"),
        // Definite: the grant.
        Row(400, error: "invalid_grant", "grantLost 400"),
        Row(401, error: "invalid_grant", "grantLost 401"),
        Row(403, error: "invalid_grant", "grantLost 403"),
        Row(400, error: "Invalid_grant", "refused 400 other"),
        Row(400, #"{"error_description":"invalid_grant"}"#, "refused 400"),
        Row(400, #"{"error":"x","error":"invalid_grant"}"#, "refused 400"),
        // The application.
        Row(400, error: "invalid_client", "misconfigured 400 invalidClient"),
        Row(401, error: "invalid_client", "misconfigured 401 invalidClient"),
        Row(400, error: "unauthorized_client", "misconfigured 400 unauthorizedClient"),
        Row(400, error: "unsupported_grant_type", "misconfigured 400 unsupportedGrantType"),
        Row(401, error: "access_denied", "misconfigured 401 accessDenied"),
        Row(401, "<html>", "misconfigured 401"),
        Row(401, nil, "misconfigured 401"),
        // Passing trouble, whatever it carries.
        Row(500, nil, "transient 500 7 sent"),
        Row(502, "<html>", "transient 502 7 sent"),
        Row(503, error: "invalid_grant", "transient 503 7 sent"),
        Row(599, tokens, "transient 599 7 sent"),
        Row(429, error: "invalid_grant", "transient 429 7 sent"),
        Row(429, error: "slow_down", "transient 429 7 sent"),
        Row(408, nil, "transient 408 7 sent"),
        Row(425, nil, "transient 425 7 sent"),
        Row(400, error: "temporarily_unavailable", "transient 400 7 sent"),
        Row(400, error: "server_error", "transient 400 7 sent"),
        Row(0, nil, "transient 0 7 sent"),
        Row(100, nil, "transient 100 7 sent"),
        // Anything else that is definite.
        Row(400, error: "invalid_request", "refused 400 invalidRequest"),
        Row(400, error: "invalid_scope", "refused 400 invalidScope"),
        Row(400, error: "access_denied", "refused 400 accessDenied"),
        Row(400, "not json", "refused 400"),
        Row(403, nil, "refused 403"),
        Row(404, "<html>", "refused 404"),
        Row(405, nil, "refused 405"),
        Row(302, nil, "refused 302"),
        Row(307, #"{"error":"invalid_grant"}"#, "refused 307"),
    ]

    @Test(arguments: rows) func judges(_ row: Row) throws {
        #expect(try verdict(row.status, row.body) == row.verdict)
    }

    @Test(
        arguments: [
            (.cancelled, "unsent"), (.unreachable(curlCode: 7), "transient 0 unsent"),
            (.tooManySecrets, "unsent"), (.lost(curlCode: 56), "transient 0 sent"),
            (.deadlineExceeded, "transient 0 sent"), (.tooLong, "transient 0 sent"),
            (.untrusted(verifyResult: 10), "transient 0 unsent"),
            (.refused(.notHTTPS), "notAllowed notHTTPS"),
        ] as [(TransportReply.Failure, String)]) func judgesFailures(
            _ failure: TransportReply.Failure, _ expected: String
        )
    {
        #expect(text(Verdict(TransportReply(failure: failure))) == expected)
    }

    @Test("Each reason to ask again later has a code, a number and a log line of its own")
    func namesDelays() {
        let delays: [(Delay, VaultError.Code, Int, Int64)] = [
            (.answered(status: 429), .providerBusy, 429, 429),
            (.answered(status: 502), .providerBusy, 502, 502),
            (.unanswered(.unreachable(curlCode: 7)), .providerUnreachable, 7, -7),
            (.unanswered(.untrusted(verifyResult: 10)), .certificateRefused, 10, -60),
            (.unanswered(.lost(curlCode: 56)), .answerLost, 56, -56),
            (.unanswered(.deadlineExceeded), .deadlineExceeded, 0, -28),
            (.unanswered(.tooLong), .providerAnswerUnreadable, 0, -63),
        ]
        for (delay, code, number, event) in delays {
            let error = VaultError(delay, .vault)
            #expect(error.code == code && error.number == number, "\(delay)")
            let logged = FailureNumber(raw: delay.eventNumber)
            #expect(logged.number == event, "\(delay)")
            #expect(error.eventNumber == logged.raw || code == .providerAnswerUnreadable)
            let isUntrusted = code == .certificateRefused
            #expect(logged.detail.verifyResult == (isUntrusted ? number : 0), "\(delay)")
        }
        #expect(Set(delays.map(\.1)).count == 6)
    }

    /// Of all statuses and all errors, only `invalid_grant` with 2xx or 4xx ends a grant.
    @Test func onlyInvalidGrantLosesAGrant() throws {
        for status in 0..<700 {
            for error in OAuthError.allCases {
                let code = error == .other ? "whatever" : "\(error.code)"
                let verdict = try verdict(status, "{\"error\":\"\(code)\"}")
                let isDefinite =
                    (200..<300).contains(status)
                    || (400..<500).contains(status) && ![408, 425, 429].contains(status)
                #expect(
                    verdict.hasPrefix("grantLost") == (error == .invalidGrant && isDefinite),
                    "\(status) \(code)")
            }
        }
    }

    /// Where somebody connects, `Bearer` and what the definition lists are taken; at a refresh, all
    /// that is not known to need more.
    @Test(
        arguments: [
            ("Bearer", true, true), ("bearer", true, true), ("BEARER", true, true),
            (" Bearer", true, true), ("Bearer\\t", true, true), ("Bearer\t", true, true),
            ("\\u0042earer", true, true), ("", true, true), ("  ", true, true),
            ("bot", false, true), ("BearerToken", false, true), ("user", false, true),
            ("Bearer Token", false, true), ("\\ud800", false, true),
            ("urn:ietf:params:oauth:token-type:access_token", false, true),
            ("\(String(repeating: "x", count: 65))", false, true),
            ("listed", true, true), ("LISTED ", true, true),
            ("mac", false, false), ("MAC", false, false), ("DPoP", false, false),
            ("pop", false, false), ("PoP", false, false), ("N_A", false, false),
        ] as [(String, Bool, Bool)]) func judgesTokenTypes(
            _ type: String, _ atConnect: Bool, _ atRefresh: Bool
        ) throws
    {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.bearerTokenTypes = ["Listed"]
        let body = "{\"access_token\":\"a\",\"token_type\":\"\(type)\"}"
        for (types, isTaken) in [
            (BearerTypes.connect(provider), atConnect), (.refresh(provider), atRefresh),
        ] {
            let verdict = Verdict(
                TransportReply(status: 200, body: try body.secret()), types: types)
            #expect(text(verdict) == (isTaken ? "tokens a" : "unread 200"))
        }
        provider.bearerTokenTypes = ["dpop"]
        let dpop = #"{"access_token":"a","token_type":"DPoP"}"#
        let verdict = Verdict(
            TransportReply(status: 200, body: try dpop.secret()), types: .connect(provider))
        #expect(text(verdict) == "tokens a")
    }

    @Test(arguments: [
        Row(200, nil, "revoked"), Row(200, "{}", "revoked"), Row(200, "<html>", "revoked"),
        Row(204, nil, "revoked"), Row(200, error: "invalid_token", "gone"),
        Row(400, error: "invalid_token", "gone"), Row(400, error: "invalid_grant", "gone"),
        Row(400, error: "unsupported_token_type", "unsupported"),
        Row(401, error: "invalid_client", "failed 401"), Row(403, nil, "failed 403"),
        Row(404, nil, "failed 404"), Row(302, nil, "failed 302"),
        Row(200, error: "invalid_client", "failed 200"), Row(503, nil, "failed 503 retry 7"),
        Row(429, nil, "failed 429 retry 7"),
        Row(400, error: "temporarily_unavailable", "failed 400 retry 7"),
    ]) func judgesRevocations(_ row: Row) throws {
        let verdict = RevocationVerdict(
            TransportReply(
                status: row.status, body: try optionalSecret(row.body), retryAfterSeconds: 7))
        let text =
            switch verdict {
            case .revoked: "revoked"
            case .alreadyGone: "gone"
            case .unsupported: "unsupported"
            case .failed(let number, let retry, let seconds):
                "failed \(number.number)" + (retry ? " retry \(seconds ?? 0)" : "")
            }
        #expect(text == row.verdict)
    }

    @Test func revocationFailuresSayWhetherToRetry() {
        let lost = RevocationVerdict(TransportReply(failure: .lost(curlCode: 56)))
        let broken = FailureNumber(curlCode: 56)
        #expect(lost == .failed(broken, retry: true, retryAfterSeconds: nil))
        let refused = RevocationVerdict(TransportReply(failure: .refused(.notHTTPS)))
        let rule = FailureDetail(cause: .notHTTPS, subject: .revocationEndpoint)
        let number = FailureNumber(status: 0, rule)
        #expect(refused == .failed(number, retry: false, retryAfterSeconds: nil))
    }

    private func verdict(_ status: Int, _ body: String?) throws -> String {
        text(
            Verdict(
                TransportReply(
                    status: status, body: try optionalSecret(body), retryAfterSeconds: 7)))
    }

    private func optionalSecret(_ text: String?) throws(VaultError) -> Secret? {
        guard let text else { return nil }
        return try text.secret()
    }

    private func accessToken(_ reply: borrowing TokenReply) -> String {
        reply.accessTokenBytes.publicText ?? ""
    }

    /// A verdict in words, which an expectation can compare.
    private func text(_ verdict: consuming Verdict) -> String {
        switch consume verdict {
        case .tokens(let reply): return "tokens " + accessToken(reply)
        case .transient(let delay, let seconds):
            return "transient \(delay.status) \(seconds.map { "\($0) " } ?? "")"
                + (delay.wasSent ? "sent" : "unsent")
        case .applicationMisconfigured(let status, let error):
            return "misconfigured \(status)" + (error.map { " \($0)" } ?? "")
        case .unsent: return "unsent"
        case .grantLost(let status): return "grantLost \(status)"
        case .grantLikelyLost(let status): return "grantLikelyLost \(status)"
        case .unread(let status, _, _): return "unread \(status)"
        case .unreadable(let status): return "unreadable \(status)"
        case .refused(let status, let error):
            return "refused \(status)" + (error.map { " \($0)" } ?? "")
        case .notAllowed(let cause): return "notAllowed \(cause)"
        }
    }
}
