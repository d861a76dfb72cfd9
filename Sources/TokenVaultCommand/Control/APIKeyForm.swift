// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// A key of the JSON API, without its secret, as JSON has it.
struct APIKeyForm: Codable, Sendable {
    var id: String
    var name: String
    var scopes: [String]
    /// Which connections it is for.
    var connections: String
    var created: Moment
    /// Nil where it does not expire.
    var expires: Moment?

    init(_ key: APIKey) {
        id = key.id
        name = key.name
        scopes = key.scopes.map(\.rawValue).sorted()
        connections = key.connections.text
        created = Moment(key.created)
        expires = key.expires.map(Moment.init)
    }
}

/// A key that is to be kept: the hash of its secret, which stays with whoever made it.
struct NewAPIKeyForm: Codable, Sendable {
    var id: String
    /// The 32 bytes of the hash.
    var hash: [UInt8]
    var name: String
    var scopes: [String]
    var connections: String
    var lifetimeSeconds: Int64?

    /// - Throws: `invalidArgument` where there is no such scope.
    func parsedScopes() throws(VaultError) -> Set<APIScope> {
        let known = scopes.compactMap(APIScope.init(rawValue:))
        guard known.count == scopes.count else { throw VaultError(.invalidArgument, .vault) }
        return Set(known)
    }
}

extension OwnVault {
    /// What is asked about keys of the JSON API.
    func answer(toAPIKeys request: Request, _ take: (Reply) throws -> Void) async throws {
        switch request {
        case .addAPIKey(let form):
            var hash = try Secret(zeroes: form.hash.count)
            for (index, byte) in form.hash.enumerated() {
                var span = hash.mutableBytes
                span.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
            }
            let key = try await vault.addAPIKey(
                id: form.id, hash: hash, name: form.name, scopes: form.parsedScopes(),
                connections: ConnectionPattern(form.connections),
                lifetime: form.lifetimeSeconds.map { .seconds($0) })
            try take(.apiKey(APIKeyForm(key)))
        case .apiKeys:
            let sorted = try vault.apiKeys().sorted { $0.created < $1.created }
            for key in sorted { try take(.apiKey(APIKeyForm(key))) }
        case .revokeAPIKey(let id): try await vault.revokeAPIKey(id)
        default: throw VaultError(.invalidArgument, .vault)
        }
    }
}
