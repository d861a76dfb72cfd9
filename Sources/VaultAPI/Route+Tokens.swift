// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import TokenVault

extension Route {
    /// The longest life that can be asked for, in seconds.
    static let minimumLifetimeMax = 86_400

    static let tokens = [
        Route(
            .get, "/v1/connections/{id}/token", .tokensRead, query: ["min_ttl"], readToken)
    ]

    static let usage = [
        Route(.post, "/v1/connections/{id}/use", .usageWrite, reportUse),
        Route(.post, "/v1/connections/{id}/rejected", .usageWrite, reportRejected),
        Route(.post, "/v1/connections/{id}/failed", .usageWrite, reportFailed),
    ]

    /// How many bytes the answer has beside the token.
    private static let aroundTokenBytes = 256

    @Sendable private static func readToken(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let minimum = try call.number("min_ttl", in: 0...minimumLifetimeMax) ?? 0
        let token = try await api.vault.accessToken(id, minimumLifetime: .seconds(minimum))
        // Six bytes for one where all of them are escaped: the buffer is never moved, and leaves no
        // copy behind.
        var json = JSONWriter(capacity: 6 * token.secret.count + aroundTokenBytes)
        json.beginObject()
        json.member("access_token", token.secret)
        json.member("token_type", "Bearer")
        json.member("expires_at", token.expiry)
        json.member("generation", token.generation)
        json.endObject()
        return .json(json)
    }

    @Sendable private static func reportUse(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let generation = try Members(call, ["generation"]).generation()
        try await api.vault.reportUse(id, generation: generation)
        return .done
    }

    /// Answered when there is another token, or why there is none.
    @Sendable private static func reportRejected(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        guard let generation = try Members(call, ["generation"]).generation() else {
            throw Problem.malformed("generation is missing: of the token that was rejected")
        }
        try await api.vault.reportRejected(id, generation: generation)
        return .done
    }

    @Sendable private static func reportFailed(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let id = try call.connection()
        let range = Int64(Int32.min)...Int64(Int32.max)
        guard let number = try Members(call, ["number"]).number("number", in: range) else {
            throw Problem.malformed("number is missing: the component's own")
        }
        try await api.vault.reportFailed(id, number: Int32(clamping: number))
        return .done
    }
}

extension Members {
    fileprivate func generation() throws(Problem) -> UInt64? {
        try number("generation", in: 0...Int64.max).map { UInt64($0) }
    }
}
