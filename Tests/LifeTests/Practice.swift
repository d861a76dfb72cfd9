// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import TokenVaultTesting

@testable import TokenVault

/// A vault, a practice server, and an application registered at both.
final class Practice: Sendable {
    let provider: ProviderSimulator
    let home: TestVault
    let application: ApplicationID
    let secretText: String

    init(_ change: (inout ProviderSimulator.Settings) -> Void = { _ in }) async throws {
        let secret = "s3cret:+%/" + UUID().uuidString
        var settings = ProviderSimulator.Settings(clients: [
            .init(
                id: "client-1", secret: secret,
                redirectURIs: ["https://platform.example/callback/practice"])
        ])
        change(&settings)
        provider = try await ProviderSimulator.start(settings)
        home = try TestVault()
        try home.create()
        application = try ApplicationID("practice")
        secretText = secret
    }

    func open(
        _ clock: TestClock = TestClock(), _ change: (inout Vault.Settings) -> Void = { _ in }
    ) throws -> Vault {
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        settings.allowsLoopbackHTTP = true
        change(&settings)
        return try Vault.open(
            at: home.path, rootKey: .file(home.keyFile), settings: settings, clock: clock)
    }

    /// Registers the application in the vault.
    func register(
        _ vault: Vault, secret: String? = nil, _ change: (inout Provider) -> Void = { _ in }
    ) async throws {
        var provider = Provider(
            name: "practice", authorizationEndpoint: "\(provider.baseURL)/authorize",
            tokenEndpoint: "\(provider.baseURL)/token",
            revocationEndpoint: "\(provider.baseURL)/revoke")
        provider.issuer = self.provider.baseURL
        change(&provider)
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: "client-1",
                clientSecret: Secret(text: secret ?? secretText),
                redirectURI: "https://platform.example/callback/practice", scopes: ["read"]))
    }

    /// Takes a user through the flow.
    func connect(_ vault: Vault, _ id: ConnectionID, user: String = "ada") async throws {
        let request = try await vault.connect(id, application: application)
        let query = try consent(request, user: user)
        _ = try await vault.complete(callbackQuery: query, application: application)
    }

    /// Approves at the practice server and returns the query of the callback.
    func consent(_ request: AuthorizationRequest, user: String = "ada") throws -> Secret {
        let location = try provider.approve(request.url, user: user)
        guard let mark = location.firstIndex(of: "?") else { throw CocoaError(.formatting) }
        return try Secret(text: String(location[location.index(after: mark)...]))
    }

    /// Puts connections with fresh grants into the vault.
    func seed(_ vault: Vault, _ count: Int, lifetime: Int64) async throws -> [ConnectionID] {
        let now = SystemTime().now()
        let grants = try provider.mint(count)
        let ids = try grants.indices.map { try ConnectionID("seed-\($0)") }
        let application = application
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (id, grant) in zip(ids, grants) {
                group.addTask {
                    try await vault.put(
                        id,
                        TokenSet(
                            accessToken: Secret(text: grant.accessToken),
                            refreshToken: Secret(text: grant.refreshToken),
                            accessTokenExpiry: now.adding(milliseconds: lifetime * 1000)),
                        application: application)
                }
            }
            try await group.waitForAll()
        }
        return ids
    }

    /// Asks the practice server whether the token works, with curl as the platform.
    func accepts(_ token: String) async throws -> Bool {
        let url = "\(provider.baseURL)/userinfo"
        let report = try await ChildProcess.run(
            "/usr/bin/curl",
            [
                "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H",
                "Authorization: Bearer \(token)", url,
            ])
        return report.text == "200"
    }
}

extension Vault {
    /// The access token in the clear.
    @discardableResult
    func token(_ id: ConnectionID) async throws -> String {
        try await withAccessToken(id) { $0.exposed }
    }
}
