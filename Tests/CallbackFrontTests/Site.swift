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
    let vault: Vault
    let front: CallbackFront
    let provider: ProviderSimulator
    let log: Log
    let url: String

    private init(
        vault: Vault, front: CallbackFront, provider: ProviderSimulator, log: Log, url: String
    ) {
        (self.vault, self.front, self.provider, self.log, self.url) =
            (vault, front, provider, log, url)
    }

    /// Runs `body` beside a site of its own, with the applications `demo` and `other`,
    /// and `local`, which is the same by another name of this machine.
    static func run(
        _ change: (inout CallbackFront.Configuration) -> Void = { _ in },
        _ body: (Site) async throws -> Void
    ) async throws {
        let directory = NSTemporaryDirectory() + "/front-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = directory + "/vault"
        try Vault.create(at: path, rootKey: .key(Secret("0123456789abcdef0123456789abcdef")))
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        settings.allowsLoopbackHTTP = true
        let vault = try Vault.open(
            at: path, rootKey: .key(Secret("0123456789abcdef0123456789abcdef")),
            settings: settings)
        defer { vault.close() }

        let log = Log()
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        var configuration = CallbackFront.Configuration()
        configuration.port = 0
        configuration.logger = Logger(label: "front") { _ in log }
        configuration.logger.logLevel = .trace
        configuration.onServerRunning = { continuation.yield($0) }
        change(&configuration)
        let front = try CallbackFront(vault: vault, configuration: configuration)
        let server = Task { try await front.run() }
        defer { server.cancel() }
        var iterator = ports.makeAsyncIterator()
        let url = "http://127.0.0.1:\(try #require(await iterator.next()))"

        let provider = try await ProviderSimulator.start(
            .init(clients: [
                .init(id: "demo", secret: "s3cret", redirectURIs: ["\(url)/callback/demo"]),
                .init(id: "other", secret: "s3cret", redirectURIs: ["\(url)/callback/other"]),
                .init(
                    id: "local", secret: "s3cret", redirectURIs: [local(url) + "/callback/local"]),
            ]))
        let site = Site(vault: vault, front: front, provider: provider, log: log, url: url)
        for name in ["demo", "other", "local"] { try await site.put(name) }
        do {
            try await body(site)
        } catch {
            await provider.stop()
            throw error
        }
        await provider.stop()
        server.cancel()
        _ = await server.result
    }

    private static func local(_ url: String) -> String {
        url.replacingOccurrences(of: "127.0.0.1", with: "localhost")
    }

    func put(_ name: String, secret: consuming Secret? = nil) async throws {
        var used: Secret? = consume secret
        if used == nil { used = try Secret("s3cret") }
        var description = Provider(
            name: "practice", authorizationEndpoint: provider.baseURL + "/authorize",
            tokenEndpoint: provider.baseURL + "/token")
        description.issuer = provider.baseURL
        try await vault.put(
            Application(
                id: ApplicationID(name), provider: description, clientID: name,
                clientSecret: used.take(),
                redirectURI: (name == "local" ? Self.local(url) : url) + "/callback/\(name)",
                scopes: ["read"]))
    }

    /// A link with our own pages at its end.
    func link(_ connection: String = "ada/practice", application: String = "demo") throws -> String
    {
        try front.link(for: ConnectionID(connection), application: ApplicationID(application))
    }

    /// Opens a link; returns where the provider asks for consent.
    func open(_ link: String, in browser: Browser) async throws -> String {
        let reply = try await browser.get(link)
        #expect(reply.status == 303)
        let location = try #require(reply.location)
        try #require(location.hasPrefix(provider.baseURL + "/authorize?"))
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
