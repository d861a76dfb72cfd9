// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TokenVault

/// One thing that the API does.
struct Route: Sendable {
    typealias Handler = @Sendable (VaultAPI, Call) async throws -> Answer

    let method: HTTPRequest.Method
    /// As OpenAPI writes it: `/v1/connections/{id}`.
    let path: String
    /// What a key must be allowed; nil where anybody may ask.
    let scope: APIScope?
    /// The names of query parameters; others are refused.
    let query: Set<String>
    /// For how long an answer is kept for the same `Idempotency-Key`; nil where the header means
    /// nothing.
    let answerLifetime: Duration?
    let handler: Handler

    init(
        _ method: HTTPRequest.Method, _ path: String, _ scope: APIScope?,
        query: Set<String> = [], keepsAnswer answerLifetime: Duration? = nil,
        _ handler: @escaping Handler
    ) {
        (self.method, self.path, self.scope) = (method, path, scope)
        (self.query, self.answerLifetime, self.handler) = (query, answerLifetime, handler)
    }

    /// All of them.
    static let all: [Route] =
        about + applications + connections + tokens + usage + events
        + flows

    /// The methods that a path has; empty where it is none of ours.
    static func methods(of path: String) -> [String] {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return all.filter { route in
            let pattern = route.path.split(separator: "/", omittingEmptySubsequences: false)
            return pattern.count == parts.count
                && zip(pattern, parts).allSatisfy { $0 == $1 || $0.hasPrefix("{") && !$1.isEmpty }
        }.map(\.method.rawValue)
    }
}
