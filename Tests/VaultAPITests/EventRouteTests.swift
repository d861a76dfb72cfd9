// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import TokenVault
import TokenVaultTesting

/// Events behind a cursor, over HTTP.
@Suite struct EventRouteTests {
    private func events(_ reply: Asking.Reply) throws -> [[String: any Sendable]] {
        try #require(reply.object["events"] as? [[String: any Sendable]])
    }

    @Test func aCursorGoesOnWhereThePageBeforeEnded() async throws {
        try await APISite.run { site in
            let key = try await site.key([.eventsRead, .connectionsRead])
            try await site.connect("anna")
            var cursor: String?
            var names: [String] = []
            repeat {
                let after = cursor.map { "&after=\($0)" } ?? ""
                let page = try site.send("GET", "/v1/events?limit=1\(after)", key: key)
                #expect(page.status == 200)
                names += try events(page).compactMap { $0["event"] as? String }
                cursor = page.object["cursor"] as? String
                if page.object["has_more"] as? Bool != true { break }
            } while names.count < 10
            #expect(names == ["connectStarted", "connected"])
            let last = try #require(cursor)
            let none = try site.send("GET", "/v1/events?after=\(last)", key: key)
            #expect(try events(none).isEmpty && none.object["cursor"] as? String == last)

            try await site.connect("bob")
            let next = try events(site.send("GET", "/v1/events?after=\(last)", key: key))
            #expect(next.allSatisfy { $0["connection"] as? String == "bob" } && next.count == 2)
            let status = try site.send("GET", "/v1/connections/bob", key: key).object
            let reference = try #require(status["reference"] as? String)
            #expect(next.allSatisfy { $0["reference"] as? String == reference })
        }
    }

    @Test func aKeyIsToldOfItsConnectionsAlone() async throws {
        try await APISite.run { site in
            for id in ["customer-7/crm", "customer-70/crm"] { try await site.connect(id) }
            let key = try await site.key([.eventsRead], connections: "customer-7/*")
            let told = try events(site.send("GET", "/v1/events", key: key))
            #expect(!told.isEmpty)
            #expect(told.allSatisfy { $0["connection"] as? String == "customer-7/crm" })
            let other = try await site.key([.connectionsRead])
            #expect(try site.send("GET", "/v1/events", key: other).status == 403)
        }
    }

    @Test func whoeverWaitsIsAnsweredWhenSomethingHappens() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            try await site.connect("anna")
            let all = try site.send("GET", "/v1/events", key: key).object
            let cursor = try #require(all["cursor"] as? String)
            async let waiting = Task.detached {
                try site.send("GET", "/v1/events?wait=60&after=\(cursor)", key: key)
            }.value
            try await site.connect("bob")
            let told = try events(await waiting)
            #expect(told.first?["connection"] as? String == "bob")
        }
    }

    @Test func aCursorOfNowhereIsGone() async throws {
        try await APISite.run { site in
            let key = try await site.key()
            try await site.connect("anna")
            let gone = try site.send("GET", "/v1/events?after=5000-1", key: key)
            #expect(gone.status == 410 && gone.code == "cursorExpired")
            #expect(try site.send("GET", "/v1/events?after=x", key: key).status == 422)
            #expect(try site.send("GET", "/v1/events?wait=61", key: key).status == 400)
        }
    }
}
