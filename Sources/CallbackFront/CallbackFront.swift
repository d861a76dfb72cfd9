// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization
public import TokenVault

/// The part of the authorization code flow that a browser sees: the page of a connection link,
/// whose button starts it, the callback that ends it, and the pages in between.
///
/// Run it as a service of its own, or add its routes to a server that is there already:
/// `addRoutes(to:)`. It speaks plain HTTP; TLS is the business of the proxy before it, or of the
/// server it is mounted in.
///
/// The `code` of a callback passes through a `String` and through NIO's buffers here, which nobody
/// wipes; the executable of this package therefore frees no memory without zeroing it, and a host
/// of this library is advised to do the same. Links, and where flows go when they end, are sealed
/// in the vault: a restart loses none.
public final class CallbackFront: Service, Sendable {
    /// The longest request target, and the longest query of a callback, in bytes.
    public static let targetBytesMax = 8192
    /// The longest body of a connect page's button, in bytes.
    public static let bodyBytesMax = 1024

    let vault: Vault
    let configuration: Configuration
    let cookie: BrowserCookie
    let pages: PageSet
    /// The hosts that are configured, or, once a port is listened on, loopback.
    private let served: Mutex<HostList?>
    private let boundPort = Mutex<Int?>(nil)
    let tally: RequestTally

    /// A front for `vault`, which has to stay open for as long as the front runs.
    ///
    /// - Throws: `CallbackFrontError` where the configuration is not allowed.
    public init(vault: Vault, configuration: Configuration) throws(CallbackFrontError) {
        let named = try configuration.validate()
        self.vault = vault
        self.configuration = configuration
        served = Mutex(named)
        pages = PageSet(configuration, path: named?.path ?? "")
        tally = RequestTally(configuration.logger)
        cookie = BrowserCookie(isPlain: configuration.allowsPlainHTTPCookies)
        for application in configuration.plainCallbackApplications.map(\.text).sorted() {
            configuration.logger.warning(
                """
                application \(application) may use the plain /callback though its provider does \
                not say who answers: another provider's answer can be taken for its own (RFC 9700 \
                section 4.4); give it /callback/\(application)
                """)
        }
    }

    /// The port that is listened on, once it is; nil before, and where the front is mounted.
    public var port: Int? { boundPort.withLock { $0 } }

    /// The hosts that are served; nil where none is configured and nothing is listened on yet.
    var hosts: HostList? { served.withLock { $0 } }

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
                self.listens(on: port)
                await self.configuration.onServerRunning(port)
            },
            logger: logger)
    }

    private func listens(on port: Int) {
        boundPort.withLock { $0 = port }
        // Loopback by its three names always has the form of a host.
        let loopback = try? configuration.loopbackHosts(port: port)
        served.withLock { $0 = $0 ?? loopback }
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
}
