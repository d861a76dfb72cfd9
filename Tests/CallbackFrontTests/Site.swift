// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import Foundation
import Logging
import ProviderSimulator
import Synchronization
import Testing
import TokenVault

/// A vault, a front before it and a practice provider, over loopback.
final class Site: Sendable {
    typealias Change = (inout CallbackFront.Configuration) -> Void

    let provider: ProviderSimulator
    let log: Log
    let url: String
    private let path: String
    private let port: Int
    private let running: Mutex<Running>

    var vault: Vault { running.withLock { $0.vault } }
    var front: CallbackFront { running.withLock { $0.front } }

    private struct Running: Sendable {
        let vault: Vault
        let front: CallbackFront
        let server: Task<Void, any Error>

        func stop() async {
            server.cancel()
            _ = await server.result
            vault.close()
        }
    }

    private init(
        _ running: Running, provider: ProviderSimulator, log: Log, path: String, port: Int
    ) {
        self.running = Mutex(running)
        self.provider = provider
        self.log = log
        self.path = path
        self.port = port
        url = "http://127.0.0.1:\(port)"
    }

    /// Runs `body` beside a site of its own, with the applications `demo` and `other`,
    /// and `local`, which is the same by another name of this machine.
    ///
    /// - Parameter applications: more of them, or others for these, with their redirect URIs.
    static func run(
        _ change: Change = { _ in }, applications: [String: String] = [:],
        _ body: (Site) async throws -> Void
    ) async throws {
        let directory = NSTemporaryDirectory() + "/front-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/vault"
        try Vault.create(at: path, rootKey: .key(Secret("0123456789abcdef0123456789abcdef")))
        let log = Log()
        let (running, port) = try await start(path, port: 0, log, change)
        let url = "http://127.0.0.1:\(port)"
        let all = [
            "demo": "\(url)/callback/demo", "other": "\(url)/callback/other",
            "local": "http://localhost:\(port)/callback/local",
        ].merging(applications) { _, other in other }
        let provider = try await ProviderSimulator.start(
            .init(
                clients: all.map { .init(id: $0.key, secret: "s3cret", redirectURIs: [$0.value]) }))
        let site = Site(running, provider: provider, log: log, path: path, port: port)
        do {
            for (name, uri) in all { try await site.put(name, redirectURI: uri) }
            try await body(site)
        } catch {
            await site.stop()
            throw error
        }
        await site.stop()
    }

    private func stop() async {
        await provider.stop()
        await running.withLock { $0 }.stop()
    }

    private static func start(
        _ path: String, port: Int, _ log: Log, _ change: Change
    ) async throws -> (Running, port: Int) {
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        settings.allowsLoopbackHTTP = true
        let vault = try Vault.open(
            at: path, rootKey: .key(Secret("0123456789abcdef0123456789abcdef")),
            settings: settings)
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        var configuration = CallbackFront.Configuration()
        configuration.port = port
        configuration.logger = Logger(label: "front") { _ in log }
        configuration.logger.logLevel = .trace
        configuration.onServerRunning = { continuation.yield($0) }
        change(&configuration)
        let front = try CallbackFront(vault: vault, configuration: configuration)
        let server = Task { try await front.run() }
        var iterator = ports.makeAsyncIterator()
        let bound = try #require(await iterator.next())
        return (Running(vault: vault, front: front, server: server), bound)
    }

    /// Ends the front, closes the vault, and opens both again.
    func restart(_ change: Change = { _ in }) async throws {
        await running.withLock { $0 }.stop()
        let next = try await Self.start(path, port: port, log, change).0
        running.withLock { $0 = next }
    }

    func put(
        _ name: String, secret: consuming Secret? = nil, redirectURI: String? = nil,
        sendsIssuer: Bool = false
    ) async throws {
        var used: Secret? = consume secret
        if used == nil { used = try Secret("s3cret") }
        var description = Provider(
            name: "practice", authorizationEndpoint: provider.baseURL + "/authorize",
            tokenEndpoint: provider.baseURL + "/token")
        description.issuer = provider.baseURL
        description.sendsIssuer = sendsIssuer
        try await vault.put(
            Application(
                id: ApplicationID(name), provider: description, clientID: name,
                clientSecret: used.take(),
                redirectURI: redirectURI ?? url + "/callback/\(name)", scopes: ["read"]))
    }

    /// A link with our own pages at its end.
    func link(
        _ connection: String = "ada/practice", application: String = "demo"
    ) async throws -> String {
        try await front.link(
            for: ConnectionID(connection), application: ApplicationID(application)
        ).url
    }

    /// Opens a link and presses its button; returns where the provider asks for consent.
    func open(_ link: String, in browser: Browser) async throws -> String {
        #expect(try await browser.get(link).status == 200)
        let reply = try await browser.press(link)
        #expect(reply.status == 303)
        let location = try #require(reply.location)
        try #require(location.hasPrefix(provider.baseURL + "/authorize?"), "\(location)")
        return location
    }

    /// Opens a link and consents; returns the callback's URL.
    func consent(_ link: String, in browser: Browser) async throws -> String {
        try provider.approve(await open(link, in: browser))
    }

    /// What the provider's resource says to the connection's access token.
    func userinfo(_ connection: String = "ada/practice") async throws -> Int {
        let token = try await vault.withAccessToken(ConnectionID(connection)) { token in
            unsafe token.secret.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
        }
        let url = provider.baseURL + "/userinfo"
        return try await Browser().get(url, ["Authorization: Bearer \(token)"]).status
    }

    /// Whether the connection has tokens.
    func isConnected(_ connection: String = "ada/practice") throws -> Bool {
        let status = try vault.status(ConnectionID(connection))
        return status != nil && status?.nextStep != .connect
    }
}

/// Every line that the front, or Hummingbird beneath it, wrote.
final class Log: LogHandler, Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    // Set by the logger's owner; every level is kept here, so that nothing can hide.
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { nil }
        set { lines.withLock { $0.append("\(key)=\(newValue.map { "\($0)" } ?? "")") } }
    }

    func log(event: LogEvent) {
        lines.withLock {
            $0.append("\(event.level) \(event.message) \(event.metadata ?? [:])")
        }
    }
}
