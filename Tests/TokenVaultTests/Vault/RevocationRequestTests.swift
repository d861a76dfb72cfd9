// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// How each provider that is known to revoke wants to be asked, and what its answers mean.
@Suite("Revocation as a definition has it", .serialized)
struct RevocationRequestTests {
    @Test("each way: what is sent, and what the receipt says", arguments: RevocationWay.all)
    func way(_ way: RevocationWay) async throws {
        let stand = try await RevocationStand { request in
            request.head.hasPrefix("POST /token")
                ? .reply(status: 500)
                : .reply(status: way.answer.status, body: way.answer.body)
        }
        var provider = stand.provider(way.endpoint)
        provider.clientAuthentication = way.authentication
        if let definition = way.definition {
            provider = try provider.with("revocation", definition)
        }
        try await stand.put(provider)
        try await stand.connect(seconds: 3600)
        let receipt = try await stand.vault.disconnect(stand.id)
        #expect(stand.seen == way.requests)
        #expect(receipt.refreshToken == way.refreshToken)
        #expect(receipt.accessToken == way.accessToken)
        // The next request on the same handle is a POST of a form again.
        try await stand.connect(seconds: 3600)
        #expect(await code { try await stand.vault.refresh(stand.id) } == .providerBusy)
        #expect(
            stand.tokenRequests.last
                == "POST /token [application/x-www-form-urlencoded] application/json")
    }

    @Test("by an access token that has expired: it is refreshed first")
    func refreshedFirst() async throws {
        let stand = try await RevocationStand { request in
            guard request.head.hasPrefix("POST /token") else {
                let isLive = request.header("Authorization") == "Bearer B"
                return .reply(status: isLive ? 200 : 401, body: "null")
            }
            return .reply(body: #"{"access_token":"B","refresh_token":"S","expires_in":3600}"#)
        }
        let provider = try stand.provider("/revoke").with(
            "revocation",
            [
                "authentication": "bearer", "body": "none", "tokens": "access",
                "ends_grant": true,
            ])
        try await stand.put(provider)
        try await stand.connect(seconds: -10)
        let receipt = try await stand.vault.disconnect(stand.id)
        #expect(stand.seen == ["POST /revoke [Bearer B] [] "])
        #expect(receipt.accessToken == .revoked && receipt.refreshToken == .revoked)
    }

    @Test("where that fails it is asked with the token that is there, and told")
    func notRefreshed() async throws {
        let stand = try await RevocationStand { request in
            .reply(status: request.head.hasPrefix("POST /token") ? 503 : 401)
        }
        let provider = try stand.provider("/revoke").with(
            "revocation", ["authentication": "bearer", "body": "none", "tokens": "access"])
        try await stand.put(provider)
        try await stand.connect(seconds: -10)
        let receipt = try await stand.vault.disconnect(stand.id)
        #expect(stand.seen == ["POST /revoke [Bearer A] [] "])
        #expect(receipt.accessToken == .failed(number: 401, detail: FailureDetail()))
        #expect(receipt.refreshToken == .unsupported)
    }

    @Test("a value that was captured leads nowhere else")
    func templates() {
        let url = "https://a.example/x/{id}/revoke"
        func filled(_ value: String) -> String? {
            Template.filled(url, ["id": value], in: .url)
        }
        #expect(filled("7") == "https://a.example/x/7/revoke")
        #expect(filled("a/b?c#d") == "https://a.example/x/a%2Fb%3Fc%23d/revoke")
        for value in ["", ".", ".."] { #expect(filled(value) == nil) }
        for wrong in ["{", "}", "{}", "{a}", "{{id}}", "{id"] {
            #expect(Template.filled(wrong, ["id": "1"], in: .plain) == nil, "\(wrong)")
        }
        #expect(Template.filled("{id} {id}", ["id": "a b"], in: .plain) == "a b a b")
    }
}
