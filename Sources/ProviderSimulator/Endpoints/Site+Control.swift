// SPDX-License-Identifier: Apache-2.0

import Foundation
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
                return .json(try JSON.text(book.use { $0.counters }))
            case (.get, "/control/journal"):
                return .lines(try book.use { $0.journal }.map { try JSON.text($0) })
            case (.get, "/control/grants"):
                let user = query?["user"]
                let grants = book.use { $0.summaries(user: user) }
                return .lines(try grants.map { try JSON.text($0) })
            case (.get, "/control/tokens"):
                let user = query?["user"] ?? "ada"
                return .lines(
                    try book.use { $0.tokens(ofUser: user) }.map { try JSON.object(["token": $0]) })
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
            return try invalid(error.description)
        } catch is DecodingError {
            return try invalid("the body is not the JSON expected here")
        }
    }

    private func mint(_ query: Form?) throws -> Reply {
        let count = query?["count"].flatMap { Int($0) } ?? 1
        let grants = try book.use { ledger throws(ProviderSimulator.SettingsError) in
            try ledger.mint(
                count, user: query?["user"] ?? "ada", client: query?["client_id"],
                scope: query?["scope"] ?? "", provider: query?["provider"])
        }
        return .lines(
            try grants.map { grant in
                try JSON.object([
                    "grant": grant.grant, "user": grant.user, "access_token": grant.accessToken,
                    "refresh_token": grant.refreshToken,
                    "expires_in": Int(grant.accessLifetime.components.seconds),
                ])
            })
    }

    private func data(of request: Request) async throws -> Data {
        Data(try await body(of: request).readableBytesView)
    }

    private func invalid(_ words: String) throws -> Reply {
        .json(try JSON.object(["error": words]), status: .badRequest)
    }
}

extension Ledger {
    fileprivate func summaries(user: String?) -> [ProviderSimulator.GrantSummary] {
        grants.indices.filter { user == nil || grants[$0].user == user }.map(summary)
    }
}
