// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

extension Ledger {
    /// The client, if it proved to be itself in one of these ways and in one only.
    mutating func identify(
        _ request: PlayedRequest, _ ways: Set<Way>
    ) throws(Cause) -> (client: ProviderSimulator.Client, way: Way) {
        do throws(Cause) {
            return try judgeClient(request, ways)
        } catch {
            if error == .wrongSecret || error == .unknownClient { counters.clientsRefused += 1 }
            throw error
        }
    }

    private func judgeClient(
        _ request: PlayedRequest, _ ways: Set<Way>
    ) throws(Cause) -> (client: ProviderSimulator.Client, way: Way) {
        let (id, secret) = (request.parameters["client_id"], request.parameters["client_secret"])
        let basic = request.headers[.authorization].flatMap(Ledger.basicCredentials)
        let bearer = request.authorization("bearer")
        // Not form-encoded: a key of Stripe's needs no encoding.
        let user = ways.contains(.secretAsUser) ? request.userAlone : nil
        let used = [secret != nil, basic != nil || user != nil, bearer != nil].filter { $0 }
        guard used.count <= 1 else { throw .twoWays }
        if let user { return (try client(withSecret: user), .secretAsUser) }
        if let basic {
            guard ways.contains(.basic) else { throw .wrongSecret }
            guard id == nil || id == basic.id else { throw .wrongSecret }
            return (try client(basic.id, secret: basic.secret), .basic)
        }
        if let bearer {
            guard ways.contains(.bearerSecret) else { throw .wrongSecret }
            return (try client(withSecret: bearer), .bearerSecret)
        }
        if let secret {
            guard ways.contains(.post) else { throw .wrongSecret }
            // Whoever takes the secret alone as bearer needs no id beside it in the body either.
            if id == nil, ways.contains(.bearerSecret) {
                return (try client(withSecret: secret), .post)
            }
            return (try client(id ?? "", secret: secret), .post)
        }
        guard let id, let client = settings.client(id) else { throw .unknownClient }
        guard ways.contains(.proofOnly) || client.secret == nil && ways.contains(.post) else {
            throw .wrongSecret
        }
        return (client, .proofOnly)
    }

    private func client(
        _ id: String, secret: String?
    ) throws(Cause) -> ProviderSimulator.Client {
        guard let client = settings.client(id) else { throw .unknownClient }
        guard client.secret == secret else { throw .wrongSecret }
        return client
    }

    private func client(withSecret secret: String) throws(Cause) -> ProviderSimulator.Client {
        guard let client = settings.clients.first(where: { $0.secret == secret }) else {
            throw .wrongSecret
        }
        return client
    }
}
