// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Fetches what an authorization server publishes about itself (RFC 8414, OpenID Connect
    /// Discovery 1.0), by the vault's own transport; nothing is stored. Each document may take ten
    /// seconds, and have `ServerMetadata.byteCountMax` bytes. It is never done by the vault itself:
    /// what an application uses changes when somebody calls `refreshIssuer` or `put`.
    ///
    /// ```swift
    /// let discovered = try await vault.discover("https://login.example.com").provider()
    /// try await vault.put(Application(
    ///     id: id, provider: discovered.provider, clientID: "123", clientSecret: secret,
    ///     redirectURI: "https://platform.example/callback", discovery: discovered.record))
    /// ```
    ///
    /// - Parameter issuer: its issuer identifier: `https`, without query or fragment.
    /// - Throws: `DiscoveryError`, which says where, what, and what would do; `VaultError` as every
    ///   verb.
    public func discover(_ issuer: String) async throws -> Discovery {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        return try await documents(of: issuer)
    }

    private func documents(of issuer: String) async throws -> Discovery {
        guard !refresher.shared.withLock({ $0.isClosed }) else {
            throw VaultError(.closed, .vault)
        }
        return try await network.metadata.discover(issuer, at: time.now())
    }

    /// The same without a vault.
    ///
    /// - Parameter settings: of which those of the network count.
    package static func discover(
        _ issuer: String, settings: Settings
    ) async throws -> Discovery {
        MemoryHygiene.install()
        if let file = settings.certificateFile { try CertificateFile.check(file) }
        let network = try Network(settings, clock: SystemTime())
        defer { network.close() }
        return try await network.metadata.discover(issuer, at: SystemTime().now())
    }

    /// What became of asking an issuer again.
    public struct IssuerRefresh: Sendable {
        /// What is not as it was; none where nothing has changed.
        public let changes: [ProviderChange]
        /// Whether the application has the new settings now.
        public let isAdopted: Bool
        /// What a person should know, a sentence each.
        public let warnings: [String]
    }

    /// Asks the issuer of an application anew, and adopts what its documents say now: of the
    /// settings that follow them, by its `discovery`. Settings of a definition stay.
    ///
    /// Where secrets would go to another host, or a check would be given up, nothing is adopted
    /// unless it is accepted: somebody who took over a server's documents would else have the next
    /// refresh token.
    ///
    /// - Parameters:
    ///   - id: the application's.
    ///   - acceptsChange: whether changes that need approval are adopted.
    /// - Throws: `DiscoveryError`; `applicationNotFound`, and `invalidArgument` where the
    ///   application does not come from an issuer; as `put`.
    public func refreshIssuer(
        _ id: ApplicationID, acceptsChange: Bool = false
    ) async throws -> IssuerRefresh {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        var application = try store.application(id)
        let old = application.provider
        guard let record = application.discovery, let template = old.issuer else {
            throw DiscoveryError(
                .unsupported, at: id.text, "does not come from an issuer",
                remedy: "add it again with its issuer (--issuer)")
        }
        let issuer: String
        do throws(TemplateFault) {
            issuer = try old.filled(template, with: application.values)
        } catch {
            throw VaultError(error, .invalidArgument)
        }
        let discovery = try await documents(of: issuer)
        let settled: Provider.ClientAuthentication? =
            switch old.clientAuthentication {
            case .none: Provider.ClientAuthentication.none
            case let other: record.settings.contains("client_authentication") ? nil : other
            }
        let fresh = try discovery.provider(named: old.name, authentication: settled)
        let given = Set(fresh.settings.map(\.key)).subtracting(record.settings)
        let new = fresh.completing(old, without: given)
        try discovery.check(new, values: application.values)
        let changes = ProviderChange.all(from: old, to: new)
        let isAdopted = acceptsChange || !changes.contains(where: \.needsApproval)
        if isAdopted {
            application.provider = new
            application.discovery = fresh.record(without: given)
            try await put(application)
        }
        return IssuerRefresh(changes: changes, isAdopted: isAdopted, warnings: fresh.warnings)
    }
}
