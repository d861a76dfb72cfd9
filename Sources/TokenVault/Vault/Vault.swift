// SPDX-License-Identifier: Apache-2.0

/// An embedded, encrypted vault for OAuth 2.0 tokens in one directory.
///
/// Each verb is in a file of its own and takes a token through the folders of this library in their
/// order: `connect` authorizes, exchanges, seals and stores; `run` refreshes; `withAccessToken`
/// lends; `disconnect` ends it all. Use it from any thread. One process owns a vault at a time.
///
/// In a child made by fork each verb throws `forked`, and nothing of the vault's is touched. The
/// child may open vaults of its own, this one too once its parent has closed it or has ended, as
/// far as a child of a process with threads may do anything: Swift's own pool of threads is not
/// there, so asynchronous verbs need an executor of the child's.
public final class Vault: Sendable {
    /// How a vault is opened.
    public struct Settings: Sendable {
        /// The most bytes the database can have. It takes address space, not disk. At least 1 MiB.
        public var mapBytes = 64 << 30
        /// Lets endpoints be on a loopback address, over HTTP or HTTPS; for development and tests.
        /// Without it loopback is refused over HTTPS, too: nothing that listens on this machine is
        /// to be reached through a provider's definition.
        public var allowsLoopbackHTTP = false
        /// Lends and shows what is stored before the store is verified as a whole: a record that
        /// opens, but may be an old one that was put back, or be missing where it was deleted; also
        /// where the verification failed, to salvage what can be read. Writes, refreshes and
        /// revocations wait for it either way. Off by default.
        public var readsUnverified = false
        /// Streams and logs `refreshed`, one event for each refresh that worked. Off by default: of
        /// a million connections that is some hundred events a second, and `status` counts them.
        public var tellsRefreshes = false
        /// Keeps `refreshed` in the vault's own log, too, so that `events(after:limit:)` and
        /// webhooks tell of it. Off by default: the log has room for
        /// ``Vault/loggedEventsMax``, and these push the others out.
        public var logsRefreshes = false
        /// How long before a connection's end, as far as it is known (`diesAt`), `expiresSoon` is
        /// told: up to 90 days, seven by default, never where it is zero. It is looked for only
        /// while ``Vault/run()`` runs and somebody wants to know: see `EndNotices`.
        public var endNotice = Duration.seconds(7 * 86_400)
        /// Gets every event that `events` streams, in their order, on the thread that it happened
        /// on, which waits: hand it over and return. Nil by default.
        public var log: (@Sendable (VaultEvent) -> Void)?
        /// What the vault waits for, and how long.
        public var deadlines = Deadlines()
        /// A regular file of CA certificates in PEM instead of the system's.
        public var certificateFile: String?
        /// Host names that stand for an address, whatever they resolve to elsewhere, each as curl's
        /// CURLOPT_RESOLVE has it: `login.example.com:443:127.0.0.1`; at most 256. For tests, in
        /// which a practice server plays a provider under the provider's own names: only together
        /// with `allowsLoopbackHTTP`, and only for loopback addresses.
        public var resolve: [String] = []
        /// The private networks in which providers may be, each in CIDR notation such as
        /// `10.20.0.0/16` or `fd12:3456::/32`; at most 64, none by default. Each is a part of
        /// 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 or fc00::/7 (RFC 1918, RFC
        /// 6598, RFC 4193). The addresses of cloud metadata services stay refused in them.
        public var allowedNetworks: [String] = []
        /// The prefixes of the network's NAT64 (RFC 6052), of 32, 40, 48, 56, 64 or 96 bits, beside
        /// `64:ff9b::/96`; at most 8. An address that begins so is judged by the IPv4 address in
        /// it.
        public var nat64Prefixes: [String] = []
        /// The HTTP proxy through which requests to providers go, `http://HOST:PORT`, by CONNECT:
        /// TLS is between the vault and the provider. Nil by default, for none; the environment's
        /// `https_proxy`, `ALL_PROXY` and `NO_PROXY` never count. Loopback is reached without it.
        ///
        /// The proxy resolves the providers' names, so it is the proxy that must refuse private
        /// addresses then.
        public var proxy: String?
        /// A file with a user, a colon and a password for that proxy, yours alone, as
        /// `Secret.init(contentsOfFile:)` takes one. They go to the proxy alone, by Basic (RFC
        /// 7617): in the clear between here and there.
        public var proxyCredentialsFile: String?

        /// The settings for production.
        public init() {}
    }

