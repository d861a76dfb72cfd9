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
    /// Where secrets would go elsewhere, the client would authenticate otherwise, tokens would no
    /// longer be revoked, or a check would be given up, nothing is adopted unless it is accepted:
    /// somebody who took over a server's documents would else have the next refresh token.
    ///
    /// What is done to the application while the documents are fetched stays; the settings are
    /// adopted beside it.
    ///
    /// - Parameters:
    ///   - id: the application's.
    ///   - acceptsChange: whether changes that need approval are adopted.
    /// - Throws: `DiscoveryError`; `applicationNotFound`, and `invalidArgument` where the
    ///   application does not come from an issuer; `generationChanged` where it comes from another
    ///   one, or from none, by the time the documents are there: nothing is changed then; as `put`.
    public func refreshIssuer(
        _ id: ApplicationID, acceptsChange: Bool = false
    ) async throws -> IssuerRefresh {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let (issuer, _) = try Self.origin(store.application(id))
        // It was read with its secrets, and the documents may take long.
        MemoryHygiene.scrub()
        let discovery = try await documents(of: issuer)
        for _ in 0..<Self.putAttemptsMax {
            guard var adoption = try adoption(of: discovery, from: issuer, by: id, acceptsChange)
            else { continue }
            let refresh = adoption.refresh
            guard let edit = adoption.edit.take() else { return refresh }
            if try await write(edit, id) { return refresh }
        }
        throw VaultError(.generationChanged, .vault)
    }

    /// The issuer of an application, and what is kept of its discovery.
    private static func origin(
        _ application: borrowing Application
    ) throws -> (issuer: String, record: DiscoveryRecord) {
        let provider = application.provider
        guard let record = application.discovery, let template = provider.issuer else {
            throw DiscoveryError(
                .unsupported, at: application.id.text, "does not come from an issuer",
                remedy: "add it again with its issuer (--issuer)")
        }
        do throws(TemplateFault) {
            return (try provider.filled(template, with: application.values), record)
        } catch {
            throw VaultError(error, .invalidArgument)
        }
    }

    private struct Adoption: ~Copyable {
        let refresh: IssuerRefresh
        /// What is to be written; nil where nothing is adopted.
        var edit: ApplicationEdit?
    }

    /// An application as it is now, with what its issuer says in place of what that said before;
    /// nil where somebody else writes it at this moment. One that is not there is not made anew.
    private func adoption(
        of discovery: Discovery, from issuer: String, by id: ApplicationID, _ acceptsChange: Bool
    ) throws -> Adoption? {
        let key = store.key(.application, id.text)
        guard let opened = try store.open(key) else {
            throw VaultError(.applicationNotFound, .vault)
        }
        let generation = opened.version.generation
        var application = try ApplicationRecord.decode(opened.takeFields())
        guard let (current, record) = try? Self.origin(application), current == issuer else {
            throw VaultError(.generationChanged, .vault)
        }
        let old = application.provider
        let settled: Provider.ClientAuthentication? =
            switch old.clientAuthentication {
            // No document says that the client has no secret, or a key.
            case .none: Provider.ClientAuthentication.none
            case .privateKeyJWT: .privateKeyJWT
            case let other: record.settings.contains("client_authentication") ? nil : other
            }
        let fresh = try discovery.provider(named: old.name, authentication: settled)
        let given = Set(fresh.settings.map(\.key)).subtracting(record.settings)
        let new = fresh.completing(old, without: given)
        try discovery.check(new, values: application.values)
        let changes = ProviderChange.all(from: old, to: new)
        let isAdopted = acceptsChange || !changes.contains(where: \.needsApproval)
        let refresh = IssuerRefresh(
            changes: changes, isAdopted: isAdopted, warnings: fresh.warnings)
        guard isAdopted else { return Adoption(refresh: refresh, edit: nil) }
        application.provider = new
        application.discovery = fresh.record(without: given)
        try check(application)
        let edit = try ApplicationEdit(
            application, over: store.open(key), unproven: refresher.unprovenChange(id))
        guard edit.expectation == .generation(generation) else { return nil }
        return Adoption(refresh: refresh, edit: edit)
    }
}
