// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import UnixSignals

/// A practice OAuth 2.0 authorization server: authorization code with PKCE, refresh with and
/// without rotation, revocation, introspection, and faults on demand.
///
/// Or it plays real providers as published facts describe them, each under its own host names, all
/// in one process: see ``Settings/providers`` and ``Provider``.
///
/// A development aid, for the demo, the tests and the benchmarks. It asks for no password, listens
/// on loopback only, speaks plain HTTP unless it is given a certificate, and keeps everything in
/// memory, tokens included: a test that searches its own memory for tokens starts the
/// `provider-simulator` executable instead. What it answers is worked out from what it was asked,
/// never scripted.
public final class ProviderSimulator: Sendable {
    /// `http://127.0.0.1:PORT`, which is the issuer identifier too but for
    /// ``Metadata/path``; `https` with a certificate.
    public let baseURL: String

    let book: Book
    private let server: Task<Void, any Error>
    private let group: ServiceGroup

    /// Starts a server and returns once it accepts connections. Several may run in one process.
    /// Each runs until ``stop()``, whether or not anybody still holds it.
    ///
    /// - Parameter stopsOnSignals: whether SIGTERM and SIGINT end the server. For executables.
    /// - Throws: ``SettingsError``, or the system's error where the port cannot be had.
    public static func start(
        _ settings: Settings, stopsOnSignals: Bool = false
    ) async throws -> ProviderSimulator {
        try settings.validate()
        let book = Book(Ledger(settings: settings))
        let (urls, continuation) = AsyncThrowingStream<String, any Error>.makeStream()
        let application = try application(settings, book: book) { url in
            book.use { $0.url = url }
            continuation.yield(url)
        }
        var configuration = ServiceGroupConfiguration(
            services: [application],
            gracefulShutdownSignals: stopsOnSignals ? [.sigterm, .sigint] : [],
            logger: silence)
        // A client that reads one byte a second must not keep a server from ending.
        configuration.maximumGracefulShutdownDuration = .milliseconds(500)
        let group = ServiceGroup(configuration: configuration)
        let server = Task {
            do {
                try await group.run()
                continuation.finish()
            } catch {
                continuation.finish(throwing: error)
                throw error
            }
        }
        for try await url in urls {
            return ProviderSimulator(baseURL: url, book: book, server: server, group: group)
        }
        // The caller was cancelled while the server was starting.
        await group.triggerGracefulShutdown()
        _ = await server.result
        throw CancellationError()
    }

    /// Ends the server and returns once its port is free.
    public func stop() async {
        await group.triggerGracefulShutdown()
        await finished()
    }

    /// Returns once the server has ended, by ``stop()`` or by a signal.
    public func finished() async {
        // A connection cut at the end of the grace is not worth reporting.
        _ = await server.result
    }

    private init(
        baseURL: String, book: Book, server: Task<Void, any Error>, group: ServiceGroup
    ) {
        (self.baseURL, self.book, self.server, self.group) = (baseURL, book, server, group)
    }

    private static func application(
        _ settings: Settings, book: Book, running: @escaping @Sendable (String) -> Void
    ) throws -> some ApplicationProtocol {
        let providers = settings.providers
        let site = Site(book: book, stage: providers.isEmpty ? nil : Stage(providers: providers))
        let scheme = settings.certificate == nil ? "http" : "https"
        return Application(
            responder: CallbackResponder { (request: Request, context: Context) in
                try await site.respond(to: request, channel: context.channel)
            },
            server: try builder(settings.certificate),
            configuration: ApplicationConfiguration(
                address: .hostname(settings.host, port: settings.port)),
            onServerRunning: { channel in
                let host = settings.host.contains(":") ? "[\(settings.host)]" : settings.host
                running("\(scheme)://\(host):\(channel.localAddress?.port ?? settings.port)")
            },
            logger: silence)
    }

    private static func builder(_ certificate: Certificate?) throws -> HTTPServerBuilder {
        guard let certificate else { return .http1() }
        let chain: [NIOSSLCertificate]
        let key: NIOSSLPrivateKey
        do {
            chain = try NIOSSLCertificate.fromPEMFile(certificate.chainFile)
        } catch {
            throw SettingsError(description: "no certificate in PEM: \(certificate.chainFile)")
        }
        do {
            key = try NIOSSLPrivateKey(file: certificate.keyFile, format: .pem)
        } catch {
            throw SettingsError(description: "no private key in PEM: \(certificate.keyFile)")
        }
        return try .tls(
            .http1(),
            tlsConfiguration: .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
    }

    /// A server asked for thousands of replies a second writes nothing down.
    private static let silence = Logger(label: "provider-simulator") { _ in
        SwiftLogNoOpLogHandler()
    }

    /// What a request needs beside itself: its channel, for the fault that closes it.
    struct Context: InitializableFromSource {
        let channel: any Channel

        init(source: ApplicationRequestContextSource) {
            channel = source.channel
        }
    }
}
