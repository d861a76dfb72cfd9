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
        /// A regular file of CA certificates in PEM instead of the system's.
        public var certificateFile: String?

        /// The settings for production.
        public init() {}
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
    /// Whether reads are served that no verification vouches for.
    let readsUnverified: Bool
    private let closing: @Sendable () -> Void
    private let process = ProcessNumber.current
    private let closeOnce = Monitor(false)

    /// Makes a new vault at `path`, which must not exist; its parent must. Everything is written
    /// beside it and renamed, so a crash leaves a whole vault or none.
    ///
    /// - Throws: `vaultExists`, `rootKeyUnusable`, `storeFull`, `storageFailed`; `invalidArgument`
    ///   where the passphrase's limits are out of range.
    public static func create(
        at path: String, rootKey: consuming RootKeySource
    ) throws(VaultError) {
        MemoryHygiene.install()
        defer { MemoryHygiene.scrub() }
        // A closure cannot consume what it captures; an optional can be emptied.
        var source: RootKeySource? = consume rootKey
        try VaultDirectory.create(path) { (temporary) throws(VaultError) in
            guard let rootKey = source.take() else { throw VaultError(.invalidArgument, .vault) }
            let keyring = try Keyring.create(temporary, rootKey: rootKey)
            try KeySlots.create(temporary)
            try Writer.create(temporary, keyring)
        }
    }

    /// Opens the vault at `path` and owns it until `close` or the process's end.
    ///
    /// Disconnects that were cut short, and whose record opens under its slot, are finished before
    /// it returns. Then every record and the store MAC are verified, and the schedule is built, in
    /// the background, about 6 s for a million connections: every verb waits for that, the
    /// synchronous ones on the calling thread, and throws what was found. `ready` waits for it and
    /// nothing else; `verification` says how far it is; `Settings.readsUnverified` does without for
    /// reads.
    ///
    /// - Throws: `vaultMissing`, `vaultIncomplete`, `unsafeDirectory`, `vaultLocked`,
    ///   `headerDamaged`, `wrongRootKey`, `rootKeyUnusable`, `keyDerivationRefused`,
    ///   `unsupportedFormat`, `integrityFailed` where a file is not what it should be,
    ///   `databaseDamaged`, `databaseUnsupported`, `storeFull`, `storageFailed`;
    ///   `certificateFileUnusable`.
    public static func open(
        at path: String, rootKey: consuming RootKeySource, settings: Settings = Settings()
    ) throws(VaultError) -> Vault {
        try open(at: path, rootKey: rootKey, settings: settings, time: SystemTime())
    }

    /// The same by another clock: a platform's tests move theirs (`TokenVaultTesting`).
    package static func open(
        at path: String, rootKey: consuming RootKeySource, settings: Settings, time: any TimeSource
    ) throws(VaultError) -> Vault {
        try open(
            at: path, rootKey: rootKey, settings: settings, time: time,
            randomness: SystemRandomness())
    }

    /// The same with a clock and random numbers that the caller supplies.
    static func open(
        at path: String, rootKey: consuming RootKeySource, settings: Settings,
        time: any TimeSource, randomness: any Randomness,
        makeNetwork: (Settings) throws(VaultError) -> Network = Network.init
    ) throws(VaultError) -> Vault {
        MemoryHygiene.install()
        defer { MemoryHygiene.scrub() }
        if let file = settings.certificateFile { try CertificateFile.check(file) }
        let directory = try VaultDirectory(path)
        let keyring = try Keyring(path, rootKey: rootKey)
        let mapBytes = max(settings.mapBytes, 1 << 20)
        let store = try Store(
            path, keyring: keyring, mapBytes: mapBytes + Writer.reserveBytes)
        var writer = Writer(store: store)
        try inherit(&writer)
        let committer = try Committer(store, writer: writer)
        let network: Network
        do throws(VaultError) {
            network = try makeNetwork(settings)
        } catch {
            committer.close()
            throw error
        }
        do throws(VaultError) {
            return try Vault(
                directory: directory, store: store, committer: committer, network: network,
                time: time, randomness: randomness, readsUnverified: settings.readsUnverified,
                startsThread: true
            ) {
                network.close()
                committer.close()
            }
        } catch {
            network.close()
            committer.close()
            throw error
        }
    }

    /// What an earlier process left. Where that was altered the vault opens, for salvage, and its
    /// verification fails.
    private static func inherit(_ writer: inout Writer) throws(VaultError) {
        do throws(VaultError) {
            writer.store.setInheritance(try writer.load())
        } catch {
            guard error.isOfDamage else { throw error }
            writer.store.condemn(error)
        }
    }

    /// A vault on what stands behind its seams, be it real or simulated. Where `startsThread` is
    /// false, whoever made it calls `begin` and `turn` of the refresher.
    init(
        directory: VaultDirectory?, store: any Reading, committer: any Committing,
        network: Network, time: any TimeSource, randomness: any Randomness,
        readsUnverified: Bool = false, startsThread: Bool, closing: @escaping @Sendable () -> Void
    ) throws(VaultError) {
        self.directory = directory
        self.store = store
        self.committer = committer
        self.network = network
        self.time = time
        self.readsUnverified = readsUnverified
        self.closing = closing
        feed = EventFeed()
        let inherited = store.inheritance()
        for key in inherited.unfinished {
            try Self.finishDisconnect(key, committer: committer, time: time)
        }
        refresher = try Refresher(
            store: store, committer: committer, network: network, time: time,
            randomness: randomness, feed: feed, inherited: inherited.attempts,
            startsThread: startsThread)
    }

    /// Stops refreshing, awaits answers that are out at most ten seconds, those to codes twenty,
    /// since what comes late is revoked, makes durable what waits
    /// and releases the directory. Safe to call more than once; from then on every call throws
    /// `closed`. The keys are wiped when the last reference to the vault goes. In a child process
    /// that inherited the vault it does nothing.
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
