// SPDX-License-Identifier: Apache-2.0

public import CallbackFront
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization
public import TokenVault

/// What watches a process that serves a vault: a listener of its own, which browsers never reach.
///
/// - `GET /health`: 200 as long as the process answers.
/// - `GET /ready`: 200 where it takes work, else 503 and the reason.
/// - `GET /metrics`: what Prometheus scrapes.
///
/// It speaks plain HTTP and asks nobody who they are. What it tells is no secret, but ids of
/// applications and how many connections there are: keep it on loopback, or on a network that only
/// whoever watches reaches.
public final class MetricsService: Service, Sendable {
    /// Where it listens, and what it tells beside the vault.
    public struct Configuration: Sendable {
        /// The address to listen on.
        public var host = "127.0.0.1"
        /// The port to listen on; 0 lets the system choose.
        public var port = 9464
        /// The version of the program, for `tokenvault_build_info`.
        public var version = ""
        /// The vault's directory, whose disk is watched; nil for none.
        public var path: String?
        /// Adds metrics of the host's own, at each scrape.
        public var additional: @Sendable (inout PrometheusText) -> Void = { _ in }
        /// Called with the port once it listens.
        public var onServerRunning: @Sendable (Int) async -> Void = { _ in }

        /// Loopback, port 9464.
        public init() {}
    }

    /// The address and port could not be had.
    public struct CannotListen: Error {
        /// The system's number of the error; 0 where it named none.
        public let number: Int32
    }

    private let configuration: Configuration
    private let readiness: Readiness
    private let metrics: VaultMetrics
    private let isListening = Mutex(false)

    /// - Parameters:
    ///   - vault: what is watched; it may be still verifying.
    ///   - front: whose requests are counted, where there is one.
    ///   - readiness: what `/ready` answers. Whoever runs the vault says it.
    public init(
        vault: Vault, front: CallbackFront? = nil, readiness: Readiness,
        configuration: Configuration = Configuration()
    ) {
        self.configuration = configuration
        self.readiness = readiness
        metrics = VaultMetrics(vault: vault, front: front, census: LightCensus(vault))
    }

    /// Answers until its task is cancelled or its group shuts down; in a group it stands first, so
    /// that it is the last to go and says what the others are waiting for.
    ///
    /// - Throws: `CannotListen`.
    public func run() async throws {
        let application = application()
        try await withThrowingTaskGroup(of: Void.self) { [metrics] group in
            group.addTask { await metrics.census.run() }
            group.addTask {
                do {
                    try await application.run()
                } catch let error
                    where !self.isListening.withLock({ $0 })
                    && !(error is CancellationError)
                {
                    throw CannotListen(number: (error as? IOError)?.errnoCode ?? 0)
                }
                throw CancellationError()
            }
            do {
                while try await group.next() != nil {}
            } catch is CancellationError {}
            group.cancelAll()
        }
    }

    /// The metrics, as they are at this moment.
    func text() -> String {
        var text = PrometheusText()
        text.begin("tokenvault_build_info", .gauge, "1, with the version of the program.")
        text.sample("tokenvault_build_info", [("version", configuration.version)], "1")
        text.add(
            "tokenvault_ready", "1 where the process takes work.", readiness.state == .ready)
        metrics.add(to: &text)
        ProcessFigures.add(to: &text)
        if let path = configuration.path { ProcessFigures.addDisk(path, to: &text) }
        configuration.additional(&text)
        return text.text
    }

    private func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.get("/health") { _, _ in Self.answer(.ok, "ok\n") }
        router.get("/ready") { [readiness] _, _ in
            switch readiness.state {
            case .ready: Self.answer(.ok, "ready\n")
            case .unready(let reason): Self.answer(.serviceUnavailable, reason + "\n")
            }
        }
        router.get("/metrics") { _, _ in
            Self.answer(.ok, self.text(), type: PrometheusText.mediaType)
        }
        return router
    }

    private static func answer(
        _ status: HTTPResponse.Status, _ text: String, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status,
            headers: [
                .contentType: type, .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }

    private func application() -> some ApplicationProtocol {
        let server = HTTPServerBuilder.http1(
            configuration: .init(
                idleTimeout: Limits.idleTimeout,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: Limits.headersBytesMax,
                    maxHeaderListSize: Limits.headersBytesMax,
                    maxHeaderFieldCount: Limits.headersMax)))
        return Application(
            router: router(), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Limits.socketsMax)),
            onServerRunning: { channel in
                self.isListening.withLock { $0 = true }
                await self.configuration.onServerRunning(
                    channel.localAddress?.port ?? self.configuration.port)
            },
            logger: Logger(label: "metrics") { _ in SwiftLogNoOpLogHandler() })
    }

    /// What a stranger may use up.
    private enum Limits {
        /// Longer than a usual scrape interval, so that one scraper keeps its socket.
        static let idleTimeout = TimeAmount.seconds(75)
        static let headersBytesMax = 16 * 1024
        static let headersMax = 50
        static let socketsMax = 64
    }
}
