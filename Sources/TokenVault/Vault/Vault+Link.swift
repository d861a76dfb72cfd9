// SPDX-License-Identifier: Apache-2.0

// Links that start a flow in whatever browser opens them. They lie sealed beside the flows: a
// restart loses none, and a disconnect takes them along.
extension Vault {
    /// Makes a link that starts the flow of a connection; the connection is configured by it, and
    /// keeps what is given here.
    ///
    /// - Parameters:
    ///   - id: the connection's.
    ///   - applicationID: the one on whose behalf the tokens are asked for.
    ///   - scopes: instead of the application's, from now on; none at all stands for the
    ///     application's again, nil for those that the connection has.
    ///   - userScopes: the same, instead of the application's `userScopes`.
    ///   - settings: as `connect`'s.
    ///   - redirects: where the connection's flows end from now on; nil leaves that as it is. The
    ///     caller answers for the URLs: they are checked for their form alone.
    ///   - awaitsConfirmation: whether the code is exchanged only once `confirm` is called for the
    ///     flow: for whoever can ask who finishes it (RFC 9700).
    /// - Throws: as `connect`; `invalidArgument` where a redirect is no absolute `https` URL
    ///   without query and fragment; `limitExceeded` where a parameter is too long, or 10,000 links
    ///   and flows are open.
    public func link(
        _ id: ConnectionID, application applicationID: ApplicationID, scopes: [String]? = nil,
        userScopes: [String]? = nil,
        settings: borrowing ConnectionSettings = ConnectionSettings(),
        redirects: Redirects? = nil, awaitsConfirmation: Bool = false
    ) async throws(VaultError) -> ConnectionLink {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        try redirects?.parameters?.check()
        for url in [redirects?.success, redirects?.failure] {
            if let url { try Self.check(redirect: url) }
        }
        let key = store.key(.connection, id.text)
        let own = try own(settings, key, store.application(applicationID))
        try checkStart(
            FlowStart(
                connection: id, application: applicationID, scopes: scopes, userScopes: userScopes,
                own: own))
        let now = time.now()
        let token = try AuthorizationRequest.randomText()
        guard let tokenText = token.bytes.publicText else {
            throw VaultError(.outOfMemory, .vault)
        }
        let link = PendingLink(
            connection: id, application: applicationID, flow: try FlowID.random(),
            awaitsConfirmation: awaitsConfirmation, scopes: scopes, userScopes: userScopes,
            started: now,
            expires: now.adding(milliseconds: PendingLink.lifetimeMilliseconds), own: own)
        let flowKey = try linkKey(tokenText)
        let plaintext = try LinkRecord.encode(link)
        try await configure(id, key, applicationID, now)
        let commit = Commit()
        if redirects != nil || scopes != nil || userScopes != nil {
            commit.add(.revise(key, Self.keeping(redirects, scopes, userScopes, applicationID)))
        }
        commit.add(.addFlow(flowKey, of: key, now: now, expires: link.expires), plaintext)
        do throws(VaultError) {
            _ = try await durable(commit)
        } catch {
            throw error.concerning(id)
        }
        return ConnectionLink(token: tokenText, flow: link.flow, expires: link.expires)
    }

    /// Refuses what would fail in the browser of whoever opens the link.
    private func checkStart(_ start: FlowStart) throws(VaultError) {
        let application = try store.application(start.application).filled(
            for: start.own, awaitsCallback: true)
        try checkStart(of: application)
        _ = try scopes(start, store.key(.connection, start.connection.text), application)
        try checkSecond(start.connection, application)
    }

