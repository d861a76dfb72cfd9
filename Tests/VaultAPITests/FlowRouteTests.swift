// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault
import TokenVaultTesting
import VaultAPI

/// Links and flows, up to the tokens; the front's part is played by the vault's own verbs.
@Suite struct FlowRouteTests {
    private static func withFront(_ configuration: inout VaultAPI.Configuration) {
        configuration.linkBase = { $0.text == "demo" ? "https://oauth2.example.com" : nil }
        configuration.allowsRedirect = { url, isOfSuccess in
            url == (isOfSuccess ? "https://app.example.com/ok" : "https://app.example.com/no")
        }
    }

    private let body = """
        {"application": "demo", "scopes": ["read", "write"], "redirects": {"success": \
        "https://app.example.com/ok", "parameters": {"instanceId": "1", "instanceName": "a b", \
        "integrationId": "2", "integrationName": "c", "requiredConfigVariableId": "3", \
        "requiredConfigVariableKey": "d", "id": "4"}}}
        """

    /// The query of the callback with which the provider answers.
    private func callback(_ site: APISite, _ url: String) throws -> Secret {
        let callback = try site.provider.approve(url)
        return try Secret(testing: String(callback.split(separator: "?")[1]))
    }

    @Test func aLinkConfiguresAndConnectsAndIsUsedOnce() async throws {
        try await APISite.run(Self.withFront) { site in
            let key = try await site.key()
            let reply = try site.send(
                "POST", "/v1/connections/a%2Fb/link", key: key, body: body)
            #expect(reply.status == 201, "\(reply.body)")
            let url = try #require(reply.object["url"] as? String)
            let start = "https://oauth2.example.com/connect/"
            #expect(url.hasPrefix(start) && url.utf8.count == start.utf8.count + 43)
            let token = String(url.dropFirst(start.count))
            let read = try site.send("GET", "/v1/connections/a%2Fb", key: key).object
            #expect(read["light"] as? String == "yellow")
            let target = try #require(try await site.vault.target(ofLink: token))
            #expect(target.connection.text == "a/b" && target.scopes == ["read", "write"])
            #expect(target.redirects?.success == "https://app.example.com/ok")
            let seven =
                "instanceId=1&instanceName=a%20b&integrationId=2&integrationName=c"
                + "&requiredConfigVariableId=3&requiredConfigVariableKey=d&id=4"
            #expect(target.redirects?.parameters?.query == seven)
            let request = try await site.vault.open(link: token, browserBinding: nil)
            try await site.vault.complete(callbackQuery: callback(site, request.url))
            #expect(try site.send("GET", "/v1/connections/a%2Fb/token", key: key).status == 200)
            // Connecting again needs none of it again.
            let again = try site.send(
                "POST", "/v1/connections/a%2Fb/reconnect", key: key, body: "{}")
            #expect(again.status == 201, "\(again.body)")
            let second = try #require(again.object["url"] as? String).suffix(43)
            let kept = try #require(try await site.vault.target(ofLink: String(second)))
            #expect(kept.isReconnect && kept.redirects?.parameters?.query == seven)
        }
    }

