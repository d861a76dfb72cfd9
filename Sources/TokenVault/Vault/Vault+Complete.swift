// SPDX-License-Identifier: Apache-2.0

// The end of a flow that a browser comes back from.
extension Vault {
    /// Completes a flow with the query of its callback, without the question mark: checks state,
    /// browser and issuer, exchanges the code once, and makes the tokens durable. The caller wipes
    /// its own copies of the query.
    ///
    /// - Parameters:
    ///   - query: as the browser brought it, still percent-encoded.
    ///   - application: the one whose callback URL was called; a flow of another one is refused
    ///     (RFC 9700 section 4.4).
    ///   - redirectURI: the URI that was called, without its query; must be the application's own,
    ///     byte by byte. Nil where the caller has seen to that.
    ///   - connection: the one whose flow it must be, where the caller waits for a certain one.
    ///   - browserBinding: what the browser showed; must be what `connect` was given.
    /// - Returns: the connection that has tokens now. Where the provider has a `secondConnection`
    ///   and the answer its tokens, that one has, too: an event `connected` names it.
    /// - Throws: `callbackRejected`, also where the flow awaits a confirmation: see `hold`;
    ///   `flowExpired`, `flowDenied`, `authorizationRefused`, `callbackOfAnother`, which names
    ///   whose it is: the flow is still open, and so it is where a callback is not signed as the
    ///   provider's definition demands (`callbackRejected`); `issuerMismatch`, `providerRefused`,
    ///   `applicationMisconfigured`, `providerUnreachable`, `certificateRefused`,
    ///   `endpointRefused`, `providerBusy`, `answerLost`, `providerAnswerUnreadable`;
    ///   `otherAccount` where the application refuses another account than the connection has: its
    ///   tokens are as they were, and the new ones wiped;
    ///   `tooManySecrets` where there is no room for the request or for what the code brings: then
    ///   nothing was sent, and the flow is still open, unless there was room until it was taken.
    @discardableResult
    public func complete(
        callbackQuery query: borrowing Secret, application: ApplicationID? = nil,
        redirectURI: String? = nil, connection: ConnectionID? = nil,
        browserBinding: borrowing Secret? = nil
    ) async throws(VaultError) -> ConnectionID {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let called = try called(query, application, redirectURI, browserBinding)
        guard connection == nil || connection == called.flow.connection else {
            throw VaultError(.callbackOfAnother, .vault, connection: called.flow.connection)
        }
        guard !called.flow.awaitsConfirmation || called.callback.code == nil else {
            throw VaultError(.callbackRejected, .vault, .unconfirmed)
        }
        return try await end(called.flow, called.key, called.callback, query)
    }

    /// An open flow, and the callback that is to end it.
    struct CalledFlow: ~Copyable {
        let key: RecordKey
        let flow: PendingAuthorization
        let callback: Callback
    }

    /// The flow of a callback that was called where its application's callbacks come, in the
    /// browser that it was started in.
    ///
    /// - Throws: `callbackRejected`.
    func called(
        _ query: borrowing Secret, _ application: ApplicationID?, _ redirectURI: String?,
        _ browserBinding: borrowing Secret?
    ) throws(VaultError) -> CalledFlow {
        let names = try callbackNames(query.bytes, application)
        let callback = try Callback(query: query.bytes, names: names)
        let key = key(of: callback)
        guard let fields = try store.openFlow(key) else {
            throw VaultError(.callbackRejected, .vault, .unknownState)
        }
        let flow = try FlowRecord.decode(fields)
        guard !flow.isOfDevice else { throw VaultError(.callbackRejected, .vault, .unknownState) }
        guard application == nil || application == flow.application else {
            throw VaultError(.callbackRejected, .vault, .otherApplication)
        }
        if let redirectURI {
            // RFC 9700 section 4.4.2.2: each application's own, byte by byte.
            let own = try store.application(flow.application).redirectURI
            guard own.utf8.elementsEqual(redirectURI.utf8) else {
                throw VaultError(.callbackRejected, .vault, .otherRedirectURI)
            }
        }
        guard try flow.isBound(to: browserBinding) else {
            throw VaultError(.callbackRejected, .vault, .otherBrowser)
        }
        return CalledFlow(key: key, flow: flow, callback: callback)
    }

    private func key(of callback: borrowing Callback) -> RecordKey {
        store.flowKey(state: callback.state.bytes)
    }

    /// Ends a flow, which lies at `key`: exchanges the code, or says why there is none.
    func end(
        _ flow: borrowing PendingAuthorization, _ key: RecordKey, _ callback: borrowing Callback,
        _ query: borrowing Secret
    ) async throws(VaultError) -> ConnectionID {
        let id = flow.connection
        let life = try store.version(store.key(.connection, id.text))?.life
        let room = try await exchangeRoom()
        let prepared = try prepare(flow, callback, query.bytes)
        // One-time: of two identical callbacks one takes the flow, the other finds it gone.
        try await take(key)
        do throws(VaultError) {
            try await finish(prepared, flow, life, room)
        } catch {
            await recordFailure(of: NewGrant(flow), error)
            throw error.concerning(id)
        }
        return id
    }

    func take(_ flow: RecordKey) async throws(VaultError) {
        do throws(VaultError) {
            let commit = Commit()
            commit.add(.takeFlow(flow))
            _ = try await durable(commit)
        } catch {
            throw error.code == .notFound
                ? VaultError(.callbackRejected, .vault, .unknownState) : error
        }
    }
}
