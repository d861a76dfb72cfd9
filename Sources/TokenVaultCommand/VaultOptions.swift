// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TokenVault

/// Where the vault is.
struct PathOptions: ParsableArguments {
    @Option(
        name: .customLong("vault"),
        help: "The vault's directory. Without it, the environment's TOKENVAULT_PATH.")
    var vaultPath: String?

    /// The directory, without a slash at its end.
    func path() throws -> String {
        var variable: String?
        if vaultPath == nil, let text = unsafe getenv("TOKENVAULT_PATH") {
            guard let path = unsafe String(validatingCString: text) else {
                throw CommandFailure(.usage, "TOKENVAULT_PATH is not UTF-8")
            }
            variable = path
        }
        guard var path = vaultPath ?? variable, !path.isEmpty else {
            throw CommandFailure(.usage, "which vault? Give --vault PATH or set TOKENVAULT_PATH")
        }
        while path.count > 1, path.last == "/" { path.removeLast() }
        return path
    }
}

/// Where the root key comes from.
struct KeyOptions: ParsableArguments {
    @Option(help: "File with the root key: 32 bytes, yours, mode 0400 or 0600.")
    var keyFile: String?

    @Option(
        name: .customLong("key-fd"), parsing: .unconditional,
        help: "Inherited descriptor that yields the 32 bytes of the root key.")
    var keyFD: Int32?

    @Option(
        name: .customLong("passphrase-fd"), parsing: .unconditional,
        help: "Inherited descriptor that yields the passphrase; its last line end is dropped.")
    var passphraseFD: Int32?

    @Flag(help: "Ask for the passphrase at the terminal.")
    var passphrase = false

    @Option(
        name: .customLong("passphrase-opslimit"), parsing: .unconditional,
        help: ArgumentHelp(
            """
            How many passes stretch the passphrase (libsodium's opslimit for Argon2id), 3 to 64: \
            of a new vault exactly, of an existing one at most. \
            \(Argon2idLimits.moderate.operations) (MODERATE) if left out.
            """,
            valueName: "passes"))
    var operationsMax: UInt64?

    @Option(
        name: .customLong("passphrase-memlimit"), parsing: .unconditional,
        help: ArgumentHelp(
            """
            The same for the memory it takes (memlimit), in MiB, 256 to 4096. \
            \(Argon2idLimits.moderate.memoryBytes >> 20) if left out.
            """,
            valueName: "MiB"))
    var memoryMax: UInt64?

    func validate() throws {
        guard sourceCount <= 1 else {
            throw ValidationError(
                "give one of --key-file, --key-fd, --passphrase-fd and --passphrase")
        }
        guard keyFD.map({ $0 >= 0 }) ?? true, passphraseFD.map({ $0 >= 0 }) ?? true else {
            throw ValidationError("a descriptor is a number from 0")
        }
        try validateLimits()
    }

    private var sourceCount: Int {
        [keyFile != nil, keyFD != nil, passphraseFD != nil, passphrase].count { $0 }
    }

    /// Takes from a file where the key is, if that was not given.
    mutating func fill(from file: String?) {
        if sourceCount == 0 { keyFile = file }
    }

    private func validateLimits() throws {
        guard operationsMax.map(Argon2idLimits.operationsRange.contains) ?? true else {
            throw ValidationError("--passphrase-opslimit is 3 to 64")
        }
        let memory = Argon2idLimits.memoryBytesRange
        guard
            memoryMax.map({ (memory.lowerBound >> 20...memory.upperBound >> 20).contains($0) })
                ?? true
        else { throw ValidationError("--passphrase-memlimit is 256 to 4096 MiB") }
    }

    /// What stretching the passphrase takes, or may take.
    private var limits: Argon2idLimits {
        let moderate = Argon2idLimits.moderate
        return Argon2idLimits(
            operations: operationsMax ?? moderate.operations,
            memoryBytes: memoryMax.map { $0 << 20 } ?? moderate.memoryBytes)
    }

    /// - Parameters:
    ///   - isNew: asks for a passphrase twice.
    ///   - need: what is said where no key is given.
    func source(
        isNew: Bool = false, need: String = "no process serves this vault: its key is needed"
    ) throws -> RootKeySource {
        if let keyFile {
            try RegularFile.checkKey(keyFile)
            return .file(keyFile)
        }
        if let keyFD {
            try SecretInput.check(descriptor: keyFD, "--key-fd")
            return .descriptor(keyFD)
        }
        if let passphraseFD {
            try SecretInput.check(descriptor: passphraseFD, "--passphrase-fd")
            return .passphrase(
                try SecretInput.read(descriptor: passphraseFD, what: "the passphrase"),
                limits: limits)
        }
        if passphrase { return .passphrase(try ask(isNew: isNew), limits: limits) }
        throw CommandFailure(
            .usage,
            "\(need): give --key-file, --key-fd, --passphrase-fd or --passphrase")
    }