    /// What a link is for; nil where it was used up, has expired, or never was. It stays as it is.
    ///
    /// - Parameter token: the last part of its URL.
    /// - Throws: `applicationNotFound` where the application was removed since.
    public func target(ofLink token: String) async throws(VaultError) -> LinkTarget? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        guard let link = try pendingLink(token) else { return nil }
        let key = store.key(.connection, link.connection.text)
        guard let opened = try store.open(key) else { return nil }
        let record = ConnectionRecord(fields: opened.takeFields())
        let application = try store.application(link.application).filled(
            for: link.own, awaitsCallback: true)
        let start = FlowStart(
            connection: link.connection, application: link.application, scopes: link.scopes,
            userScopes: link.userScopes, own: link.own)
        return LinkTarget(
            connection: link.connection, application: link.application,
            providerName: application.provider.name,
            authorizationEndpoint: application.provider.authorizationEndpoint,
            redirectURI: application.redirectURI, redirects: record.redirects,
            scopes: application.provider.scopes(
                for: try scopes(start, key, application).scopes),
            isReconnect: record.state != .configured, expires: link.expires)
    }

    /// Uses a link up and starts its flow, as `connect` does.
    ///
    /// - Parameters:
    ///   - token: the last part of its URL.
    ///   - browserBinding: as `connect`'s.
    /// - Throws: `linkExpired` where it was used up or has expired; as `connect`.
    public func open(
        link token: String, browserBinding: borrowing Secret?
    ) async throws(VaultError) -> AuthorizationRequest {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        guard let link = try pendingLink(token) else { throw VaultError(.linkExpired, .vault) }
        do throws(VaultError) {
            return try await start(
                FlowStart(
                    connection: link.connection, application: link.application,
                    scopes: link.scopes, userScopes: link.userScopes, own: link.own,
                    flow: link.flow, awaitsConfirmation: link.awaitsConfirmation,
                    link: try linkKey(token)),
                browserBinding: browserBinding)
        } catch {
            // Of two who open it at the same moment, one does.
            guard error.code == .notFound else { throw error.concerning(link.connection) }
            throw VaultError(.linkExpired, .vault)
        }
    }

    private func pendingLink(_ token: String) throws(VaultError) -> PendingLink? {
        guard FlowID.isWellFormed(token), let fields = try store.openFlow(linkKey(token))
        else { return nil }
        let link = try LinkRecord.decode(fields)
        return time.now() < link.expires ? link : nil
    }

    private func linkKey(_ token: String) throws(VaultError) -> RecordKey {
        try flowKey("link", token)
    }

    /// The key of what lies beside the flows and has no state. No callback brings a state with a
    /// control character in it, so none finds it.
    func flowKey(_ kind: StaticString, _ name: String) throws(VaultError) -> RecordKey {
        var text = try Secret(capacity: 1 + kind.utf8CodeUnitCount + name.utf8.count)
        guard text.append(byte: 1), text.append("\(kind)"), text.append(name) else {
            throw VaultError(.outOfMemory, .vault)
        }
        return store.flowKey(state: text.bytes)
    }

    /// Beside whatever tokens there are.
    private static func keeping(
        _ redirects: Redirects?, _ scopes: [String]?, _ userScopes: [String]?,
        _ application: ApplicationID
    ) -> Revision {
        let texts = (scopes ?? []) + (userScopes ?? [])
        let byteCount =
            (redirects?.byteCount ?? 0) + texts.reduce(0) { $0 + $1.utf8.count }
            + ((redirects?.fieldCount ?? 0) + texts.count + 2) * Fields.headBytes
        return Revision(addedBytesMax: byteCount + 4 * (Fields.headBytes + 8)) {
            (record, version) throws(VaultError) in
            try record.keepTokens(of: version.generation)
            if let redirects { try record.set(redirects) }
            // Another application's scopes are of another provider, as a rule.
            if record.application == application {
                try record.set(scopes: scopes, userScopes: userScopes)
            }
            return .change
        }
    }

    private static func check(redirect url: String) throws(VaultError) {
        // The browser goes there, not the vault: a private address is for the caller to say.
        let addressGuard = AddressGuard(
            allowsLoopback: true, allowedNetworks: AddressPrefix.everyPrivate)
        try addressGuard.check(url)
        guard !url.contains("?"), !url.contains("#"), url.utf8.allSatisfy({ $0 < 0x80 }) else {
            throw VaultError(.invalidArgument, .vault, .malformedURL)
        }
    }
}
