// SPDX-License-Identifier: Apache-2.0

// Whoever finishes a flow is to be who started it. Where the platform's session says who that is,
// the code is kept until it has said so (RFC 9700; OAuth cross-origin session fixation).
extension Vault {
    /// What a callback would end, which is left open: where its flow ends, and whether it awaits a
    /// confirmation.
    ///
    /// - Parameters:
    ///   - query: as `complete`'s.
    ///   - application: as `complete`'s.
    ///   - redirectURI: as `complete`'s.
    ///   - browserBinding: as `complete`'s.
    /// - Throws: `callbackRejected`.
    public func flow(
        ofCallback query: borrowing Secret, application: ApplicationID? = nil,
        redirectURI: String? = nil, browserBinding: borrowing Secret? = nil
    ) async throws(VaultError) -> OpenFlow {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let called = try called(query, application, redirectURI, browserBinding)
        let (connection, application) = (called.flow.connection, called.flow.application)
        var redirects: Redirects?
        if let opened = try store.open(store.key(.connection, connection.text)) {
            redirects = ConnectionRecord(fields: opened.takeFields()).redirects
        }
        return OpenFlow(
            flow: called.flow.flow, connection: connection, application: application,
            redirects: redirects, awaitsConfirmation: called.flow.awaitsConfirmation,
            sendsIssuer: try store.application(application).provider.sendsIssuer)
    }

    /// Keeps the callback of a flow that awaits a confirmation, sealed, for 60 seconds, across
    /// restarts too. The same callback works no second time.
    ///
    /// - Parameters:
    ///   - query: as `complete`'s.
    ///   - application: as `complete`'s.
    ///   - redirectURI: as `complete`'s.
    ///   - browserBinding: as `complete`'s.
    /// - Returns: what `confirm` is to be called with.
    /// - Throws: as `complete` where the callback brings no code: the flow has ended then;
    ///   `invalidArgument` where the flow awaits no confirmation.
    public func hold(
        callbackQuery query: borrowing Secret, application: ApplicationID? = nil,
        redirectURI: String? = nil, browserBinding: borrowing Secret? = nil
    ) async throws(VaultError) -> FlowID {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let called = try called(query, application, redirectURI, browserBinding)
        guard called.flow.awaitsConfirmation, let id = called.flow.flow else {
            throw VaultError(.invalidArgument, .vault)
        }
        if let refusal = try refusal(called, query) {
            try await take(called.key)
            await recordFailure(of: NewGrant(called.flow), refusal)
            throw refusal.concerning(called.flow.connection)
        }
        let now = time.now()
        let openKey = called.key
        let target = NewGrant(called.flow)
        let heldKey = try self.heldKey(id)
        let expires = now.adding(milliseconds: PendingAuthorization.confirmationMilliseconds)
        let plaintext = try Self.held(called, query, until: expires)
        let commit = Commit()
        commit.add(.takeFlow(openKey))
        commit.add(
            .addFlow(
                heldKey, of: store.key(.connection, target.connection.text), now: now,
                expires: PendingAuthorization.swept(expires)), plaintext)
        do throws(VaultError) {
            _ = try await durable(commit)
        } catch {
            guard error.code == .notFound else { throw error }
            throw VaultError(.callbackRejected, .vault, .unknownState)
        }
        dropLater(heldKey, target, expires)
        return id
    }

    /// Why the flow ends here: the provider refused, or the callback is too late or another
    /// server's. Nil where it has a code that is to be held.
    private func refusal(
        _ called: borrowing CalledFlow, _ query: borrowing Secret
    ) throws(VaultError) -> VaultError? {
        do throws(VaultError) {
            _ = try checked(called.flow, called.callback, query.bytes)
            return called.callback.code == nil ? called.callback.refusal : nil
        } catch {
            // As `prepare` has it: whoever sent one that is not signed does not end the flow.
            if error.isPassing || error.code == .callbackRejected { throw error }
            return error
        }
    }

