// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Adds an application, or replaces the one with this id.
    ///
    /// - Throws: `invalidArgument`, where `Provider.check()` may say which setting is meant;
    ///   `limitExceeded`, `endpointRefused`, `storeFull`.
    public func put(_ application: consuming Application) async throws(VaultError) {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        try check(application)
        let id = application.id
        let key = store.key(.application, application.id.text)
        let plaintext = try ApplicationRecord.encode(application)
        let commit = Commit()
        commit.add(.put(.application, key, .anything), plaintext)
        _ = try await durable(commit)
        // Perhaps it is corrected: the next refresh may try.
        refresher.reload(id)
    }

    /// Everything about an application but its client secret.
    public struct ApplicationSummary: Sendable {
        /// Its id.
        public let id: ApplicationID
        /// The authorization server.
        public let provider: Provider
        /// The client id.
        public let clientID: String
        /// Whether there is a client secret.
        public let hasClientSecret: Bool
        /// The callback URL.
        public let redirectURI: String
        /// The default scopes.
        public let scopes: [String]
    }

    /// All applications.
    ///
    /// - Throws: `authenticationFailed` where a record does not open.
    public func applications() throws(VaultError) -> [ApplicationSummary] {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        var found: [ApplicationSummary] = []
        try store.scan(.application) { (opened) throws(VaultError) in
            let application = try ApplicationRecord.decode(opened.fields)
            found.append(
                ApplicationSummary(
                    id: application.id, provider: application.provider,
                    clientID: application.clientID,
                    hasClientSecret: application.clientSecret != nil,
                    redirectURI: application.redirectURI, scopes: application.scopes))
            return true
        }
        return found
    }

    /// Erases an application, its client secret with it. Its connections stay, but can no longer be
    /// refreshed.
    ///
    /// - Throws: `applicationNotFound`; `disconnecting` where another call is at it; `storeFull`,
    ///   `storageFailed`; `authenticationFailed` where the record does not open: nothing is erased
    ///   then.
    public func removeApplication(_ id: ApplicationID) async throws(VaultError) {
        try checkProcess()
        try await verified()
        let key = store.key(.application, id.text)
        guard refresher.shared.withLock({ $0.disconnecting.insert(key).inserted }) else {
            throw VaultError(.disconnecting, .vault)
        }
        defer { refresher.shared.withLock { _ = $0.disconnecting.remove(key) } }
        let fence = Commit()
        fence.mustLand = true
        fence.add(.fence(key))
        let erasure = Commit()
        erasure.mustLand = true
        erasure.add(.erase(key))
        do throws(VaultError) {
            _ = try await durable(fence)
            _ = try await durable(erasure)
            refresher.reload(id)
        } catch {
            throw error.code == .notFound ? VaultError(.applicationNotFound, .vault) : error
        }
    }

    private func check(_ application: borrowing Application) throws(VaultError) {
        let provider = application.provider
        try network.addressGuard.check(provider.authorizationEndpoint)
        try network.addressGuard.check(provider.tokenEndpoint)
        if let endpoint = provider.revocationEndpoint {
            try network.addressGuard.check(endpoint)
        }
        var secretBytes = 0
        switch application.clientSecret {
        case .none: break
        case .some(let secret): secretBytes = secret.count
        }
        guard secretBytes <= Application.clientSecretBytesMax,
            application.scopes.count <= Application.scopesMax
        else {
            throw VaultError(.limitExceeded, .vault, number: Application.clientSecretBytesMax)
        }
        guard
            Name.isWellFormed(
                application.clientID, byteCountMax: Application.clientIDBytesMax),
            Name.isWellFormed(
                application.redirectURI, byteCountMax: Provider.endpointBytesMax),
            application.scopes.allSatisfy({ Name.isWellFormed($0, byteCountMax: 256) })
        else { throw VaultError(.invalidArgument, .vault) }
        do throws(SettingError) {
            try provider.check()
        } catch {
            throw VaultError(.invalidArgument, .vault)
        }
    }
}
