// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// What a definition lists beside `invalid_grant` ends a grant, and nothing near it does.
@Suite struct GrantLostErrorsTests {
    static let codes = [
        "bad_refresh_token", "token_revoked", "BAD_REFRESH_TOKEN", "interaction_required", "190",
        "1.5e2", "1.50", "\"", "status",
    ]

    struct Row: Sendable, CustomTestStringConvertible {
        let status: Int
        let body: String
        let isLost: Bool
        var testDescription: String { "\(status) \(body)" }

        init(_ status: Int, _ body: String, lost isLost: Bool) {
            (self.status, self.body, self.isLost) = (status, body, isLost)
        }
    }

    static let rows: [Row] = [
        // As the providers write it.
        Row(200, #"{"error":"bad_refresh_token","error_description":"x"}"#, lost: true),
        Row(200, #"{"ok":false,"error":"token_revoked"}"#, lost: true),
        Row(400, #"{"error":"interaction_required","error_codes":[50076]}"#, lost: true),
        Row(400, #"{"status":"BAD_REFRESH_TOKEN","message":"x"}"#, lost: true),
        Row(400, #"{"error":"invalid_request","status":"BAD_REFRESH_TOKEN"}"#, lost: true),
        Row(
            400,
            #"{"error":{"message":"x","type":"OAuthException","code":190,"error_subcode":463}}"#,
            lost: true),
        // However it is written, and with any status that is definite.
        Row(401, #"{"error":"token_revoked"}"#, lost: true),
        Row(403, #"{ "error" : "bad\u005Frefresh_token" }"#, lost: true),
        Row(400, #"{"error":"\""}"#, lost: true),
        Row(200, #"{"access_token":null,"status":"BAD_REFRESH_TOKEN"}"#, lost: true),
        // Exactly, and nowhere else.
        Row(400, #"{"error":"bad_refresh_tokens"}"#, lost: false),
        Row(400, #"{"error":"bad_refresh_toke"}"#, lost: false),
        Row(400, #"{"error":"Bad_refresh_token"}"#, lost: false),
        Row(400, #"{"error_description":"bad_refresh_token"}"#, lost: false),
        Row(400, #"{"error":"x","message":"token_revoked"}"#, lost: false),
        Row(400, #"{"error":["token_revoked"]}"#, lost: false),
        Row(400, #"{"status":{"code":190}}"#, lost: false),
        Row(400, #"{"error":190}"#, lost: false),
        Row(400, #"{"status":190}"#, lost: false),
        Row(400, #"{"error":{"code":"190"}}"#, lost: false),
        Row(400, #"{"error":{"code":190.0}}"#, lost: false),
        Row(400, #"{"error":{"code":1.50}}"#, lost: false),
        Row(400, #"{"error":{"code":1.5e2}}"#, lost: false),
        Row(400, #"{"error":{"code":1900}}"#, lost: false),
        Row(400, #"{"error":{"error_user_code":190,"code":4}}"#, lost: false),
        Row(400, #"{"error":{"error_subcode":190,"code":4}}"#, lost: true),
        Row(400, #"{"error":{"code":190,"error_subcode":4}}"#, lost: true),
        Row(400, #"{"error":{"inner":{"code":190}}}"#, lost: false),
        Row(400, #"{"error":{"code":190,"code":190}}"#, lost: false),
        Row(400, #"{"error":{"type":"token_revoked"}}"#, lost: false),
        Row(400, #"{"error":"token_revoked","error":"token_revoked"}"#, lost: false),
        Row(400, #"{"error":"token_revoked""#, lost: false),
        Row(400, "token_revoked", lost: false),
        // Not beside a token, and not where the status says otherwise.
        Row(200, #"{"access_token":"a","error":"token_revoked"}"#, lost: false),
        Row(200, #"{"refresh_token":"r","error":"token_revoked"}"#, lost: false),
        Row(200, #"{"access_token":"a","status":"BAD_REFRESH_TOKEN"}"#, lost: false),
        Row(302, #"{"error":"token_revoked"}"#, lost: false),
        Row(408, #"{"error":"token_revoked"}"#, lost: false),
        Row(425, #"{"error":"token_revoked"}"#, lost: false),
        Row(429, #"{"error":"token_revoked"}"#, lost: false),
        Row(500, #"{"error":"token_revoked"}"#, lost: false),
        Row(503, #"{"error":{"code":190}}"#, lost: false),
        // Not beside an error that blames the application or asks for patience.
        Row(401, #"{"error":"invalid_client","status":"BAD_REFRESH_TOKEN"}"#, lost: false),
        Row(400, #"{"error":"unauthorized_client","status":"BAD_REFRESH_TOKEN"}"#, lost: false),
        Row(200, #"{"error":"server_error","status":"BAD_REFRESH_TOKEN"}"#, lost: false),
    ]

    private func isLost(_ row: Row, _ codes: [String]) throws -> Bool {
        let body: Secret? = try row.body.secret()
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.grantLostErrors = codes
        let verdict = Verdict(
            TransportReply(status: row.status, body: body), lost: GrantLostErrors(provider))
        if case .grantLost(row.status) = verdict { return true }
        return false
    }

    @Test(arguments: rows) func judges(_ row: Row) throws {
        #expect(try isLost(row, Self.codes) == row.isLost)
    }

    /// Without a list everything is as RFC 6749 has it.
    @Test(arguments: rows) func nothingIsLostWithoutAList(_ row: Row) throws {
        #expect(try !isLost(row, []))
    }

    @Test func tokensAreTokens() throws {
        var provider = Provider(name: "p", authorizationEndpoint: "", tokenEndpoint: "")
        provider.grantLostErrors = Self.codes
        let body: Secret? = try #"{"status":"BAD_REFRESH_TOKEN","access_token":"a"}"#.secret()
        let verdict = Verdict(
            TransportReply(status: 200, body: body), lost: GrantLostErrors(provider))
        var isToken = false
        if case .tokens = verdict { isToken = true }
        #expect(isToken)
    }
}
