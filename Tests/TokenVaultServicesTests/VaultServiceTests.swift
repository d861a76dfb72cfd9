// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Foundation
import FoundationNetworking
import Logging
import ProviderSimulator
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing
import TokenVaultServices

@testable import TokenVault

/// A vault and a front in a group of services.
@Suite struct VaultServiceTests {
    private let home: TestVault

    init() throws {
        home = try TestVault()
        try home.create()
    }

    private static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Puts an application of the practice server, and a connection whose token has expired.
    private func seed(_ vault: Vault, _ provider: ProviderSimulator) async throws -> ConnectionID {
        let application = try ApplicationID("practice")
        try await vault.put(
            Application(
                id: application,
                provider: Provider(
                    name: "practice", authorizationEndpoint: "\(provider.baseURL)/authorize",
                    tokenEndpoint: "\(provider.baseURL)/token"),
                clientID: "client-1", clientSecret: Secret(text: "s3cret"),
                redirectURI: "https://platform.example/callback/practice"))
        let grant = try provider.mint(1)[0]
        let id = try ConnectionID("anna")
        try await vault.put(
            id,
            TokenSet(
                accessToken: Secret(text: grant.accessToken),
                refreshToken: Secret(text: grant.refreshToken),
                accessTokenExpiry: SystemTime().now().adding(milliseconds: -1000)),
            application: application)
        return id
    }

    private func provider() async throws -> ProviderSimulator {
        try await ProviderSimulator.start(
            ProviderSimulator.Settings(clients: [
                .init(
                    id: "client-1", secret: "s3cret",
                    redirectURIs: ["https://platform.example/callback/practice"])
            ]))
    }

    private func health(_ port: Int) async -> Int? {
        guard let url = URL(string: "http://127.0.0.1:\(port)/health"),
            let (_, response) = try? await URLSession.shared.data(from: url)
        else { return nil }
        return (response as? HTTPURLResponse)?.statusCode
    }

    @Test(.timeLimit(.minutes(2)))
    func shutsDownInOrderAndLosesNoAnswer() async throws {
        let provider = try await provider()
        let vault = try home.open()
        let id = try await seed(vault, provider)
        provider.set(fault: .delayBefore(.seconds(2)))
        let port = AsyncStream.makeStream(of: Int.self)
        var configuration = CallbackFront.Configuration()
        configuration.port = 0
        configuration.onServerRunning = { port.continuation.yield($0) }
        configuration.logger = Self.logger
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                vault: vault,
                front: try CallbackFront(vault: vault, configuration: configuration),
                logger: Self.logger))
        let running = Task { try await group.run() }
        var ports = port.stream.makeAsyncIterator()
        let front = try #require(await ports.next())
        #expect(await health(front) == 200)
        // The refresh is sent, and its answer takes a while.
        while provider.counters.tokenRequests == 0 { try await Task.sleep(for: .milliseconds(5)) }
        await group.triggerGracefulShutdown()
        try await running.value
        #expect(await health(front) == nil)
        #expect(await code { try await vault.run() } == .closed)
        // The directory is free, and the answer is in it.
        let next = try home.open()
        try await next.ready()
        let status = try #require(try next.status(id))
        #expect(status.refreshCount == 1)
        #expect(status.answerOutstandingSince == nil)
        next.close()
        await provider.stop()
    }

    @Test(.timeLimit(.minutes(1)))
    func endsWhereTheVaultIsClosedOrItsTaskCancelled() async throws {
        for isClosed in [true, false] {
            let vault = try home.open()
            let service = VaultService(vault, drain: .seconds(60))
            let running = Task { try await service.run() }
            while vault.refresher.shared.withLock({ $0.runners }) == 0 { await Task.yield() }
            if isClosed { vault.close() } else { running.cancel() }
            try await running.value
            #expect(await code { try await vault.run() } == .closed)
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func aVaultThatDoesNotVerifyEndsTheGroup() async throws {
        do {
            let vault = try home.open()
            try await vault.put(
                ConnectionID("a"), TokenSet(accessToken: Secret(text: "token")))
            vault.close()
        }
        // Its slots are another vault's.
        try home.overwrite("SLOTS", at: 0, [UInt8](repeating: 7, count: 4096))
        let vault = try home.open()
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(vault: vault, logger: Self.logger))
        let end = await code { try await group.run() }
        #expect(end != nil && end != .closed)
        // It was closed: the directory is free.
        try home.open().close()
    }
}
