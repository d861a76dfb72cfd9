// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Answers that a definition lists are told from all others, and from what is certain.
@Suite struct GrantLostAnswersTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let status: Int
        let body: String?
        let verdict: String
        var testDescription: String { "\(status) \(body ?? "no body")" }

        init(_ status: Int, _ body: String?, _ verdict: String) {
            (self.status, self.body, self.verdict) = (status, body, verdict)
        }
    }

    static let answers = [
        Provider.GrantLostAnswer(status: 400, error: nil),
        Provider.GrantLostAnswer(status: 400, error: "invalid_request"),
        Provider.GrantLostAnswer(status: 403, error: "unauthorized_client"),
        Provider.GrantLostAnswer(status: 401, error: "expired"),
    ]

    static let rows: [Row] = [
        // An answer that names none.
        Row(400, nil, "likely"), Row(400, "", "likely"), Row(400, "<html>", "likely"),
        Row(400, "{}", "likely"), Row(400, #"{"error":null}"#, "likely"),
        Row(400, #"{"message":"invalid_request"}"#, "likely"), Row(403, nil, "refused"),
        Row(404, "{}", "refused"),
        // One that names it, with its own status and as it is written.
        Row(400, #"{"error":"invalid_request"}"#, "likely"),
        Row(400, #"{ "error" : "invalid\u005frequest" }"#, "likely"),
        Row(403, #"{"error":"unauthorized_client"}"#, "likely"),
        Row(401, #"{"error":"expired"}"#, "likely"),
        Row(403, #"{"error":"invalid_request"}"#, "refused"),
        Row(400, #"{"error":"Invalid_request"}"#, "refused"),
        Row(400, #"{"error":"invalid_requests"}"#, "refused"),
        Row(400, #"{"error":{"code":400}}"#, "refused"),
        Row(400, #"{"error":"unauthorized_client"}"#, "misconfigured"),
        Row(401, nil, "misconfigured"),
        // What is certain goes before.
        Row(400, #"{"error":"invalid_grant"}"#, "lost"),
        Row(400, #"{"error":"invalid_request","status":"GONE"}"#, "lost"),
        Row(400, #"{"error":"invalid_client"}"#, "misconfigured"),
        Row(400, #"{"error":"temporarily_unavailable"}"#, "transient"),
        // Other statuses are none of its business.
        Row(408, nil, "transient"), Row(429, nil, "transient"), Row(500, nil, "transient"),
        Row(302, nil, "refused"),
    ]

    @Test(arguments: rows) func judges(_ row: Row) throws {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.grantLostAnswers = Self.answers
        provider.grantLostErrors = ["GONE"]
        var body: Secret?
        if let text = row.body { body = try text.secret() }
        let verdict = Verdict(
            TransportReply(status: row.status, body: body), lost: GrantLostErrors(provider),
            likelyLost: GrantLostAnswers(provider))
        #expect(Self.text(verdict) == row.verdict)
    }

    private static func text(_ verdict: consuming Verdict) -> String {
        switch consume verdict {
        case .grantLost: "lost"
        case .grantLikelyLost: "likely"
        case .refused: "refused"
        case .applicationMisconfigured: "misconfigured"
        case .transient: "transient"
        default: "else"
        }
    }
}
