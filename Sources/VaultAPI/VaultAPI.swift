// SPDX-License-Identifier: Apache-2.0

import CallbackFront
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
public import ServiceLifecycle
import Synchronization
public import TokenVault

/// The vault for platforms that are not written in Swift: JSON over HTTP, for servers alone.
///
/// Whoever asks shows a key (`Vault.addAPIKey`), which says what it may do and to which
/// connections. It speaks plain HTTP, on loopback or on a Unix socket: beyond one machine a proxy
/// with TLS stands before it. No thread waits for a provider here, however many ask.
///
/// A token is copied from its `Secret` into the buffer that goes to the socket, and a client secret
/// from the buffer of a request into a `Secret`, neither through a `String`. Those buffers are
/// freed, not wiped, as are the headers in which keys come; the executable of this package
/// therefore frees no memory without zeroing it, and a host of this library is advised to do the
/// same.
public final class VaultAPI: Service, Sendable {
    /// The longest request body, in bytes.
    public static let bodyBytesMax = 64 * 1024
    /// The longest path and query, in bytes.
    public static let targetBytesMax = 8192

    let vault: Vault
    let configuration: Configuration
    let tally: RequestTally
    let idempotency = IdempotencyTable()
    /// Of this process alone.
    let fingerprintKey: Secret
    private let boundPort = Mutex<Int?>(nil)

    /// An API to `vault`, which has to stay open for as long as it runs.
    ///
    /// - Throws: `VaultAPIError` where the address is not allowed, or no room for a secret is left.
    public init(vault: Vault, configuration: Configuration) throws(VaultAPIError) {
        try configuration.validate()
        do throws(VaultError) {
            fingerprintKey = try Secret(random: 32)
        } catch {
            throw VaultAPIError(.tooManySecrets)
        }
        self.vault = vault
        self.configuration = configuration
        tally = RequestTally(configuration.logger)
    }

    /// The port that is listened on, once it is; nil before, and on a Unix socket.
    public var port: Int? { boundPort.withLock { $0 } }

    /// The routes and what guards them, for a server of the host's own, which sees to limits on
    /// headers and idle connections.
    public func router() -> Router<BasicRequestContext> {
        let router = Router()
        router.add(middleware: APIGuard(tally: tally))
        for route in Route.all {
            router.on(RouterPath(route.path), method: route.method) { request, context in
                try await self.answer(request, context, route)
            }
        }
        return router
    }

    private func answer(
        _ request: Request, _ context: BasicRequestContext, _ route: Route
    ) async throws -> Response {
        do {
            var key: APIKey?
            if let scope = route.scope {
                let shown = try await self.key(of: request)
                guard shown.scopes.contains(scope) else { throw Problem.insufficientScope(scope) }
                key = shown
            }
            let body = try await Self.body(of: request)
            let call = try Call(request, context.parameters, route, key, body)
            return try await once(call, route).response
        } catch let error as Problem {
            return error.response
        } catch let error as VaultError {
            return Problem(error).response
        }
    }

    private static func body(of request: Request) async throws -> ByteBuffer {
        do {
            return try await request.body.collect(upTo: bodyBytesMax)
        } catch is NIOTooManyBytesError {
            throw Problem.tooLarge
        }
    }

    /// Serves until the task is cancelled or its service group shuts down gracefully: then no new
    /// request is taken, and those that are being answered are answered first.
    ///
    /// - Throws: `cannotListen` where the address cannot be had.
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
                } catch let error where !self.isRunning && !(error is CancellationError) {
                    throw VaultAPIError(
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

    private let hasBegun = Mutex(false)
    private var isRunning: Bool { hasBegun.withLock { $0 } }

    private func application() -> some ApplicationProtocol {
        var logger = configuration.logger
        // Hummingbird's own lines can quote a request's head at these levels, a key with it.
        if logger.logLevel < .info { logger.logLevel = .info }
        let shares = SocketShares(socketsMax: Limits.socketsMax, shareMax: Limits.socketsMax)
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
                address: configuration.bindAddress,
                availableConnectionsDelegate: MaximumAvailableConnections(
                    Limits.socketsMax + Limits.leavingMax)),
            onServerRunning: { channel in
                self.configuration.closeToOthers()
                self.hasBegun.withLock { $0 = true }
                let port = channel.localAddress?.port
                self.boundPort.withLock { $0 = port }
                await self.configuration.onServerRunning(port)
            },
            logger: logger)
    }

    /// What somebody without a key may use up.
    private enum Limits {
        /// From the opening of a socket or the last answer to the end of the next request's head.
        static let idleTimeout = TimeAmount.seconds(60)
        static let headerBytesMax = 16 * 1024
        static let headersBytesMax = 32 * 1024
        static let headersMax = 100
        static let socketsMax = 1024
        /// Sockets that are to be closed for newer ones and are not closed yet.
        static let leavingMax = 64
    }
}
