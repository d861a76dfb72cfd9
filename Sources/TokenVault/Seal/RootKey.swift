// SPDX-License-Identifier: Apache-2.0

/// Where the root key comes from. It is never stored by the vault, and there is no vault without
/// one.
public enum RootKeySource: ~Copyable, Sendable {
    /// A file of exactly 32 bytes, owned by us, mode 0400 or 0600; a symbolic link may lead there,
    /// as where a secret is mounted.
    case file(String)
    /// An inherited descriptor (a pipe or a file) that yields exactly 32 bytes; closed afterwards.
    case descriptor(Int32)
    /// A passphrase of 8 to 1,024 bytes, stretched by Argon2id (RFC 9106). `limits` is what that
    /// takes of a new vault, and the most that it may take of one that is there: 256 MiB and about
    /// a second, unless the caller allows more.
    case passphrase(Secret, limits: Argon2idLimits = .moderate)
    /// Exactly 32 bytes that the host has already.
    case key(Secret)
}

extension RootKeySource {
    /// Whether it is stretched.
    var isPassphrase: Bool {
        switch self {
        case .passphrase: true
        case .file: false
        case .descriptor: false
        case .key: false
        }
    }
}

/// How a passphrase becomes a root key; in the clear in HEADER.
struct KeyDerivation {
    var operations: UInt64
    var memoryBytes: UInt64
    var salt: InlineArray<16, UInt8>
}

/// The root key, open for as long as the keys of a vault are unwrapped.
struct RootKey: ~Copyable {
    let bytes: Secret
    /// Set where it came from a passphrase.
    let derivation: KeyDerivation?

    static let passphraseBytes = 8...1024

    /// Reads or derives the key. `derivation` is HEADER's, or nil for a new vault.
    init(_ source: consuming RootKeySource, derivation: KeyDerivation?) throws(VaultError) {
        var chosen: KeyDerivation?
        let loaded = try Self.load(source, derivation, &chosen)
        try Self.check(loaded)
        bytes = loaded
        self.derivation = chosen
    }

    private static func load(
        _ source: consuming RootKeySource, _ derivation: KeyDerivation?,
        _ chosen: inout KeyDerivation?
    ) throws(VaultError) -> Secret {
        switch consume source {
        case .file(let path): return try read(path)
        case .descriptor(let number): return try read(Descriptor(owning: number))
        case .key(let key): return key
        case .passphrase(let passphrase, let limits):
            guard limits.areInRange else { throw VaultError(.invalidArgument, .seal) }
            let used: KeyDerivation
            if let derivation {
                try check(derivation, limits)
                used = derivation
            } else {
                used = try freshDerivation(limits)
            }
            chosen = used
            return try stretch(passphrase, used)
        }
    }

    private static func check(_ key: borrowing Secret) throws(VaultError) {
        guard key.count == Sodium.keyBytes else {
            throw VaultError(
                .rootKeyUnusable, .seal, number: key.count, key.count == 0 ? .empty : .malformedKey)
        }
        guard !isPlain(key.bytes) else { throw VaultError(.rootKeyWeak, .seal) }
    }

    /// A key whose bytes are all the same was never random.
    private static func isPlain(_ span: RawSpan) -> Bool {
        for index in 1..<max(span.byteCount, 1) where span.byte(at: index) != span.byte(at: 0) {
            return false
        }
        return true
    }

    private static func read(_ path: String) throws(VaultError) -> Secret {
        try read(Descriptor(secretFile: path, .rootKeyUnusable, .seal))
    }

    /// Reads up to one byte more than a key, so that a longer source is noticed.
    private static func read(_ source: borrowing Descriptor) throws(VaultError) -> Secret {
        var secret = try Secret(zeroes: Sodium.keyBytes + 1)
        let count: Int
        do throws(VaultError) {
            count = try source.drain(into: &secret)
        } catch {
            throw VaultError(.rootKeyUnusable, .seal, number: error.number)
        }
        secret.shorten(to: count)
        return secret
    }

    /// HEADER's parameters are used before anything authenticates them: no weaker ones than
    /// `create` takes, nor more work than the caller allows.
    ///
    /// - Throws: `headerDamaged` where no vault was made with so little; `keyDerivationRefused`.
    private static func check(
        _ derivation: borrowing KeyDerivation, _ limits: Argon2idLimits
    ) throws(VaultError) {
        guard derivation.operations >= Argon2idLimits.operationsRange.lowerBound,
            derivation.memoryBytes >= Argon2idLimits.memoryBytesRange.lowerBound
        else { throw VaultError(.headerDamaged, .seal) }
        guard derivation.operations <= limits.operations,
            derivation.memoryBytes <= limits.memoryBytes
        else {
            let mebibytes = Int(clamping: derivation.memoryBytes >> 20)
            throw VaultError(.keyDerivationRefused, .seal, number: mebibytes)
        }
    }

    private static func freshDerivation(
        _ limits: Argon2idLimits
    ) throws(VaultError) -> KeyDerivation {
        let salt = try Secret(random: Sodium.saltBytes)
        return KeyDerivation(
            operations: limits.operations, memoryBytes: limits.memoryBytes,
            salt: InlineArray { index in salt.bytes.byte(at: index) })
    }

    private static func stretch(
        _ passphrase: borrowing Secret, _ derivation: KeyDerivation
    ) throws(VaultError) -> Secret {
        guard passphraseBytes.contains(passphrase.count) else {
            throw VaultError(
                .rootKeyUnusable, .seal, number: passphrase.count, .malformedPassphrase)
        }
        var key = try Secret(zeroes: Sodium.keyBytes)
        var output = key.mutableBytes
        guard
            unsafe Sodium.argon2id(
                passphrase: passphrase.bytes, salt: derivation.salt.span.bytes,
                operations: derivation.operations,
                memoryBytes: Int(derivation.memoryBytes), into: &output)
        else { throw VaultError(.outOfMemory, .seal) }
        return key
    }
}

extension RootKey {
    /// What a source has yielded, to open more than one page of HEADER with.
    struct Kept: ~Copyable {
        private let secret: Secret
        /// Set where it is a passphrase.
        private let limits: Argon2idLimits?

        init(_ source: consuming RootKeySource) throws(VaultError) {
            switch consume source {
            case .passphrase(let passphrase, let limits):
                secret = passphrase
                self.limits = limits
            case .key(let key):
                secret = key
                limits = nil
            case .file(let path):
                secret = try RootKey.read(path)
                limits = nil
            case .descriptor(let number):
                secret = try RootKey.read(Descriptor(owning: number))
                limits = nil
            }
        }

        func rootKey(_ derivation: KeyDerivation?) throws(VaultError) -> RootKey {
            try RootKey(source(), derivation: derivation)
        }

        /// The same once more.
        func source() throws(VaultError) -> RootKeySource {
            let copy = try secret.copy()
            if let limits { return .passphrase(copy, limits: limits) }
            return .key(copy)
        }
    }
}
