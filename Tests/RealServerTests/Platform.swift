// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// A platform with a vault, whose application is registered at a real server.
final class Platform: Sendable {
    let server: RealServer
    /// How it authenticates.
    let method: Provider.ClientAuthentication
    let application: ApplicationID
    let id: ConnectionID
    /// As whom it authenticates.
    let client: Registration.Client
    private let home: TestVault
    private let metadata: RealServer.Metadata

    /// - Parameters:
    ///   - method: `.basic` or `.post`; the MCP SDK's server wants the client's id in the body in
    ///     any case, and so takes `.post` alone.
    ///   - use: what its client is for; nil for the authorization code grant.
    init(
        _ kind: RealServer.Kind = .django, by method: Provider.ClientAuthentication? = nil,
        use: String? = nil
    ) async throws {
        server = try #require(RealServerTrait.servers[kind])
        if let use {
            client = try #require(server.registration.clients[use])
            self.method = try #require(client.authentication)
        } else {
            self.method = method ?? (kind == .mcp ? .post : .basic)
            client = server.registration.client(self.method)
        }
        metadata = try await server.metadata()
        home = try TestVault()
        try home.create()
        application = try ApplicationID("real")
        id = try ConnectionID("customer-7/real")
    }

    /// Opens the vault. The server is on loopback, which needs the setting for loopback although
    /// it speaks HTTPS.
    func open(trusting authority: RealServer.Authority = .ca) throws -> Vault {
        try home.open { $0.certificateFile = server.certificateFile(of: authority) }
    }

    /// Registers the application in the vault, the endpoints as the server gives them.
    func register(
        _ vault: Vault, clientSecret: String? = nil, signingKey: consuming SigningKey? = nil,
        redirectURI: String? = nil, _ change: (inout Provider) -> Void = { _ in }
    ) async throws {
        var provider = Provider(
            name: "real", authorizationEndpoint: metadata.authorizationEndpoint,
            tokenEndpoint: metadata.tokenEndpoint,
            revocationEndpoint: metadata.revocationEndpoint)
        provider.issuer = metadata.issuer
        provider.sendsIssuer = metadata.authorizationResponseIssParameterSupported ?? false
        provider.clientAuthentication = method
        change(&provider)
        try await register(
            vault, provider, clientSecret: clientSecret, signingKey: signingKey,
            redirectURI: redirectURI)
    }

    /// Registers it with a provider of the caller's.
    func register(
        _ vault: Vault, _ provider: Provider, clientSecret: String? = nil,
        signingKey: consuming SigningKey? = nil, redirectURI: String? = nil
    ) async throws {
        let text = clientSecret ?? client.secret
        let secret: Secret? = if let text { try Secret(text: text) } else { nil }
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: client.id, clientSecret: secret,
                signingKey: signingKey,
                redirectURI: redirectURI ?? server.registration.redirectURI, scopes: ["read"]))
    }

    /// Opens the vault, with the application in it.
    func openRegistered() async throws -> Vault {
        let vault = try open()
        try await register(vault)
        return vault
    }

    /// Takes the user through the flow.
    func connect(_ vault: Vault, _ id: ConnectionID? = nil) async throws {
        let request = try await vault.connect(id ?? self.id, application: application)
        _ = try await vault.complete(
            callbackQuery: callback(request), application: application)
    }

    /// The query of the callback that the browser is sent to.
    func callback(
        _ request: AuthorizationRequest, _ choice: RealServer.Choice = .approve
    ) async throws -> Secret {
        let visit = try await server.visit(request.url, choice)
        #expect(visit.status == 302)
        let location = try #require(visit.location)
        #expect(location.hasPrefix(server.registration.redirectURI + "?"))
        let mark = try #require(location.firstIndex(of: "?"))
        return try Secret(text: String(location[location.index(after: mark)...]))
    }

    /// The statuses that the token endpoint answered with while `body` ran.
    func tokenAnswers(_ body: () async throws -> Void) async rethrows -> [Int] {
        let before = server.answers.count
        try await body()
        let start = "POST \(URL(string: metadata.tokenEndpoint)?.path(percentEncoded: true) ?? "") "
        return server.answers.dropFirst(before).compactMap { line in
            line.hasPrefix(start) ? Int(line.dropFirst(start.count)) : nil
        }
    }
}

extension Vault {
    /// Both tokens as they are stored, in the clear.
    func pair(_ id: ConnectionID) throws -> (access: String, refresh: String) {
        switch try get(id) {
        case .none: throw CocoaError(.fileNoSuchFile)
        case .some(let stored):
            let access = stored.tokens.accessToken.exposed
            switch stored.tokens.refreshToken {
            case .none: return (access, "")
            case .some(let token): return (access, token.exposed)
            }
        }
    }
}