    private func ask(isNew: Bool) throws -> Secret {
        let prompt = try Prompt()
        let first = try prompt.secret("Passphrase: ", what: "the passphrase")
        guard isNew else { return first }
        let second = try prompt.secret("The same again: ", what: "the passphrase")
        guard Self.isSame(first, second) else {
            throw CommandFailure(.badData, "the two passphrases differ: nothing was made")
        }
        return first
    }

    private static func isSame(_ left: borrowing Secret, _ right: borrowing Secret) -> Bool {
        left.bytes.isEqual(to: right.bytes)
    }
}

/// The vault, its key, and what it may reach.
struct VaultOptions: ParsableArguments {
    @OptionGroup var location: PathOptions
    @OptionGroup var key: KeyOptions
    @OptionGroup var network: NetworkOptions

    /// The same, with what was not given taken from the file of `serve`.
    func filled(from file: ServeSettings) -> VaultOptions {
        var options = self
        options.location.vaultPath = location.vaultPath ?? file.vault
        options.key.fill(from: file.keyFile)
        options.network.fill(from: file.network)
        return options
    }

    /// How long a process that is just starting to serve is waited for, in milliseconds.
    private static let startMilliseconds: Int64 = 2000

    /// Opens the vault in this process.
    ///
    /// - Parameters:
    ///   - endsWithRequest: see `OwnVault`.
    ///   - log: see `Vault.Settings`.
    ///   - front: see `OwnVault`.
    ///   - change: changes the settings that it is opened with.
    func open(
        readsUnverified: Bool = false, endsWithRequest: Bool,
        log: (@Sendable (VaultEvent) -> Void)? = nil, front: FrontSettings? = nil,
        _ change: (inout Vault.Settings) -> Void = { _ in }
    ) throws -> OwnVault {
        var settings = try network.settings()
        settings.readsUnverified = readsUnverified
        settings.log = log
        change(&settings)
        return OwnVault(
            try Vault.open(at: location.path(), rootKey: key.source(), settings: settings),
            endsWithRequest: endsWithRequest, front: front)
    }

    /// The process that serves the vault, where there is one, else the vault itself, verified.
    ///
    /// - Parameters:
    ///   - readsUnverified: does without the verification, and warns of it.
    ///   - front: how browsers will be answered, where no process serves the vault.
    func door(
        readsUnverified: Bool = false, front: FrontSettings? = nil
    ) async throws -> any VaultDoor {
        let folder = try VaultFolder(location.path())
        if let served = try ServedVault(folder) { return served }
        do {
            let door = try open(
                readsUnverified: readsUnverified, endsWithRequest: true, front: front)
            if readsUnverified {
                try Outlet.errors.line(ReadOptions.warning)
            } else {
                try await Verification.of(door.vault)
            }
            return door
        } catch let error as VaultError where error.code == .vaultLocked {
            let deadline = Deadline.after(milliseconds: Self.startMilliseconds)
            while Deadline.remaining(until: deadline) > 0 {
                if let served = try ServedVault(folder) { return served }
                usleep(50_000)
            }
            throw folder.owned()
        }
    }

    /// Opens the vault, or reaches it, for as long as `body` runs.
    func withDoor(
        readsUnverified: Bool = false, front: FrontSettings? = nil,
        _ body: (any VaultDoor) async throws -> Void
    ) async throws {
        let door = try await door(readsUnverified: readsUnverified, front: front)
        defer { door.close() }
        do {
            try await body(door)
        } catch let error as VaultError {
            throw await Self.named(error, door)
        }
    }

    /// Names the application, where that is what has to be mended.
    private static func named(_ error: VaultError, _ door: any VaultDoor) async -> any Error {
        guard error.code == .applicationNotFound || error.detail.cause == .rejectedBefore,
            let id = error.connection,
            let application = try? await door.status(id: id.text).application
        else { return error }
        return error.failure(of: application)
    }
}

/// Whether reads wait for the store's verification.
struct ReadOptions: ParsableArguments {
    @Flag(
        help: """
            Read although the store has not been verified, or failed verification: a record may \
            be an old one that somebody put back.
            """)
    var readUnverified = false

    static let warning = "tokenvault: warning: " + warningText
    static let warningText =
        "the store is not verified: a record may be an old one that was put back, or be missing"
}
