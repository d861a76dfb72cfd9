// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TokenVault
import TokenVaultTesting
import VaultAPI

/// Who is let in, and to what.
@Suite struct KeyTests {
    @Test func withoutAKeyNobodyIsLetIn() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            let reply = try site.send("GET", "/v1/connections", key: key)
            #expect(reply.status == 200)
            let missing = try site.send("GET", "/v1/connections")
            #expect(missing.status == 401 && missing.code == "unauthorized")
            #expect(missing.headers["www-authenticate"] == "Bearer realm=\"tokenvault\"")
            #expect(missing.headers["content-type"] == "application/problem+json")
            // Of what is nearly a key, too.
            let altered = key.dropLast() + (key.last == "A" ? "B" : "A")
            for wrong in [
                "", "x", String(altered), key + "A", String(key.dropLast()), "tv_" + key,
                key.uppercased(),
            ] {
                let refused = try site.send("GET", "/v1/connections", key: wrong)
                #expect(refused.status == 401, "\(wrong.count)")
                #expect(
                    refused.headers["www-authenticate"]
                        == "Bearer realm=\"tokenvault\", error=\"invalid_token\"")
                #expect(!refused.body.contains(key.suffix(20)))
            }
            let basic = try site.send(
                "GET", "/v1/connections", headers: ["Authorization: Basic \(key)"])
            #expect(basic.status == 401)
        }
    }

    @Test func anExpiredKeyIsUnknown() async throws {
        try await APISite.run { site in
            let key = try await site.key(lifetime: .seconds(60))
            #expect(try site.send("GET", "/v1/connections", key: key).status == 200)
            site.clock.advance(by: .seconds(59))
            #expect(try site.send("GET", "/v1/connections", key: key).status == 200)
            site.clock.advance(by: .seconds(1))
            #expect(try site.send("GET", "/v1/connections", key: key).status == 401)
        }
    }

    @Test func aRevokedKeyIsUnknownAtOnceAndErased() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            let id = try #require(try site.vault.apiKeys().first?.id)
            #expect(try site.send("GET", "/v1/connections", key: key).status == 200)
            try await site.vault.revokeAPIKey(id)
            #expect(try site.send("GET", "/v1/connections", key: key).status == 401)
            #expect(try site.vault.apiKeys().isEmpty)
            #expect(try site.vault.audit() == 1)
            await #expect(throws: VaultError.self) { try await site.vault.revokeAPIKey(id) }
        }
    }

    @Test func aKeyDoesWhatItsScopesSayAndNoMore() async throws {
        try await APISite.run { site in
            try await site.connect("anna")
            let reader = try await site.key([.connectionsRead])
            #expect(try site.send("GET", "/v1/connections/anna", key: reader).status == 200)
            let refused = try site.send("GET", "/v1/connections/anna/token", key: reader)
            #expect(refused.status == 403 && refused.code == "insufficientScope")
            let challenge = try #require(refused.headers["www-authenticate"])
            #expect(challenge.contains("error=\"insufficient_scope\", scope=\"tokens:read\""))
            #expect(!refused.body.contains("access_token"))
            for (method, path) in [
                ("DELETE", "/v1/connections/anna"), ("GET", "/v1/applications"),
                ("PUT", "/v1/connections/anna"), ("POST", "/v1/connections/anna/use"),
            ] {
                #expect(try site.send(method, path, key: reader).status == 403, "\(path)")
            }
            let lender = try await site.key([.tokensRead])
            #expect(try site.send("GET", "/v1/connections/anna/token", key: lender).status == 200)
            #expect(try site.send("GET", "/v1/connections/anna", key: lender).status == 403)
        }
    }

    @Test func aKeyIsForTheConnectionsOfItsPattern() async throws {
        try await APISite.run { site in
            for id in ["customer-7/crm", "customer-70/crm", "other"] { try await site.connect(id) }
            let key = try await site.key(connections: "customer-7/*")
            let own = try site.send("GET", "/v1/connections/customer-7%2Fcrm/token", key: key)
            #expect(own.status == 200)
            for id in ["customer-70%2Fcrm", "other", "customer-7", "nobody"] {
                let refused = try site.send("GET", "/v1/connections/\(id)/token", key: key)
                #expect(refused.status == 403 && refused.code == "connectionNotCovered", "\(id)")
                #expect(!refused.body.contains("access_token\":"))
                let deletion = try site.send("DELETE", "/v1/connections/\(id)", key: key)
                #expect(deletion.status == 403)
            }
            let listed = try site.send("GET", "/v1/connections", key: key).object
            let ids = (listed["connections"] as? [[String: any Sendable]])?.compactMap {
                $0["id"] as? String
            }
            #expect(ids == ["customer-7/crm"])
            let exact = try await site.key(connections: "other")
            #expect(try site.send("GET", "/v1/connections/other", key: exact).status == 200)
            #expect(try site.send("GET", "/v1/connections/other2", key: exact).status == 403)
            #expect(throws: VaultError.self) { try ConnectionPattern("a*b") }
        }
    }

    @Test func browsersAreRefused() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            for header in ["Origin: https://app.example.com", "Sec-Fetch-Site: same-origin"] {
                let reply = try site.send(
                    "GET", "/v1/connections", key: key, headers: [header])
                #expect(reply.status == 403 && reply.code == "browserRefused")
                #expect(reply.headers["access-control-allow-origin"] == nil)
            }
            let preflight = try site.send(
                "OPTIONS", "/v1/connections", headers: ["Origin: https://a.example"])
            #expect(preflight.status == 403)
        }
    }

    @Test func aUnixSocketIsTheOwnersAlone() async throws {
        let path = NSTemporaryDirectory() + "/api-\(UUID().uuidString.prefix(8))"
        try await APISite.run({ $0.address = .unixSocket(path: path) }) { site in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            let key = try await site.key()
            #expect(try site.send("GET", "/v1/connections", key: key).status == 200)
        }
    }

    @Test func theVaultKeepsNoKey() async throws {
        let files = try FilesOfAKey()
        try await files.look()
    }
}
