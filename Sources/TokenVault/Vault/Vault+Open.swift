// SPDX-License-Identifier: Apache-2.0

// What is thrown here is a `VaultError`, and no type says so: somebody who opens a vault often has
// `catch let error as VaultError where error.code == …` beside a variable, and Swift 6.3.1 crashes
// on that where a type is declared (see `VaultError`).
extension Vault {
    /// Makes a new vault at `path`, which must not exist; its parent must. Everything is written
    /// beside it and renamed, so a crash leaves a whole vault or none.
    ///
    /// - Throws: `VaultError`: `vaultExists`, `rootKeyUnusable`, `storeFull`, `storageFailed`;
    ///   `invalidArgument` where the passphrase's limits are out of range.
    public static func create(at path: String, rootKey: consuming RootKeySource) throws {
        try make(at: path, rootKey: rootKey)
    }

    private static func make(
        at path: String, rootKey: consuming RootKeySource
    ) throws(VaultError) {
        MemoryHygiene.install()
        defer { MemoryHygiene.scrub() }
        // A closure cannot consume what it captures; an optional can be emptied.
        var source: RootKeySource? = consume rootKey
        try VaultDirectory.create(path) { (temporary) throws(VaultError) in
            guard let rootKey = source.take() else { throw VaultError(.invalidArgument, .vault) }
            let keyring = try Keyring.create(temporary, rootKey: rootKey)
            try Store.create(temporary, keyring)
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
    /// - Throws: `VaultError`: `vaultMissing`, `vaultIncomplete`, `unsafeDirectory`, `vaultLocked`,
    ///   `headerDamaged`, `wrongRootKey`, `rootKeyUnusable`, `keyDerivationRefused`,
    ///   `unsupportedFormat`, `integrityFailed` where a file is not what it should be,
    ///   `databaseDamaged`, `databaseUnsupported`, `storeFull`, `storageFailed`;
    ///   `certificateFileUnusable`; `invalidArgument`, `limitExceeded` of `Settings.resolve`,
    ///   `allowedNetworks`, `nat64Prefixes` and `proxy`; `secretFileUnusable` of the file of its
    ///   credentials.
    public static func open(
        at path: String, rootKey: consuming RootKeySource, settings: Settings = Settings()
    ) throws -> Vault {
        try open(
            at: path, rootKey: rootKey, settings: settings, time: SystemTime(),
            randomness: SystemRandomness())
    }

    /// The same, and waits while another process has the vault: for the moment in which the former
    /// one of a rolling deployment is still ending.
    ///
    /// - Parameters:
    ///   - path: the vault's directory.
    ///   - rootKey: its root key.
    ///   - settings: as the one before.
    ///   - duration: for how long at most; it is looked for every 20 ms. Only `vaultLocked` is
    ///     waited for.
    /// - Throws: as the one before; `vaultLocked` where it was not free in time, `cancelled`.
    public static func open(
        at path: String, rootKey: consuming RootKeySource, settings: Settings = Settings(),
        waiting duration: Duration
    ) async throws -> Vault {
        MemoryHygiene.install()
        if let file = settings.certificateFile { try CertificateFile.check(file) }
        let directory = try await VaultDirectory.taken(path, waiting: duration)
        return try open(
            directory, rootKey: rootKey, settings: settings, time: SystemTime(),
            randomness: SystemRandomness())
    }

    /// Opens the vault at `path`, and makes it first where nothing is there; two processes may do
    /// so at once. Where the directory's disk may not be mounted yet, use `open`: a new vault is
    /// empty.
    ///
    /// - Parameters:
    ///   - path: the vault's directory.
    ///   - rootKey: its root key, or that of a new one.
    ///   - settings: as `open(at:rootKey:settings:)`.
    ///   - duration: as `open(at:rootKey:settings:waiting:)`.
    /// - Throws: as `create` and `open`; `vaultMissing` where something that is no vault is at
    ///   `path`, such as an empty directory: name one in it that does not exist.
    public static func openOrCreate(
        at path: String, rootKey: consuming RootKeySource, settings: Settings = Settings(),
        waiting duration: Duration = .zero
    ) async throws -> Vault {
        MemoryHygiene.install()
        // A descriptor can be read once.
        let kept = try RootKey.Kept(rootKey)
        do throws(VaultError) {
            try make(at: path, rootKey: kept.source())
        } catch {
            guard error.code == .vaultExists else { throw error }
        }
        return try await open(
            at: path, rootKey: kept.source(), settings: settings, waiting: duration)
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
        makeNetwork: (Settings, any TimeSource) throws(VaultError) -> Network = Network.init
    ) throws(VaultError) -> Vault {
        MemoryHygiene.install()
        if let file = settings.certificateFile { try CertificateFile.check(file) }
        return try open(
            VaultDirectory(path), rootKey: rootKey, settings: settings, time: time,
            randomness: randomness, makeNetwork: makeNetwork)
    }

    private static func open(
        _ directory: VaultDirectory, rootKey: consuming RootKeySource, settings: Settings,
        time: any TimeSource, randomness: any Randomness,
        makeNetwork: (Settings, any TimeSource) throws(VaultError) -> Network = Network.init
    ) throws(VaultError) -> Vault {
        defer { MemoryHygiene.scrub() }
        let path = directory.path
        let keyring = try Keyring(path, rootKey: rootKey)
        let (store, committer) = try Store.open(
            path, keyring, mapBytes: max(settings.mapBytes, 1 << 20))
        let network: Network
        do throws(VaultError) {
            network = try makeNetwork(settings, time)
        } catch {
            committer.close()
            throw error
        }
        do throws(VaultError) {
            return try Vault(
                directory: directory, store: store, committer: committer, network: network,
                time: time, randomness: randomness, readsUnverified: settings.readsUnverified,
                feed: EventFeed(
                    tellsRefreshes: settings.tellsRefreshes,
                    logsRefreshes: settings.logsRefreshes, log: settings.log),
                endNoticeMilliseconds: settings.endNoticeMilliseconds, startsThread: true
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
}
