// SPDX-License-Identifier: Apache-2.0

// What an application signs with.
extension Vault {
    /// What may be told of a signing key.
    public struct SigningKeySummary: Sendable, Hashable {
        /// How it signs.
        public let algorithm: SigningKey.Algorithm
        /// The `kid` of what it signs; empty where there is none.
        public let keyID: String

        init?(_ key: borrowing SigningKey?) {
            switch key {
            case .none: return nil
            case .some(let key): (algorithm, keyID) = (key.algorithm, key.keyID)
            }
        }
    }

    /// The public half of an application's signing key, as a JSON Web Key (RFC 7517) for the
    /// provider to register; nil where it has no key. No secret is in it.
    ///
    /// - Throws: `applicationNotFound`; `authenticationFailed` where the record does not open.
    public func publicKey(of application: ApplicationID) throws(VaultError) -> String? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        let application = try store.application(application)
        switch application.signingKey {
        case .none: return nil
        case .some(let key): return try key.publicKey()
        }
    }

    /// Whether the key is there that the provider's definition wants, and no other.
    ///
    /// - Throws: `invalidArgument`.
    static func checkKey(_ application: borrowing Application) throws(VaultError) {
        switch application.signingKey {
        case .none:
            guard application.provider.needsKey else { return }
            throw VaultError(.invalidArgument, .vault, .empty, .signingKey)
        case .some:
            guard !application.provider.mayUseKey else { return }
            throw VaultError(.invalidArgument, .vault, .keyUnused, .signingKey)
        }
    }
}
