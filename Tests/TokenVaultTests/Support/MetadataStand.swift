// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// A server that publishes documents about itself, and what is discovered from it.
struct MetadataStand {
    /// The paths of the two documents of an issuer without a path.
    static let (oauth, openID) = (
        "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
    )

    /// A document that has what is needed. `ORIGIN` stands for the server's own address.
    static let good = """
        {"issuer":"ORIGIN","authorization_endpoint":"https://a.example/authorize",
         "token_endpoint":"https://a.example/token"}
        """

    /// The same with further members, which come first.
    static func good(_ members: String) -> String {
        "{\(members),\(good.dropFirst())"
    }

    /// Discovers from a server that answers by path; the others are not there. What `ISSUER` is
    /// followed by is the issuer's path.
    static func discover(
        path: String = "", deadline: Duration = .seconds(20),
        _ answers: [String: ScriptedServer.Behaviour]
    ) async throws -> Result<Discovery, DiscoveryError> {
        let origin = Monitor("")
        let server = try ScriptedServer { request in
            let words = request.head.split(separator: " ")
            guard words.count > 1, words[0] == "GET", let answer = answers[String(words[1])] else {
                return .reply(status: 404)
            }
            guard case .reply(let status, let headers, let body) = answer else { return answer }
            let own = body.replacing("ORIGIN", with: origin.withLock { $0 })
            return .reply(status: status, headers: headers, body: own)
        }
        origin.withLock { $0 = server.origin }
        let transport = try CurlTransport.forTests()
        defer {
            transport.close()
            server.stop()
        }
        let fetch = MetadataFetch(
            transport: transport, addressGuard: AddressGuard(allowsLoopback: true))
        do throws(DiscoveryError) {
            return .success(
                try await fetch.discover(
                    server.origin + path, at: UnixTime(milliseconds: 1_800_000_000_000)))
        } catch {
            return .failure(error)
        }
    }

    /// The same with one document of RFC 8414.
    static func discover(document: String) async throws -> Result<Discovery, DiscoveryError> {
        try await discover([oauth: .reply(body: document)])
    }
}
