// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene

/// The network by libcurl: one thread of its own, kept connections, HTTP/1.1.
///
/// HTTP/2 is left out because its kept connections keep copies of what went through them. Answers
/// run on the transport's thread and must not block it.
package final class CurlTransport: Transport {
    /// What may differ between a vault in service and one that is tried out.
    package struct Settings: Sendable {
        /// A file of certificates (PEM) instead of the system's.
        package var caFile: String?
        /// Whether loopback may be a provider's host, also with `http`.
        package var allowsLoopbackHTTP: Bool
        /// The private networks in which a provider may live.
        package var allowedNetworks: [AddressPrefix]
        /// Which IPv6 addresses are judged by the IPv4 address in them.
        package var nat64Prefixes: [NAT64Prefix]
        /// What requests go through that are not for this machine.
        package var proxy: Proxy?
        private let resolvedHosts: [ResolvedHost]
        /// The same as curl takes them, which makes no copy; nil where there are none. (Tests give
        /// names other addresses by it.)
        var resolved: HeaderList?
        // For tests: the limits below, within their reach.
        var inFlightMax = CurlTransport.inFlightMax
        var reservedMax = CurlTransport.reservedMax
        var blockMilliseconds = CurlTransport.blockMilliseconds

        /// The settings for service.
        ///
        /// - Parameter resolved: names that stand for addresses of this machine.
        package init(
            caFile: String? = nil, allowsLoopbackHTTP: Bool = false,
            allowedNetworks: [AddressPrefix] = [], nat64Prefixes: [NAT64Prefix] = [],
            resolved: [ResolvedHost] = [], proxy: Proxy? = nil
        ) {
            self.caFile = caFile
            self.allowsLoopbackHTTP = allowsLoopbackHTTP
            self.allowedNetworks = allowedNetworks
            self.nat64Prefixes = nat64Prefixes
            self.proxy = proxy
            resolvedHosts = resolved
            self.resolved = resolved.isEmpty ? nil : HeaderList(lines: resolved.map(\.line))
        }

        /// The guard that goes with them.
        package var addressGuard: AddressGuard {
            AddressGuard(
                allowsLoopback: allowsLoopbackHTTP, allowedNetworks: allowedNetworks,
                nat64Prefixes: nat64Prefixes, resolved: resolvedHosts)
        }
    }

    /// The most transfers at a time. Further requests wait, and may be cancelled; their number is
    /// bounded by the arena that their secrets lie in.
    package static let inFlightMax = 1024
    /// So many of them are kept free of refreshes, for code exchanges and revocations: refreshes
    /// that are listened to may stay for long.
    static let reservedMax = 64
    /// How long a connection may take to come about, in milliseconds.
    static let connectMilliseconds = 5000
    /// The longest idle time, in whole seconds, after which a connection is still used again. Short
    /// of the 5 seconds after which Apache and Node close by default: a request that meets a
    /// closing connection is `lost`.
    static let idleSecondsMax = 3
    /// curl's buffers for each transfer, in bytes: all of them is wiped every time. What is read at
    /// a time; an answer with its header seldom has more. What TLS is given at a time: curl takes
    /// no less, and the longest request, its header included, is handed over at once as well.
    static let readBytes = 4096
    static let writeBytes = 16384
    static let writeBytesMax = 131_072
    /// How long requests wait for a block, in milliseconds, before `tooManySecrets`.
    static let blockMilliseconds: Int64 = 1000
    /// How often a block is asked for again, in milliseconds, while an answer or a request waits.
    static let blockPollMilliseconds = 5
    /// How long `close` waits for answers by default, in milliseconds.
    package static let closeMillisecondsDefault = 10_000

    private let queue: CurlQueue
    private let thread: Monitor<WorkerThread?>

    /// Starts the thread.
    ///
    /// - Throws: `outOfMemory` where libcurl or the system has no room left.
    package init(settings: Settings = Settings()) throws(VaultError) {
        guard let multi = CurlMulti(connectionsKept: Self.inFlightMax) else {
            throw VaultError(.outOfMemory, .exchange)
        }
        let queue = CurlQueue(multi: multi)
        self.queue = queue
        thread = Monitor(
            try WorkerThread("vault-transport") {
                CurlLoop(queue: queue, settings: settings).run()
            })
    }

    deinit { close() }

    /// Takes the request. After `close` it is answered `cancelled` at once, on the caller's thread.
    package func send(_ request: TransportRequest) {
        if !queue.add(request) { _ = request.cancelIfUnsent() }
    }

    /// Ends the transport: cancels what was not sent, waits for the answers to what was sent, at
    /// most so long (then they are `lost`), and joins the thread. Idempotent.
    ///
    /// - Parameter awaitingRefreshes: whether refreshes are waited for, overdue or not. Where not,
    ///   somebody has waited for them already.
    package func close(
        waitingAtMost milliseconds: Int = CurlTransport.closeMillisecondsDefault,
        awaitingRefreshes: Bool = true
    ) {
        queue.close(waitingAtMost: milliseconds, awaitingRefreshes: awaitingRefreshes)
        // The last reference may go in an answer, on the very thread.
        thread.withLock({ $0.take() })?.join()
    }

    /// Whether libcurl uses the allocators that wipe. False where the host initialised it first.
    package var curlHeapWiped: Bool { tv_curl_allocated() }
    /// Whether OpenSSL does. False where the host used it first, or curl has another TLS library.
    package var tlsHeapWiped: Bool { tv_openssl_allocated() }
}
