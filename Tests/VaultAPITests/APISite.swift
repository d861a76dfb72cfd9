// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import ProviderSimulator
import TestSupport
import Testing
import TokenVault
import TokenVaultTesting
import VaultAPI

/// A vault, the API to it and a practice provider.
final class APISite: Sendable {
    let vault: Vault
    let provider: ProviderSimulator
    let clock: TestClock
    private let asking: Asking

    private init(_ vault: Vault, _ provider: ProviderSimulator, _ clock: TestClock, _ place: Asking)
    {
        (self.vault, self.provider, self.clock, asking) = (vault, provider, clock, place)
    }

    /// Runs `body` beside a site of its own, with the application `demo`.
    static func run(
        _ change: (inout VaultAPI.Configuration) -> Void = { _ in },
        _ body: (APISite) async throws -> Void
    ) async throws {
        let files = try TestVault()
        try files.create()
        let clock = TestClock()
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        settings.allowsLoopbackHTTP = true
        let vault = try Vault.open(
            at: files.path, rootKey: .file(files.keyFile), settings: settings, clock: clock)
        defer { vault.close() }
        let (ports, continuation) = AsyncStream<Int?>.makeStream()
        var configuration = VaultAPI.Configuration()
        configuration.address = .loopback(host: "127.0.0.1", port: 0)
        configuration.logger = Logger(label: "api") { _ in SwiftLogNoOpLogHandler() }
        configuration.onServerRunning = { continuation.yield($0) }
        change(&configuration)
        let api = try VaultAPI(vault: vault, configuration: configuration)
        let server = Task { try await api.run() }
        defer { server.cancel() }
        var iterator = ports.makeAsyncIterator()
        let port = try #require(await iterator.next())
        let place: Asking.Place
        switch configuration.address {
        case .unixSocket(let path): place = .path(path)
        case .loopback: place = .port(try #require(port))
        }
        let provider = try await ProviderSimulator.start(
            .init(clients: [
                .init(
                    id: "demo", secret: "s3cret",
                    redirectURIs: ["http://127.0.0.1:1/callback/demo"])
            ]))
        let site = APISite(vault, provider, clock, Asking(place: place))
        do {
            try await site.putDemo()
            try await body(site)
        } catch {
            await provider.stop()
            throw error
        }
        await provider.stop()
        server.cancel()
        _ = await server.result
    }

    private func putDemo() async throws {
        try await vault.put(
            Application(
                id: ApplicationID("demo"),
                provider: Provider(
                    name: "practice", authorizationEndpoint: provider.baseURL + "/authorize",
                    tokenEndpoint: provider.baseURL + "/token"),
                clientID: "demo", clientSecret: try Secret("s3cret"),
                redirectURI: "http://127.0.0.1:1/callback/demo", scopes: ["read"]))
    }

    /// A new key, in the clear.
    func key(
        _ scopes: Set<APIScope> = Set(APIScope.allCases), connections: String = "*",
        lifetime: Duration? = nil
    ) async throws -> String {
        let secret = try APIKeySecret()
        try await vault.addAPIKey(
            secret, name: "test", scopes: scopes, connections: ConnectionPattern(connections),
            lifetime: lifetime)
        return secret.text.exposed
    }

    func send(
        _ method: String, _ path: String, key: String? = nil, headers: [String] = [],
        body: String? = nil
    ) throws -> Asking.Reply {
        try asking.send(method, path, key: key, headers: headers, body: body)
    }

    /// Connects an account by a flow of the vault's own, without the API.
    func connect(_ id: String) async throws {
        let request = try await vault.connect(
            ConnectionID(id), application: ApplicationID("demo"))
        let callback = try provider.approve(request.url)
        let query = callback.split(separator: "?")[1]
        var secret = try Secret(zeroes: query.utf8.count)
        for (index, byte) in query.utf8.enumerated() {
            var span = secret.mutableBytes
            span.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
        }
        try await vault.complete(callbackQuery: secret)
    }
}
