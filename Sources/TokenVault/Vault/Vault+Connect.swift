// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Starts the authorization code flow for a connection: makes a one-time state and a PKCE
    /// verifier, keeps them sealed for ten minutes, across restarts too, and returns where to send
    /// the browser. A connection that has tokens keeps them until the flow is completed.
    ///
    /// - Parameters:
    ///   - id: the connection's; what it is known by from then on.
    ///   - applicationID: the one on whose behalf the tokens are asked for.
    ///   - scopes: instead of those that a link gave the connection, or the application's default
    ///     scopes; the provider's `refreshScopes` are asked for in any case.
    ///   - userScopes: the same, instead of the application's `userScopes`.
    ///   - settings: what is this connection's own: values of the provider's variables, a client.
    ///     They hold from the end of the flow on; what is left out stays as it is.
    ///   - browserBinding: 16 to 256 bytes that only this browser will show again, such as a random
    ///     cookie; the flow can then be completed by no other. Nil for a command line.
    /// - Throws: `applicationNotFound`, `endpointRefused`, `invalidArgument` where a scope is empty
    ///   or has control characters, or where there are user scopes and the provider has no
    ///   parameter for them, `limitExceeded` where there are more than 64, or one has more than 256
    ///   bytes, and past 10,000 open flows; `invalidArgument` with the cause `missing` where the
    ///   provider has no authorization endpoint or the application no redirect URI;
    ///   `disconnecting`, `storeFull`; `invalidArgument` where a value is missing or is not what
    ///   its variable takes: `Provider.check(values:)` says which, and what would do;
    ///   `alreadyExists` where the provider has a `secondConnection` and another application's
    ///   connection has its id.
    public func connect(
        _ id: ConnectionID, application applicationID: ApplicationID, scopes: [String]? = nil,
        userScopes: [String]? = nil,
        settings: borrowing ConnectionSettings = ConnectionSettings(),
        browserBinding: borrowing Secret? = nil
    ) async throws(VaultError) -> AuthorizationRequest {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let key = store.key(.connection, id.text)
        let own = try own(settings, key, store.application(applicationID))
        return try await start(
            FlowStart(
                connection: id, application: applicationID, scopes: scopes, userScopes: userScopes,
                own: own),
            browserBinding: browserBinding)
    }

    /// What a flow is started with.
    struct FlowStart: Sendable {
        let connection: ConnectionID
        let application: ApplicationID
        /// Instead of what the connection has instead of the application's.
        var scopes: [String]?
        var userScopes: [String]?
        let own: OwnSettings?
        /// Of a flow that a link starts.
        var flow: FlowID?
        var awaitsConfirmation = false
        /// The link, which is used up; `notFound` where somebody has used it up before.
        var link: RecordKey?
    }

    func start(
        _ start: FlowStart, browserBinding: borrowing Secret?
    ) async throws(VaultError) -> AuthorizationRequest {
        let id = start.connection
        let key = store.key(.connection, id.text)
        let application = try store.application(start.application).filled(
            for: start.own, awaitsCallback: true)
        let provider = application.provider
        try checkStart(of: application)
        let (scopes, userScopes) = try scopes(start, key, application)
        let wanted = provider.scopes(for: scopes)
        try checkSecond(id, application)
        let binding: Secret?
        switch browserBinding {
        case .none: binding = nil
        case .some(let shown): binding = try PendingAuthorization.hash(binding: shown)
        }
        let state = try AuthorizationRequest.randomText()
        let codeVerifier = try AuthorizationRequest.randomText()
        let request = try AuthorizationRequest(
            application, scopes: wanted, userScopes: userScopes, state: state,
            codeVerifier: codeVerifier)
        let now = time.now()
        let expires = now.adding(milliseconds: PendingAuthorization.lifetimeMilliseconds)
        let flow = PendingAuthorization(
            connection: id, application: start.application, codeVerifier: codeVerifier,
            browserBinding: binding, started: now, expires: expires,
            requestedScope: wanted.isEmpty
                ? nil : wanted.joined(separator: provider.scopeSeparator),
            own: start.own, flow: start.flow, awaitsConfirmation: start.awaitsConfirmation)
        let flowKey = store.flowKey(state: state.bytes)
        let plaintext = try FlowRecord.encode(flow)
        let commit = Commit()
        if let link = start.link {
            // Its connection was there when it was made; disconnected since, it stays gone.
            commit.add(.takeFlow(link))
        } else {
            try await configure(id, key, start.application, now)
        }
        commit.add(.addFlow(flowKey, of: key, now: now, expires: expires), plaintext)
        commit.add(.event(EventEntry(time: now, key: key, kind: .connectStarted)))
        _ = try await durable(commit)
        feed.publish(VaultEvent(time: now, kind: .connectStarted, number: 0, connection: id))
        return request
    }

    /// Refuses what no browser can be sent to, or comes back from.
    func checkStart(of application: borrowing Application) throws(VaultError) {
        let provider = application.provider
        guard provider.authorizationEndpointIfAny != nil else {
            throw VaultError(.invalidArgument, .vault, .missing, .authorizationEndpoint)
        }
        guard !application.redirectURI.isEmpty else {
            throw VaultError(.invalidArgument, .vault, .missing, .redirectURI)
        }
        try network.addressGuard.check(provider.authorizationEndpoint, .authorizationEndpoint)
        // Where the callback says where that is, it is checked then.
        if !URLTemplate.isTemplate(provider.tokenEndpoint) || provider.variables.isEmpty {
            try network.addressGuard.check(provider.tokenEndpoint, .tokenEndpoint)
        }
    }

    /// What is asked for: what is given, else what the connection has, else the application's.
    func scopes(
        _ start: FlowStart, _ key: RecordKey, _ application: borrowing Application
    ) throws(VaultError) -> (scopes: [String], userScopes: [String]) {
        var (scopes, userScopes) = (start.scopes, start.userScopes)
        if scopes == nil || userScopes == nil, let opened = try store.open(key) {
            let record = ConnectionRecord(fields: opened.takeFields())
            if record.application == start.application {
                scopes = scopes ?? record.scopeOverride
                userScopes = userScopes ?? record.userScopeOverride
            }
        }
        let asked = (scopes ?? application.scopes, userScopes ?? application.userScopes)
        try Application.check(scopes: asked.0)
        try application.provider.check(userScopes: asked.1)
        return asked
    }

    /// Makes the connection's record where there is none, so that its light is yellow.
    ///
    /// - Parameters:
    ///   - grant: what it is to have its tokens by.
    ///   - subject: whose, where the grant names somebody.
    func configure(
        _ id: ConnectionID, _ key: RecordKey, _ application: ApplicationID, _ now: UnixTime,
        grant: GrantType = .authorizationCode, subject: String? = nil
    ) async throws(VaultError) {
        let commit = Commit()
        commit.add(
            .revise(
                key,
                Revision(
                    addedBytesMax: application.text.utf8.count + (subject?.utf8.count ?? 0)
                        + 3 * Fields.headBytes + 1,
                    new: { () throws(VaultError) in try ConnectionRecord(id: id, now: now) }
                ) { (record, version) throws(VaultError) in
                    guard version.isAbsent else { return .leave }
                    try record.fields.set(ConnectionTag.application, text: application.text)
                    try record.set(grant, subject: subject)
                    return .change
                }))
        if try await durable(commit).fate == .disconnecting {
            throw VaultError(.disconnecting, .vault, connection: id)
        }
    }

    /// Writes down why nothing was granted, also in the record of a connection that has no tokens:
    /// its light says so. That the provider rejects the application stands in the application's
    /// log.
    func recordFailure(of target: NewGrant, _ error: VaultError) async {
        let id = target.connection
        let now = time.now()
        let key = store.key(.connection, id.text)
        let kind: VaultEvent.Kind = error.code == .flowDenied ? .connectDenied : .connectFailed
        let number = error.eventNumber
        let trouble = ConnectionRecord.Failure(
            code: kind.code, status: Int32(clamping: number), time: now)
        var entries = [EventEntry(time: now, key: key, kind: kind, number: number)]
        if error.code == .applicationMisconfigured, !target.isOfOwnClient {
            refresher.noteRejectionTold(target.application)
            entries.append(
                EventEntry(
                    time: now, key: store.key(.application, target.application.text),
                    kind: .applicationRejected, number: number))
        }
        let commit = Commit()
        commit.add(
            .revise(
                key,
                Revision(addedBytesMax: Self.failureBytesMax) { (record, _) throws(VaultError) in
                    guard record.state == .configured else { return .leave }
                    try record.set(trouble: trouble)
                    return .change
                }))
        for entry in entries { commit.add(.event(entry)) }
        do throws(VaultError) {
            if try await durable(commit).fate != .changed {
                // The record is left as it is, and what happened is told all the same.
                let commit = Commit()
                for entry in entries { commit.add(.event(entry)) }
                _ = try await durable(commit)
            }
            feed.publish(VaultEvent(time: now, kind: kind, number: number, connection: id))
        } catch {
            await record(id, kind, number: number)
        }
    }

    /// By how many bytes a failed flow makes a record longer.
    private static let failureBytesMax = 2 * (Fields.headBytes + ConnectionRecord.Failure.byteCount)

    /// Writes an event that stands alone; the log is no reason to fail what it tells of.
    func record(_ id: ConnectionID, _ kind: VaultEvent.Kind, number: Int64 = 0) async {
        let now = time.now()
        let key = store.key(.connection, id.text)
        let commit = Commit()
        commit.add(.event(EventEntry(time: now, key: key, kind: kind, number: number)))
        _ = try? await durable(commit)
        feed.publish(VaultEvent(time: now, kind: kind, number: number, connection: id))
    }
}
