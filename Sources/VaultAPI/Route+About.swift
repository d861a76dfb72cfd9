// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import NIOCore
import TokenVault

extension Route {
    static let about = [
        Route(.get, "/v1/openapi.json", nil, readDescription),
        Route(.get, "/v1/problems/{code}", nil, readProblem),
    ]

    /// What this API is, in OpenAPI 3.1.
    @Sendable private static func readDescription(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        Answer(status: .ok, body: ByteBuffer(bytes: PackageResources.openapi_json))
    }

    /// What a problem's `type` leads to.
    @Sendable private static func readProblem(
        _ api: VaultAPI, _ call: Call
    ) async throws -> Answer {
        let code = try call.part("code")
        var known = ProblemKind.all.map { Problem(VaultError($0.code, .vault)) }
        known += Problem.own
        guard let problem = known.first(where: { $0.code == code }) else {
            throw Problem.notFound
        }
        var json = JSONWriter()
        json.beginObject()
        json.member("code", problem.code)
        json.member("status", problem.status.code)
        json.member("title", problem.title)
        json.member("remedy", problem.remedy)
        json.endObject()
        return .json(json)
    }
}

extension Problem {
    /// One of each kind that is the API's own.
    fileprivate static let own = [
        unauthorized(isMissing: true), insufficientScope(.tokensRead), otherConnection, browser,
        notFound, methodNotAllowed(["GET"]), malformed(""), notJSON, tooLarge, targetTooLong,
        internalFault,
    ]
}
