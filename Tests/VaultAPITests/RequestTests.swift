// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Testing
import TokenVault
import TokenVaultTesting

@testable import VaultAPI

/// What is taken, what is refused and how that is said.
@Suite struct RequestTests {
    @Test func aProblemSaysWhatAndWhatToDo() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            let reply = try site.send("GET", "/v1/connections/nobody", key: key)
            #expect(reply.status == 404)
            #expect(reply.headers["content-type"] == "application/problem+json")
            let problem = reply.object
            #expect(problem["code"] as? String == "notFound" && problem["status"] as? Int == 404)
            #expect(problem["connection"] as? String == "nobody")
            #expect((problem["remedy"] as? String)?.isEmpty == false)
            let type = try #require(problem["type"] as? String)
            let kind = try site.send("GET", type).object
            #expect(kind["title"] as? String == problem["title"] as? String)
        }
    }

    @Test func whatIsNotKnownIsRefusedByItsName() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            func put(_ body: String, _ type: String = "application/json") throws -> Asking.Reply {
                try site.send(
                    "PUT", "/v1/connections/a", key: key, headers: ["Content-Type: \(type)"],
                    body: body)
            }
            #expect(try put("{\"application\":\"demo\",\"colour\":1}").body.contains("colour"))
            for body in [
                "", "[]", "{", "{\"application\":\"demo\"}x", "{\"application\":1}",
                "{\"application\":\"demo\",\"application\":\"demo\"}", "\u{feff}{}",
                "{\"application\":\"demo\",\"values\":{\"a\":[]}}",
                "{\"application\":\"de\u{1}mo\"}",
                String(repeating: "{\"values\":", count: 40) + String(repeating: "}", count: 40),
            ] {
                #expect(try put(body).status == 400, "\(body)")
            }
            #expect(
                try put("{\"application\":\"demo\",\"client\":{\"secret\":\"x\"}}").status == 422)
            #expect(try put("{}", "text/plain").status == 415)
            #expect(try put("{\"application\":\"none\"}").status == 404)
            let large = "{\"application\":\"" + String(repeating: "x", count: 70_000) + "\"}"
            #expect(try put(large).status == 413)
            #expect(try site.vault.status(ConnectionID("a")) == nil)
            #expect(try site.send("GET", "/v1/connections?colour=1", key: key).status == 400)
            #expect(try site.send("GET", "/v1/connections?limit=1&limit=1", key: key).status == 400)
            #expect(try site.send("GET", "/v1/connections/%ff", key: key).status == 400)
            let long = String(repeating: "x", count: 9000)
            #expect(try site.send("GET", "/v1/connections/\(long)", key: key).status == 414)
            let patch = try site.send("PATCH", "/v1/connections/a", key: key)
            #expect(patch.status == 405 && patch.headers["allow"] == "GET, PUT, DELETE")
        }
    }

    @Test func applicationsArePutAndTheirSecretsAreNotRead() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            let body = """
                {"provider": "github", "client_id": "c", "client_secret": "s\\u0065cret-\\"1\\"", \
                "redirect_uri": "https://a.example/callback", "scopes": ["repo"]}
                """
            let put = try site.send("PUT", "/v1/applications/gh", key: key, body: body)
            #expect(put.status == 201, "\(put.body)")
            #expect(put.object["has_client_secret"] as? Bool == true)
            #expect(!put.body.contains("secret-"))
            #expect(
                try site.send("PUT", "/v1/applications/gh", key: key, body: body).status == 200)
            let provider = put.object["provider"] as? [String: any Sendable]
            #expect(provider?["name"] as? String == "github")
            // What is read can be put again, as far as it is not secret.
            let own = try JSONSerialization.data(withJSONObject: provider as Any)
            let again = try site.send(
                "PUT", "/v1/applications/gh2", key: key,
                body:
                    "{\"provider\": \(String(decoding: own, as: UTF8.self)), \"client_id\": \"c\", "
                    + "\"client_secret\": \"x\", \"redirect_uri\": \"https://a.example/cb\"}")
            #expect(again.status == 201, "\(again.body)")
            let unknown = try site.send(
                "PUT", "/v1/applications/x", key: key,
                body: "{\"provider\": {\"name\": \"x\", \"colour\": 1}, \"client_id\": \"c\"}")
            #expect(unknown.status == 422 && unknown.body.contains("colour"))
            let listed = try site.send("GET", "/v1/applications", key: key).object
            #expect((listed["applications"] as? [any Sendable])?.count == 3)
            #expect(try site.send("DELETE", "/v1/applications/gh", key: key).status == 204)
            #expect(try site.send("GET", "/v1/applications/gh", key: key).status == 404)
        }
    }

    @Test func everyConnectionIsOnOnePage() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            for number in 0..<150 {
                try await site.vault.configure(
                    ConnectionID("c/\(number)"), application: ApplicationID("demo"))
            }
            var (ids, cursor, pages): ([String], String?, Int) = ([], nil, 0)
            repeat {
                let path = "/v1/connections?limit=40" + (cursor.map { "&cursor=\($0)" } ?? "")
                let page = try site.send("GET", path, key: key).object
                let found = page["connections"] as? [[String: any Sendable]] ?? []
                #expect(found.count <= 40)
                ids += found.compactMap { $0["id"] as? String }
                cursor = page["next"] as? String
                pages += 1
            } while cursor != nil && pages < 20
            #expect(ids.count == 150 && Set(ids).count == 150)
            let some = try site.send(
                "GET", "/v1/connections?prefix=c%2F14&light=yellow&application=demo", key: key)
            #expect((some.object["connections"] as? [any Sendable])?.count == 11)
            let none = try site.send("GET", "/v1/connections?light=red", key: key).object
            #expect((none["connections"] as? [any Sendable])?.isEmpty == true)
            #expect(try site.send("GET", "/v1/connections?cursor=x", key: key).status == 422)
        }
    }

    @Test func aConnectionWithTokensIsNotSentElsewhere() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            try await site.connect("a")
            let path = "/v1/connections/a"
            let client =
                "{\"application\": \"demo\", \"client\": {\"id\": \"x\", \"secret\": \"y\"}}"
            #expect(try site.send("PUT", path, key: key, body: client).status == 409)
            let hidden = "{\"application\": \"demo\", \"hidden_names\": [\"realm\"]}"
            let reply = try site.send("PUT", path, key: key, body: hidden)
            #expect(reply.status == 200 && reply.object["hidden_names"] as? [String] == ["realm"])
            #expect(try site.send("GET", path + "/token", key: key).status == 200)
        }
    }

    @Test func theDescriptionHasEveryRouteAndNoOther() async throws {
        try await APISite.run { site in
            let document = try site.send("GET", "/v1/openapi.json")
            #expect(document.status == 200)
            let paths = try #require(document.object["paths"] as? [String: any Sendable])
            var described: Set<String> = []
            for (path, operations) in paths {
                let operations = try #require(operations as? [String: any Sendable])
                for (method, operation) in operations {
                    let operation = try #require(operation as? [String: any Sendable])
                    let security = operation["security"] as? [[String: [String]]] ?? []
                    let scopes = security.flatMap { $0["key"] ?? [] }
                    let query = (operation["parameters"] as? [[String: any Sendable]] ?? [])
                        .filter { $0["in"] as? String == "query" }
                        .compactMap { $0["name"] as? String }
                    let line = "\(method.uppercased()) \(path) \(scopes) \(query.sorted())"
                    described.insert(line)
                }
            }
            let served = Route.all.map {
                "\($0.method.rawValue) \($0.path) \($0.scope.map { [$0.rawValue] } ?? []) "
                    + "\($0.query.sorted())"
            }
            #expect(described == Set(served))
        }
    }
}
