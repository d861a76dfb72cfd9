// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault
import TokenVaultTesting
import VaultAPI

/// The token, and what is said of its use.
@Suite struct TokenRouteTests {
    @Test func lendsTheTokenThatTheProviderGave() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            try await site.connect("customer-7/crm")
            let reply = try site.send("GET", "/v1/connections/customer-7%2Fcrm/token", key: key)
            #expect(reply.status == 200)
            #expect(reply.headers["cache-control"] == "no-store")
            #expect(reply.headers["content-type"] == "application/json")
            let token = try #require(reply.object["access_token"] as? String)
            #expect(site.provider.tokens(ofUser: "ada").contains(token))
            #expect(reply.object["token_type"] as? String == "Bearer")
            #expect(reply.object["expires_at"] is String)
            #expect((reply.object["generation"] as? Int ?? 0) > 0)
        }
    }

    @Test func whatAStringMustEscapeArrivesAsItWas() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            let constant = "a\"b\\c\u{1}d\te/\u{e9}<\u{7f}"
            try await site.vault.put(
                ConnectionID("odd"), TokenSet(accessToken: Secret(testing: "\(constant)")))
            let reply = try site.send("GET", "/v1/connections/odd/token", key: key)
            #expect(reply.object["access_token"] as? String == "\(constant)")
            #expect(reply.body.contains("\"a\\\"b\\\\c\\u0001d\\u0009e/\u{e9}<\u{7f}\""))
        }
    }

    @Test func aTokenThatIsTooOldIsRefreshedFirst() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            try await site.connect("anna")
            let first = try site.send("GET", "/v1/connections/anna/token", key: key).object
            site.clock.advance(by: .seconds(3000))
            let second = try site.send(
                "GET", "/v1/connections/anna/token?min_ttl=1800", key: key)
            #expect(second.status == 200)
            #expect(
                second.object["access_token"] as? String != first["access_token"] as? String)
            #expect(
                (second.object["generation"] as? Int ?? 0) > (first["generation"] as? Int ?? 0))
            for wrong in ["-1", "86401", "x", "1.5", ""] {
                let refused = try site.send(
                    "GET", "/v1/connections/anna/token?min_ttl=\(wrong)", key: key)
                #expect(refused.status == 400, "\(wrong)")
            }
        }
    }

    @Test func aLateRejectionNamesTheTokenThatItIsAbout() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            try await site.connect("anna")
            func token() throws -> (text: String?, generation: Int) {
                let object = try site.send("GET", "/v1/connections/anna/token", key: key).object
                return (object["access_token"] as? String, object["generation"] as? Int ?? 0)
            }
            let first = try token()
            let body = "{\"generation\": \(first.generation)}"
            let path = "/v1/connections/anna/rejected"
            #expect(try site.send("POST", path, key: key, body: body).status == 204)
            let second = try token()
            #expect(second.text != first.text && second.generation > first.generation)
            // The same report once more is about a token that is gone: nothing is refreshed.
            #expect(try site.send("POST", path, key: key, body: body).status == 204)
            #expect(try token().text == second.text)
            #expect(site.provider.counters.refreshes == 1)
            #expect(try site.send("POST", path, key: key, body: "{}").status == 400)
            let future = try site.send(
                "POST", path, key: key, body: "{\"generation\": 9000000}")
            #expect(future.status == 422 && future.code == "invalidArgument")
        }
    }

    @Test func usesTurnTheLightGreenAndRed() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            try await site.connect("anna")
            func light() throws -> String? {
                try site.send("GET", "/v1/connections/anna", key: key).object["light"] as? String
            }
            #expect(try light() == "yellow")
            #expect(try site.send("POST", "/v1/connections/anna/use", key: key).status == 204)
            #expect(try light() == "green")
            let failed = try site.send(
                "POST", "/v1/connections/anna/failed", key: key, body: "{\"number\": -7}")
            #expect(failed.status == 204)
            let status = try site.send("GET", "/v1/connections/anna", key: key).object
            #expect(status["light"] as? String == "red")
            #expect(status["reason_number"] as? Int == -7)
            let log = try site.send("GET", "/v1/connections/anna/log", key: key).object
            let events = (log["events"] as? [[String: any Sendable]])?.compactMap {
                $0["event"] as? String
            }
            #expect(events == ["connectStarted", "connected", "useFailed"])
        }
    }
}