    /// The platform says that the user who finished a flow is the one who started it: the code is
    /// exchanged, as `complete` does.
    ///
    /// - Returns: the connection that has tokens now.
    /// - Throws: `flowExpired` where no callback of the flow is held: it has not come, was not
    ///   confirmed within 60 seconds, or was confirmed or dropped before; as `complete`.
    @discardableResult
    public func confirm(_ flow: FlowID) async throws(VaultError) -> ConnectionID {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let heldKey = try self.heldKey(flow)
        guard let fields = try store.openFlow(heldKey) else {
            throw VaultError(.flowExpired, .vault)
        }
        let held = try FlowRecord.decode(fields)
        switch held.heldQuery {
        case .none: throw VaultError(.recordDamaged, .vault)
        case .some(let query):
            let names = try callbackNames(query.bytes, held.application)
            let callback = try Callback(query: query.bytes, names: names)
            do throws(VaultError) {
                return try await end(held, heldKey, callback, query)
            } catch {
                // It was confirmed or dropped at the same moment.
                guard error.detail.cause == .unknownState else { throw error }
                throw VaultError(.flowExpired, .vault)
            }
        }
    }

    /// The platform says that it is another user: the code is never exchanged, and the connection
    /// stays as it was.
    ///
    /// - Throws: `flowExpired` as `confirm`.
    public func drop(_ flow: FlowID) async throws(VaultError) {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let heldKey = try self.heldKey(flow)
        guard let fields = try store.openFlow(heldKey) else {
            throw VaultError(.flowExpired, .vault)
        }
        let target = NewGrant(try FlowRecord.decode(fields))
        guard await drop(heldKey, target, .otherUser) else {
            throw VaultError(.flowExpired, .vault)
        }
    }

    func heldKey(_ flow: FlowID) throws(VaultError) -> RecordKey {
        try flowKey("held", flow.text)
    }

    private static func held(
        _ called: consuming CalledFlow, _ query: borrowing Secret, until expires: UnixTime
    ) throws(VaultError) -> Secret {
        var flow = called.intoFlow()
        flow.expires = expires
        flow.heldQuery = try query.copy()
        return try FlowRecord.encode(flow)
    }

    /// Drops it when its time is over; nothing where it was confirmed before.
    private func dropLater(_ heldKey: RecordKey, _ target: NewGrant, _ expires: UnixTime) {
        let milliseconds = max(0, expires.milliseconds(since: time.now()))
        refresher.after(milliseconds: milliseconds) { [weak self, refresher] in
            // At the end of this process: the next one may still be told.
            guard !refresher.shared.withLock({ $0.isOver(forSending: false) }) else { return }
            Task { await self?.drop(heldKey, target, .notConfirmed) }
        }
    }

    /// The same of those that earlier processes held.
    func resumeConfirmations() {
        let keys = refresher.heldFlows.withLock { keys in
            defer { keys = [] }
            return keys
        }
        for key in keys {
            // One that does not open was confirmed since, or its connection is gone.
            guard let fields = try? store.openFlow(key), let flow = try? FlowRecord.decode(fields)
            else { continue }
            dropLater(key, NewGrant(flow), flow.expires)
        }
    }

    /// False where somebody took it before.
    private func drop(
        _ heldKey: RecordKey, _ target: NewGrant, _ cause: FailureCause
    ) async -> Bool {
        let commit = Commit()
        commit.mayUseReserve = true
        commit.add(.takeFlow(heldKey))
        do throws(VaultError) {
            // Of a connection that was disconnected since nothing is said, not even where its id
            // is another's by now: the flow opens with the data key of its own life alone.
            guard try store.openFlow(heldKey) != nil else { return false }
            _ = try await durable(commit)
        } catch {
            return false
        }
        await recordFailure(of: target, VaultError(.flowExpired, .vault, cause))
        return true
    }
}

extension Vault.CalledFlow {
    fileprivate consuming func intoFlow() -> PendingAuthorization { flow }
}
