// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

extension Site {
    /// `/control/`: what the Swift API offers, for another process that holds the control key.
    /// Without a key there are no such paths.
    func control(_ request: Request, path: Substring, query: Form?) async throws -> Reply {
        guard let key = book.use({ $0.settings.controlKey }) else { return .empty(.notFound) }
        guard let name = HTTPField.Name("X-Control-Key"), request.headers[name] == key else {
            return .empty(.forbidden)
        }
        do {
            switch (request.method, path) {
            case (.get, "/control/counters"):
                return try json(book.use { $0.counters })
            case (.get, "/control/journal"):
                return try lines(book.use { $0.journal })
            case (.get, "/control/grants"):
                let user = query?["user"]
                return try lines(book.use { $0.summaries(user: user) })
            case (.post, "/control/grants"):
                return try mint(query)
            case (.post, "/control/fault"):
                let order = try JSONDecoder().decode(
                    FaultRequest.self, from: try await data(of: request))
                let fault = try order.fault()
                book.use { ledger in
                    ledger.faults[order.endpoint ?? .token] = fault.map {
                        FaultOrder(fault: $0, replies: order.replies)
                    }
                }
                return .empty(.noContent)
            case (.post, "/control/settings"):
                let change = try JSONDecoder().decode(
                    SettingsRequest.self, from: try await data(of: request))
                try book.use { ledger throws(ProviderSimulator.SettingsError) in
                    try change.apply(to: &ledger)
                }
                return .empty(.noContent)
            default:
                return .empty(.notFound)
            }
        } catch let error as ProviderSimulator.SettingsError {
            return invalid(error.description)
        } catch is DecodingError {
            return invalid("the body is not the JSON expected here")
        }
    }

    private func mint(_ query: Form?) throws -> Reply {
        let count = query?["count"].flatMap { Int($0) } ?? 1
        let grants = try book.use { ledger throws(ProviderSimulator.SettingsError) in
            try ledger.mint(
                count, user: query?["user"] ?? "ada", client: query?["client_id"],
                scope: query?["scope"] ?? "")
        }
        var reply = Reply.json("")
        reply.headers[.contentType] = "application/x-ndjson"
        for grant in grants {
            var json = JSONText()
            json.add("grant", grant.grant)
            json.add("user", grant.user)
            json.add("access_token", grant.accessToken)
            json.add("refresh_token", grant.refreshToken)
            json.add("expires_in", Int(grant.accessLifetime.components.seconds))
            reply.body.writeString(json.finished() + "\n")
        }
        return reply
    }

    private func data(of request: Request) async throws -> Data {
        Data(try await body(of: request).readableBytesView)
    }

    private func json(_ value: some Encodable) throws -> Reply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return .json(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
    }

    private func lines(_ values: [some Encodable]) throws -> Reply {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        var reply = Reply.json("")
        reply.headers[.contentType] = "application/x-ndjson"
        for value in values {
            reply.body.writeBytes(try encoder.encode(value))
            reply.body.writeString("\n")
        }
        return reply
    }

    private func invalid(_ words: String) -> Reply {
        var json = JSONText()
        json.add("error", words)
        return .json(json.finished(), status: .badRequest)
    }
}

extension Ledger {
    fileprivate func summaries(user: String?) -> [ProviderSimulator.GrantSummary] {
        grants.indices.filter { user == nil || grants[$0].user == user }.map(summary)
    }
}