    @Test func aFlowIsExchangedWhenThePlatformConfirmsIt() async throws {
        try await APISite.run(Self.withFront) { site in
            let key = try await site.key()
            func start(_ id: String) throws -> (flow: String, url: String) {
                let started = try site.send(
                    "POST", "/v1/flows", key: key,
                    body: "{\"connection\": \"\(id)\", \"application\": \"demo\"}")
                #expect(started.status == 201, "\(started.body)")
                return (
                    try #require(started.object["flow"] as? String),
                    try #require(started.object["authorization_url"] as? String)
                )
            }
            let (flow, url) = try start("anna")
            // Nothing to confirm yet.
            let early = try site.send("POST", "/v1/flows/\(flow)/confirm", key: key)
            #expect(early.status == 410 && early.code == "flowExpired")
            let held = try await site.vault.hold(callbackQuery: callback(site, url))
            #expect(held.text == flow)
            #expect(site.provider.counters.codeExchanges == 0)
            let other = try await site.key(connections: "bob")
            let refused = try site.send("POST", "/v1/flows/\(flow)/confirm", key: other)
            #expect(refused.status == 403 && refused.code == "connectionNotCovered")
            let confirmed = try site.send("POST", "/v1/flows/\(flow)/confirm", key: key)
            #expect(confirmed.status == 200 && confirmed.object["id"] as? String == "anna")
            #expect(site.provider.counters.codeExchanges == 1)
            #expect(try site.send("POST", "/v1/flows/\(flow)/confirm", key: key).status == 410)

            let (second, secondURL) = try start("bob")
            _ = try await site.vault.hold(callbackQuery: callback(site, secondURL))
            #expect(try site.send("DELETE", "/v1/flows/\(second)", key: key).status == 204)
            #expect(try site.send("POST", "/v1/flows/\(second)/confirm", key: key).status == 410)
            #expect(site.provider.counters.codeExchanges == 1)
        }
    }

    @Test func redirectsAreOnTheOperatorsListAndLinksNeedAFront() async throws {
        try await APISite.run(Self.withFront) { site in
            let key = try await site.key()
            for url in [
                "https://app.example.com/no", "https://app.example.com/ok/", "https://evil.example",
                "https://app.example.com/o\u{212a}",
            ] {
                let reply = try site.send(
                    "POST", "/v1/connections/a/link", key: key,
                    body:
                        "{\"application\": \"demo\", \"redirects\": {\"success\": \"\(url)\"}}")
                #expect(reply.status == 422 && reply.code == "redirectRefused", "\(url)")
            }
        }
        try await APISite.run { site in
            let key = try await site.key()
            let reply = try site.send("POST", "/v1/connections/a/link", key: key, body: body)
            #expect(reply.status == 409 && reply.code == "noFront")
            #expect(try site.vault.status(ConnectionID("a")) == nil)
        }
    }

    @Test func aRepeatedRequestIsDoneOnce() async throws {
        try await APISite.run(Self.withFront) { site in
            let key = try await site.key()
            let path = "/v1/connections/a/link"
            let header = ["Idempotency-Key: 6f1e"]
            let first = try site.send("POST", path, key: key, headers: header, body: body)
            let second = try site.send("POST", path, key: key, headers: header, body: body)
            #expect(first.status == 201 && second.status == 201)
            #expect(first.body == second.body)
            let without = try site.send("POST", path, key: key, body: body)
            #expect(without.body != first.body)
            let other = try site.send(
                "POST", path, key: key, headers: header, body: "{\"application\": \"demo\"}")
            #expect(other.status == 422 && other.code == "idempotencyKeyReused")
            // Another API key's are others.
            let stranger = try await site.key()
            let theirs = try site.send(
                "POST", path, key: stranger, headers: header, body: "{\"application\": \"demo\"}")
            #expect(theirs.status == 201)
            // What was refused may be sent again.
            let disconnect = ["Idempotency-Key: 7"]
            let missing = try site.send(
                "DELETE", "/v1/connections/z", key: key, headers: disconnect)
            #expect(missing.status == 404)
            try await site.connect("z")
            let receipt = try site.send(
                "DELETE", "/v1/connections/z", key: key, headers: disconnect)
            #expect(receipt.status == 200 && receipt.object["id"] as? String == "z")
            let repeated = try site.send(
                "DELETE", "/v1/connections/z", key: key, headers: disconnect)
            #expect(repeated.status == 200 && repeated.body == receipt.body)
            #expect(try site.send("DELETE", "/v1/connections/z", key: key).status == 404)
            for wrong in ["", String(repeating: "x", count: 256), "a b"] {
                let reply = try site.send(
                    "POST", path, key: key, headers: ["Idempotency-Key: \(wrong)"], body: body)
                #expect(reply.status == 400, "\(wrong.count)")
            }
        }
    }
}
