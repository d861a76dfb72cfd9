// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Starts the authorization code flow for a connection: makes a one-time state and a PKCE
    /// verifier, keeps them sealed for ten minutes, across restarts too, and returns where to send
    /// the browser. A connection that has tokens keeps them until the flow is completed.
    ///
    /// - Parameters:
    ///   - id: the connection's; what it is known by from then on.
    ///   - applicationID: the one on whose behalf the tokens are asked for.
    ///   - scopes: instead of the application's default scopes; the provider's `refreshScopes` are
    ///     asked for in any case.
    ///   - userScopes: instead of the application's `userScopes`.
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
        let stored = try store.application(applicationID)
        let own = try own(settings, key, stored)
        let application = try stored.filled(for: own, awaitsCallback: true)
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
        try Application.check(scopes: scopes ?? application.scopes)
        let wanted = provider.scopes(for: scopes ?? application.scopes)
        let userScopes = userScopes ?? application.userScopes
        try provider.check(userScopes: userScopes)
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
            connection: id, application: applicationID, codeVerifier: codeVerifier,
            browserBinding: binding, started: now, expires: expires,
            requestedScope: wanted.isEmpty
                ? nil : wanted.joined(separator: application.provider.scopeSeparator),
            own: own)
        let flowKey = store.flowKey(state: state.bytes)
        let plaintext = try FlowRecord.encode(flow)
        try await configure(id, key, applicationID, now)
        let commit = Commit()
        commit.add(.addFlow(flowKey, of: key, now: now, expires: expires), plaintext)
        commit.add(.event(EventEntry(time: now, key: key, kind: .connectStarted)))
        _ = try await durable(commit)
        feed.publish(VaultEvent(time: now, kind: .connectStarted, number: 0, connection: id))
        return request
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

    /// Completes a flow with the query of its callback, without the question mark: checks state,
    /// browser and issuer, exchanges the code once, and makes the tokens durable. The caller wipes
    /// its own copies of the query.
    ///
    /// - Parameters:
    ///   - query: as the browser brought it, still percent-encoded.
    ///   - application: the one whose callback URL was called; a flow of another one is refused
    ///     (RFC 9700 section 4.4).
    ///   - connection: the one whose flow it must be, where the caller waits for a certain one.
    ///   - browserBinding: what the browser showed; must be what `connect` was given.
    /// - Returns: the connection that has tokens now. Where the provider has a `secondConnection`
    ///   and the answer its tokens, that one has, too: an event `connected` names it.
    /// - Throws: `callbackRejected`, `flowExpired`, `flowDenied`, `authorizationRefused`,
    ///   `callbackOfAnother`, which names whose it is: the flow is still open, and so it is where a
    ///   callback is not signed as the provider's definition demands (`callbackRejected`);
    ///   `issuerMismatch`, `providerRefused`,
    ///   `applicationMisconfigured`, `providerUnreachable`, `certificateRefused`,
    ///   `endpointRefused`, `providerBusy`, `answerLost`, `providerAnswerUnreadable`;
    ///   `otherAccount` where the application refuses another account than the connection has: its
    ///   tokens are as they were, and the new ones wiped;
    ///   `tooManySecrets` where there is no room for the request or for what the code brings: then
    ///   nothing was sent, and the flow is still open.
    @discardableResult
    public func complete(
        callbackQuery query: borrowing Secret, application: ApplicationID? = nil,
        connection: ConnectionID? = nil, browserBinding: borrowing Secret? = nil
    ) async throws(VaultError) -> ConnectionID {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let names = try callbackNames(query.bytes, application)
        let callback = try Callback(query: query.bytes, names: names)
        let flowKey = store.flowKey(state: callback.state.bytes)
        guard let fields = try store.openFlow(flowKey) else {
            throw VaultError(.callbackRejected, .vault, .unknownState)
        }
        let flow = try FlowRecord.decode(fields)
        guard !flow.isOfDevice else { throw VaultError(.callbackRejected, .vault, .unknownState) }
        let life = try store.version(store.key(.connection, flow.connection.text))?.life
        guard application == nil || application == flow.application else {
            throw VaultError(.callbackRejected, .vault, .otherApplication)
        }
        guard try flow.isBound(to: browserBinding) else {
            throw VaultError(.callbackRejected, .vault, .otherBrowser)
        }
        guard connection == nil || connection == flow.connection else {
            throw VaultError(.callbackOfAnother, .vault, connection: flow.connection)
        }
        let room = try await exchangeRoom()
        let prepared = try prepare(flow, callback, query.bytes)
        // One-time: of two identical callbacks one takes the flow, the other finds it gone.
        do throws(VaultError) {
            let commit = Commit()
            commit.add(.takeFlow(flowKey))
            _ = try await durable(commit)
        } catch {
            throw error.code == .notFound
                ? VaultError(.callbackRejected, .vault, .unknownState) : error
        }
        let id = flow.connection
        do throws(VaultError) {
            try await finish(prepared, flow, life, room)
        } catch {
            await recordFailure(of: NewGrant(flow), error)
            throw error.concerning(id)
        }
        return id
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