    /// For how long a vault waits. Each is rounded to milliseconds, and one that is out of range is
    /// taken to be at its end.
    public struct Deadlines: Sendable {
        /// For the answer to a request of a token endpoint, from when it was sent; 1 to 15 s, 15 s
        /// by default. Whoever asked is let go then; an answer that may hold the only refresh token
        /// is listened for further.
        public var token = Duration.seconds(15)
        /// The same of a revocation endpoint; 1 to 60 s, 5 s by default.
        public var revocation = Duration.seconds(5)
        /// How long `close` waits for answers that are out, and twice as long for those to codes;
        /// 0 to 60 s, 10 s by default. `drain` is for longer.
        public var close = Duration.seconds(10)

        /// The defaults.
        public init() {}

        var tokenMilliseconds: Int { Self.milliseconds(token, in: 1000...15_000) }
        var revocationMilliseconds: Int { Self.milliseconds(revocation, in: 1000...60_000) }
        var closeMilliseconds: Int { Self.milliseconds(close, in: 0...60_000) }

        private static func milliseconds(_ wanted: Duration, in range: ClosedRange<Int>) -> Int {
            min(max(Int(Vault.milliseconds(wanted)), range.lowerBound), range.upperBound)
        }
    }

    /// Nil where the store is a simulated one.
    let directory: VaultDirectory?
    let store: any Reading
    let committer: any Committing
    let refresher: Refresher
    let time: any TimeSource
    let feed: EventFeed
    let network: Network
    let exchangeListeners = ExchangeListeners()
    /// Told whenever the log has grown.
    let eventSignal = EventSignal()
    let endNotices: EndNotices
    /// Whether reads are served that no verification vouches for.
    let readsUnverified: Bool
    private let closing: @Sendable () -> Void
    private let process = ProcessNumber.current
    private let closeOnce = Monitor(false)

    /// A vault on what stands behind its seams, be it real or simulated. Where `startsThread` is
    /// false, whoever made it calls `begin` and `turn` of the refresher.
    init(
        directory: VaultDirectory?, store: any Reading, committer: any Committing,
        network: Network, time: any TimeSource, randomness: any Randomness,
        readsUnverified: Bool = false, feed: EventFeed = EventFeed(),
        endNoticeMilliseconds: Int64 = 0, startsThread: Bool,
        closing: @escaping @Sendable () -> Void
    ) throws(VaultError) {
        self.directory = directory
        self.store = store
        self.committer = committer
        self.network = network
        self.time = time
        self.readsUnverified = readsUnverified
        self.closing = closing
        self.feed = feed
        endNotices = EndNotices(milliseconds: endNoticeMilliseconds)
        let inherited = store.inheritance()
        for key in inherited.unfinished {
            try Self.finishDisconnect(key, store: store, committer: committer, time: time)
        }
        refresher = try Refresher(
            store: store, committer: committer, network: network, time: time,
            randomness: randomness, feed: feed, inherited: inherited.attempts,
            startsThread: startsThread)
        committer.observeEvents { [eventSignal] in eventSignal.tell() }
    }

    /// Stops refreshing, awaits answers that are out for as long as `Settings.deadlines` says,
    /// since what comes late is revoked, makes durable what waits and releases the directory. Safe
    /// to call more than once; from then on every call throws `closed`. The keys are wiped when the
    /// last reference to the vault goes. In a child process that inherited the vault it does
    /// nothing.
    public func close() {
        // Its threads, locks and connections are the parent's.
        if isInherited { return }
        // A second call waits for the first.
        closeOnce.withLock { isClosed in
            guard !isClosed else { return }
            isClosed = true
            refresher.close()
            // While what they bring can still be revoked, or stored.
            if refresher.hasThreads { network.awaitCodes(exchangeListeners) }
            closing()
            store.close()
            directory?.release()
            feed.finish()
            eventSignal.finish()
            refresher.webhooks.signal.finish()
        }
    }

    deinit { close() }

    /// Whoever sleeps until a moment looks at the clock again: it was moved.
    package func timeWasMoved() { refresher.alarm.ring() }

    /// Whether this is a child process, made by fork, of the one that opened the vault.
    var isInherited: Bool { process != ProcessNumber.current }

    /// The first thing that each verb does: before it looks at a secret, or waits for a lock that a
    /// thread of the parent's held.
    func checkProcess() throws(VaultError) {
        if isInherited { throw VaultError(.forked, .vault) }
    }

    /// How well secrets are kept out of reach in this process.
    public struct MemoryStatus: Sendable {
        /// How the arena is held.
        public let arena: SecretArena.Kind
        /// Whether curl's heap is wiped: see `MemoryHygiene`.
        public let curlHeapWiped: Bool
        /// Whether OpenSSL's heap is wiped: see `MemoryHygiene`.
        public let tlsHeapWiped: Bool
    }

    /// How well secrets are kept out of reach in this process.
    public var memoryStatus: MemoryStatus {
        MemoryStatus(
            arena: SecretArena.shared.kind, curlHeapWiped: MemoryHygiene.curlHeapWiped,
            tlsHeapWiped: MemoryHygiene.tlsHeapWiped)
    }
}
