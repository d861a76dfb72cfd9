// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TokenVault

extension Route {
    static let events = [
        Route(
            .get, "/v1/events", .eventsRead, query: ["after", "limit", "wait"], readEvents)
    ]

    /// The longest that an answer is waited for, in seconds.
    private static let eventWaitMax = 60
    private static let eventsDefault = 100

    /// What happened behind a cursor, and where there is nothing newer what happens next.
    ///
    /// A key that is for some connections alone is not told of others, nor of applications, nor of
    /// what is gone; the cursor goes past them.
    @Sendable private static func readEvents(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let cursor = try call.text("after").map { text throws(VaultError) in
            try EventCursor(text)
        }
        let limit = try call.number("limit", in: 1...Vault.eventsAtOnceMax) ?? eventsDefault
        let wait = try call.number("wait", in: 0...eventWaitMax) ?? 0
        let page = try await api.vault.events(after: cursor, limit: limit, wait: .seconds(wait))
        let connections = call.key?.connections
        var json = JSONWriter()
        json.beginObject()
        json.beginList("events")
        for event in page.events {
            let isOfKey = event.event.connection.map { connections?.matches($0) ?? false }
            if connections == .all || isOfKey ?? false { json.write(event) }
        }
        json.endList()
        json.member("cursor", page.cursor.description)
        json.member("has_more", page.hasMore)
        json.endObject()
        return .json(json)
    }
}
