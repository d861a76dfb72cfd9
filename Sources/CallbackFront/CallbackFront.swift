// SPDX-License-Identifier: Apache-2.0

public import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization
public import TokenVault

/// The part of the authorization code flow that a browser sees: a connection link that starts it,
/// the callback that ends it, and the pages in between.
///
/// Run it as a service of its own, or mount `router()` in a server that is there already. It speaks
/// plain HTTP; TLS is the business of the proxy before it, or of the server it is mounted in.
///
/// The `code` of a callback passes through a `String` and through NIO's buffers here, which nobody
/// wipes; the executable of this package therefore frees no memory without zeroing it, and a host
/// of this library is advised to do the same. Links, and where flows go when they end, are in
/// memory only: after a restart links are void, and an open flow ends on a page of our own.
public final class CallbackFront: Service, Sendable {
    /// How long a link may wait to be opened; a flow then has ten minutes more.
    public static let linkLifetime = Duration.seconds(600)
    /// The most links that wait to be opened. Each takes 20 KiB at most.
    public static let linksMax = 10_000
    /// The longest request target, and the longest query of a callback, in bytes.
    public static let targetBytesMax = 8192

    let vault: Vault
    let configuration: Configuration
    let cookie: BrowserCookie
    /// Links that were made and not yet opened.
    let links = Mutex(
        ExpiringTable<Fingerprint, ConnectionLink>(countMax: linksMax, lifetime: linkLifetime))
    /// Where open flows go when they end.
    let flows = Mutex(
        ExpiringTable<FlowKey, FlowEnd>(countMax: linksMax, lifetime: linkLifetime))
    private let boundPort = Mutex<Int?>(nil)
    let tally: RequestTally

    /// A front for `vault`, which has to stay open for as long as the front runs.
    ///
    /// - Throws: `CallbackFrontError` where the configuration is not allowed.
    public init(vault: Vault, configuration: Configuration) throws(CallbackFrontError) {
        try configuration.validate()
        self.vault = vault
        self.configuration = configuration
        tally = RequestTally(configuration.logger)
        cookie = BrowserCookie(isPlain: configuration.allowsPlainHTTPCookies)
    }

    /// The port that is listened on, once it is; nil before, and where only `router()` is used.
    public var port: Int? { boundPort.withLock { $0 } }

    /// How many requests and outcomes of flows there were of each kind, as the lines of the log
    /// name them; kinds are few, and none has anything of a request's in it.
    public var requestCounts: [String: UInt64] { tally.counts }

    /// The routes and what guards them, for a server of the host's own. The host then sees to
    /// limits on headers and idle connections, and mounts it at the root of its own host name: the
    /// cookie and the redirects have paths of their own.
    public func router() -> Router<BasicRequestContext> {
        let router = Router()
        let isHTTPS = configuration.publicBaseURL?.hasPrefix("https:") ?? false
        router.add(middleware: PageGuard(isHTTPS: isHTTPS, tally: tally))
        router.get("/connect/{link}") { request, context in
            await self.open(context.parameters.get("link") ?? "", request)
        }
        router.get("/callback/{application}") { request, context in
            await self.complete(context.parameters.get("application") ?? "", request)
        }
        // Only a GET may start or end a flow: mail scanners and previews send HEAD.
        for path in ["/connect/{link}", "/callback/{application}"] as [RouterPath] {
            router.head(path) { _, _ in Reply.getOnly }
        }
        page("/completed", router) { _ in .page(.completed) }
        page("/failed/{reason}", router) { context in
            let reason = context.parameters.get("reason").flatMap(FailureReason.init(rawValue:))
            return .page(.failed(reason ?? .unknown))
        }
        page("/style.css", router) { _ in .stylesheet }
        page("/health", router) { _ in .text(.ok, "ok\n") }
        return router
    }

    private func page(
        _ path: RouterPath, _ router: Router<BasicRequestContext>,
        _ reply: @escaping @Sendable (BasicRequestContext) -> Response
    ) {
        router.get(path) { _, context in reply(context) }
        router.head(path) { _, context in reply(context).createHeadResponse() }
    }

    /// Serves until the task is cancelled or its service group shuts down gracefully: then no new
    /// request is taken, and those that are being answered are answered first.
    ///
    /// - Throws: `cannotListen` where the address and port cannot be had.
    public func run() async throws {
        let application = application()
        try await withThrowingTaskGroup(of: Void.self) { [tally] group in
            group.addTask {
                while true {
                    try await Task.sleep(for: RequestTally.interval)
                    tally.tell()
                }
            }
            group.addTask {
                do {
                    try await application.run()
                } catch let error where self.port == nil && !(error is CancellationError) {
                    throw CallbackFrontError(
                        .cannotListen, number: (error as? IOError)?.errnoCode ?? 0)
                }
                throw CancellationError()
            }
            defer { tally.tell(all: true) }
            do {
                _ = try await group.next()
            } catch is CancellationError {}
            group.cancelAll()
        }
    }

    private func application() -> some ApplicationProtocol {
        var logger = configuration.logger
        // Hummingbird's own lines can quote a request's head at these levels, a code with it.
        if logger.logLevel < .info { logger.logLevel = .info }
        let shares = SocketShares(socketsMax: Limits.socketsMax, shareMax: Limits.shareMax)
        let server = HTTPServerBuilder.http1(
            configuration: .init(
                additionalChannelHandlers: [SocketCounter(shares)],
                idleTimeout: Limits.idleTimeout,
                httpDecoderConfiguration: .init(
                    maxHeaderFieldSize: Limits.headerBytesMax,
                    maxHeaderListSize: Limits.headersBytesMax,
                    maxHeaderFieldCount: Limits.headersMax)))
        return Application(
            router: router(), server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    Limits.socketsMax + Limits.leavingMax)),
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? self.configuration.port
                self.boundPort.withLock { $0 = port }
                await self.configuration.onServerRunning(port)
            },
            logger: logger)
    }

    /// What a stranger may use up.
    private enum Limits {
        /// From the opening of a socket or the last answer to the end of the next request's head.
        static let idleTimeout = TimeAmount.seconds(5)
        static let headerBytesMax = 16 * 1024
        static let headersBytesMax = 32 * 1024
        static let headersMax = 100
        static let socketsMax = 1024
        /// Of one address; a proxy's are all of one.
        static let shareMax = 256
        /// Sockets that are to be closed for newer ones and are not closed yet.
        static let leavingMax = 64
    }

    /// Where the front is reached, without a final slash.
    ///
    /// - Throws: `notRunning` where it is not configured and nothing is listened on yet.
    func baseURL() throws(CallbackFrontError) -> String {
        if let url = configuration.publicBaseURL { return url }
        guard let port else { throw CallbackFrontError(.notRunning) }
        let host = configuration.host
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}
