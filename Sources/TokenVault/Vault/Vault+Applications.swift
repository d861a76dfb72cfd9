// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Adds an application, or replaces the one with this id. To put the same again changes
    /// nothing, not even what is known of it: a platform may do so at each start.
    ///
    /// Where its client id, its secret or key, how it authenticates, what its token requests look
    /// like, or where they go is not as it was, what was found out about it is void, and its
    /// refreshes leave one at a time until one of them has succeeded: see `Suspicion`.
    ///
    /// - Throws: `invalidArgument`, where `Provider.check()` may say which setting is meant, where
    ///   there is no client secret to authenticate with or it is not printable ASCII (RFC 6749
    ///   appendix A.2), or has a colon where it is sent as a user name, where there is no signing
    ///   key to authenticate with, or one that nothing signs with, where other accounts are refused
    ///   and the provider has no `lookup` with an `account`, where a scope is empty or
    ///   has control characters, where there are user scopes and the provider has no parameter for
    ///   them, or where the callback URL has a fragment or a parameter that the provider adds, or
    ///   is plain HTTP elsewhere than on this machine: `detail` says which;
    ///   `limitExceeded`, `endpointRefused`, `storeFull`; `disconnecting` while it is being
    ///   removed.
    public func put(_ application: consuming Application) async throws(VaultError) {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        try check(application)
        let id = application.id
        let key = store.key(.application, id.text)
        // Somebody else's write between the read and ours would hide what is changed.
        for _ in 0..<Self.putAttemptsMax {
            let edit = try ApplicationEdit(
                application, over: store.open(key), unproven: refresher.unprovenChange(id))
            if try await write(edit, id) { return }
        }
        throw VaultError(.generationChanged, .vault)
    }

    /// How often `put` compares anew where others keep writing the same application.
    static let putAttemptsMax = 64

    /// Writes an application; false where it is not as the edit expects it any more, and nothing
    /// was written.
    func write(
        _ edit: consuming ApplicationEdit, _ id: ApplicationID
    ) async throws(VaultError) -> Bool {
        guard !edit.isVoid else { return true }
        let change = edit.change
        let commit = Commit()
        let expectation = edit.expectation
        commit.add(
            .put(.application, store.key(.application, id.text), expectation),
            edit.takePlaintext())
        let queues = change == nil ? [] : refresher.beginChange(id)
        defer { if !queues.isEmpty { refresher.endChange(queues) } }
        do throws(VaultError) {
            _ = try await durable(commit)
            refresher.applicationStored(id, change)
            return true
        } catch {
            guard
                error.code == .generationChanged || error.code == .alreadyExists
                    || error.code == .notFound
            else { throw error }
            return false
        }
    }

    /// Everything about an application but its client secret and its private key.
    public struct ApplicationSummary: Sendable {
        /// Its id.
        public let id: ApplicationID
        /// The authorization server.
        public let provider: Provider
        /// The client id.
        public let clientID: String
        /// Whether there is a client secret.
        public let hasClientSecret: Bool
        /// What it signs with; nil where it has no signing key.
        public let signingKey: SigningKeySummary?
        /// The callback URL.
        public let redirectURI: String
        /// The default scopes.
        public let scopes: [String]
        /// The default scopes in the provider's `userScopeParameter`.
        public let userScopes: [String]
        /// Values of the provider's variables where a connection has none of its own.
        public let values: [String: String]
        /// What is kept of the discovery that the provider comes from; nil where it comes from
        /// none.
        public let discovery: DiscoveryRecord?
        /// Whether a connection is never connected again with another account.
        public let refusesOtherAccount: Bool

        init(_ application: borrowing Application) {
            id = application.id
            provider = application.provider
            clientID = application.clientID
            hasClientSecret = application.clientSecret != nil
            signingKey = SigningKeySummary(application.signingKey)
            redirectURI = application.redirectURI
            scopes = application.scopes
            userScopes = application.userScopes
            values = application.values
            discovery = application.discovery
            refusesOtherAccount = application.refusesOtherAccount
        }
    }

    /// One application.
    ///
    /// - Throws: `applicationNotFound`; `authenticationFailed` where the record does not open.
    public func application(_ id: ApplicationID) throws(VaultError) -> ApplicationSummary {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try readableNow()
        return ApplicationSummary(try store.application(id))
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
            found.append(ApplicationSummary(application))
            return true
        }
        return found
    }

    /// Erases an application, its client secret and its private key with it. Its connections stay,
    /// but can no longer be refreshed.
    ///
    /// - Throws: `applicationNotFound`; `disconnecting` while another call removes it; `storeFull`,
    ///   `storageFailed`; `authenticationFailed` where the record does not open: nothing is erased
    ///   then.
    public func removeApplication(_ id: ApplicationID) async throws(VaultError) {
        try checkProcess()
        try await verified()
        let key = store.key(.application, id.text)
        do throws(VaultError) {
            try await erase(key)
            refresher.applicationStored(id, .identity)
        } catch {
            throw error.code == .notFound ? VaultError(.applicationNotFound, .vault) : error
        }
    }

    /// Checks what can be checked without asking anybody.
    func check(_ application: borrowing Application) throws(VaultError) {
        let provider = application.provider
        try checkEndpoints(application)
        try Self.check(application.clientID, application.clientSecret, provider)
        try Self.checkKey(application)
        if !application.redirectURI.isEmpty {
            try Application.check(
                redirectURI: application.redirectURI, names: provider.callbackParameterNames)
        }
        try Application.check(scopes: application.scopes)
        try provider.check(userScopes: application.userScopes)
        if application.refusesOtherAccount, provider.lookup?.account.isEmpty ?? true {
            throw VaultError(.invalidArgument, .vault, .noAccountLookup, .setting)
        }
        do throws(SettingError) {
            try provider.check()
        } catch {
            throw VaultError(
                .invalidArgument, .vault, detail: FailureDetail(subject: .setting))
        }
    }

    /// Checks the endpoints as far as they are known. With variables they are checked once more
    /// for each connection.
    private func checkEndpoints(_ application: borrowing Application) throws(VaultError) {
        var provider = application.provider
        do throws(TemplateFault) {
            try provider.checkGiven(application.values)
            provider = try provider.filled(with: application.values, awaitsCallback: true)
        } catch {
            guard error.value == nil else { throw VaultError(error, .invalidArgument) }
            // Each connection has a value of its own.
        }
        var endpoints: [(String, FailureSubject)] = [
            (provider.tokenEndpoint, .tokenEndpoint),
            (provider.refreshURL, provider.refreshSubject),
        ]
        if let endpoint = provider.authorizationEndpointIfAny {
            endpoints.insert((endpoint, .authorizationEndpoint), at: 0)
        }
        if let endpoint = provider.revocationEndpoint {
            endpoints.append((endpoint, .revocationEndpoint))
        }
        if let lookup = provider.lookup { endpoints.append((lookup.url, .setting)) }
        for (url, subject) in endpoints {
            // What a definition may name there stands behind the host.
            let isFilledLater =
                subject == .setting
                || subject == .revocationEndpoint && provider.revocation != nil
            let known = isFilledLater ? Template.sample(url) : url
            if !provider.variables.isEmpty, URLTemplate.isTemplate(known) { continue }
            try network.addressGuard.check(known, subject)
        }
    }
}
