// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import Testing
import TokenVault
import TokenVaultTesting

/// A customer's connection, at a provider that is a server in this process.
final class Customer: Sendable {
    let provider: ProviderSimulator
    let clock = TestClock()
    let vault: Vault
    let id: ConnectionID
    private let directory = NSTemporaryDirectory() + UUID().uuidString

    init() async throws {
        let back = "https://platform.example/callback"
        var settings = ProviderSimulator.Settings(clients: [
            .init(id: "platform", secret: "s3cret", redirectURIs: [back])
        ])
        settings.rotation = .rotating(grace: .zero)
        provider = try await ProviderSimulator.start(settings)
        id = try ConnectionID("customer-7/crm")

        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: false)
        let path = directory + "/vault"
        let key: StaticString = "a root key of 32 bytes for tests"
        try Vault.create(at: path, rootKey: .key(Secret(key)))
        var vaultSettings = Vault.Settings()
        vaultSettings.allowsLoopbackHTTP = true
        vault = try Vault.open(
            at: path, rootKey: .key(Secret(key)), settings: vaultSettings, clock: clock)

        let crm = try ApplicationID("crm")
        let definition = Provider(
            name: "crm", authorizationEndpoint: provider.baseURL + "/authorize",
            tokenEndpoint: provider.baseURL + "/token",
            revocationEndpoint: provider.baseURL + "/revoke")
        try await vault.put(
            Application(
                id: crm, provider: definition, clientID: "platform",
                clientSecret: Secret(testing: "s3cret"), redirectURI: back))
        let request = try await vault.connect(id, application: crm)
        let callback = try provider.approve(request.url, user: "ada")
        let query = callback.drop { $0 != "?" }.dropFirst()
        try await vault.complete(callbackQuery: Secret(testing: String(query)))
    }

    /// Moves the clocks of both sides.
    func pass(_ time: Duration) {
        provider.advance(by: time)
        clock.advance(by: time)
    }

    /// The access token that the platform would use now.
    func token() async throws -> String {
        try await vault.withAccessToken(id) { $0.secret.exposedForTesting }
    }

    func end() async {
        vault.close()
        await provider.stop()
        try? FileManager.default.removeItem(atPath: directory)
    }
}

@Suite(.timeLimit(.minutes(1))) struct PlatformTests {
    @Test func aTokenThatExpiredIsRefreshed() async throws {
        let customer = try await Customer()
        let first = try await customer.token()
        customer.pass(.seconds(3601))
        let second = try await customer.token()
        #expect(second != first)
        #expect(customer.provider.tokens(ofUser: "ada").contains(second))
        #expect(customer.provider.counters.refreshes == 1)
        await customer.end()
    }

    @Test func everythingIsRefreshedBeforeItExpires() async throws {
        let customer = try await Customer()
        let upkeep = Task { try await customer.vault.run() }
        for hour in 1...24 {
            customer.pass(.seconds(3500))
            while try customer.vault.status(customer.id)?.refreshCount != UInt64(hour) {
                try await Task.sleep(for: .milliseconds(1))
            }
        }
        #expect(customer.provider.counters.refreshes == 24)
        #expect(customer.provider.counters.reuseDetected == 0)
        upkeep.cancel()
        await customer.end()
    }

    @Test func aProviderThatIsDownCostsNothing() async throws {
        let customer = try await Customer()
        customer.provider.set(fault: .status(503, retryAfter: nil))
        customer.pass(.seconds(3601))
        let failure = await #expect(throws: VaultError.self) {
            try await customer.token()
        }
        #expect(failure?.code == .providerBusy)
        customer.provider.set(fault: nil)
        customer.pass(.seconds(300))
        _ = try await customer.token()
        await customer.end()
    }

    @Test func aCustomerWhoEndsTheGrantIsAskedToConnectAgain() async throws {
        let customer = try await Customer()
        customer.provider.revoke(user: "ada")
        customer.pass(.seconds(3601))
        let failure = await #expect(throws: VaultError.self) {
            try await customer.token()
        }
        #expect(failure?.code == .grantLost)
        let status = try customer.vault.status(customer.id)
        #expect(status?.light == .red && status?.nextStep == .reconnect)
        await customer.end()
    }
}
