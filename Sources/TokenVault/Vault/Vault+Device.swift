// SPDX-License-Identifier: Apache-2.0

// Connecting from where there is no browser (RFC 8628).
extension Vault {
    /// Starts a device authorization for a connection: asks the provider for a code that the user
    /// types into a browser anywhere, keeps what belongs to it sealed, across restarts too, and
    /// polls until the user has decided or the code has expired. Tokens are stored whether somebody
    /// waits or not; `completeDeviceAuthorization` waits. A connection that has tokens keeps them
    /// until then. An open device authorization of the same connection ends: the later one counts.
    ///
    /// - Parameters:
    ///   - id: the connection's; what it is known by from then on.
    ///   - applicationID: the one on whose behalf the tokens are asked for; its provider needs a
    ///     `deviceAuthorizationEndpoint`.
    ///   - scopes: instead of the application's default scopes; the provider's `refreshScopes` are
    ///     asked for in any case.
    ///   - settings: what is this connection's own, as `connect`'s.
    /// - Returns: what to show to the user.
    /// - Throws: `applicationNotFound`; `invalidArgument` where the provider has no such endpoint,
    ///   and as `connect`; `endpointRefused`, `providerRefused`, `applicationMisconfigured`,
    ///   `providerUnreachable`, `certificateRefused`, `providerBusy`, `answerLost`,
    ///   `deadlineExceeded`; `providerAnswerUnreadable` where the answer lacks a code, or has what
    ///   is not to be shown; `limitExceeded` past 10,000 open flows, `disconnecting`, `storeFull`,
    ///   `tooManySecrets`, `closed`.
    public func startDeviceAuthorization(
        _ id: ConnectionID, application applicationID: ApplicationID, scopes: [String]? = nil,
        settings: borrowing ConnectionSettings = ConnectionSettings()
    ) async throws(VaultError) -> DeviceAuthorization {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        let key = store.key(.connection, id.text)
        let stored = try store.application(applicationID)
        let own = try own(settings, key, stored)
        let application = try stored.filled(for: own)
        let provider = application.provider
        guard let endpoint = provider.deviceAuthorizationEndpoint else {
            throw VaultError(.invalidArgument, .vault, .missing, .deviceAuthorizationEndpoint)
        }
        try network.addressGuard.check(endpoint, .deviceAuthorizationEndpoint)
        try network.addressGuard.check(provider.tokenEndpoint, .tokenEndpoint)
        try Application.check(scopes: scopes ?? application.scopes)
        let wanted = provider.scopes(for: scopes ?? application.scopes)
        if refresher.shared.withLock({ $0.sendsNothing }) { throw VaultError(.closed, .vault) }
        let started = time.now()
        let reply = try await codes(at: endpoint, application, wanted)
        let flow = PendingAuthorization(
            connection: id, application: applicationID, codeVerifier: nil, browserBinding: nil,
            started: started,
            expires: started.adding(milliseconds: reply.lifetimeSeconds * 1000),
            requestedScope: wanted.isEmpty
                ? nil : wanted.joined(separator: provider.scopeSeparator),
            own: own,
            device: DeviceCode(
                code: try reply.code.copy(), userCode: reply.userCode,
                verificationURI: reply.verificationURI,
                verificationURIComplete: reply.verificationURIComplete,
                intervalSeconds: reply.intervalSeconds))
        try await configure(id, key, applicationID, started)
        return try await keep(flow, of: key)
    }

    private func codes(
        at endpoint: String, _ application: borrowing Application, _ scopes: [String]
    ) async throws(VaultError) -> DeviceReply {
        let answer = Monitor<DeviceAnswer?>(nil)
        let told = Caller()
        let request = try network.endpoint.deviceAuthorization(
            at: endpoint, for: application, scopes: scopes
        ) { found in
            answer.withLock { $0 = found }
            told.resume(.success(()))
        }
        MemoryHygiene.scrub()
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            told.wait { _ in unsafe continuation.resume() }
            network.endpoint.send(request)
        }
        switch answer.withLock({ $0 }) {
        case .codes(let reply): return reply
        case .failed(let error): throw error
        case nil: throw VaultError(.closed, .vault)
        }
    }

    /// Makes the flow durable in the place of the one before, and polls.
    private func keep(
        _ flow: borrowing PendingAuthorization, of key: RecordKey
    ) async throws(VaultError) -> DeviceAuthorization {
        let id = flow.connection
        // Nobody ever brings a state: the key is as good as any that cannot be guessed.
        let random = try Secret(random: Sodium.keyBytes)
        let flowKey = store.flowKey(state: random.bytes)
        let before = refresher.deviceFlows.open(id)
        do throws(VaultError) {
            try await add(flow, flowKey, of: key, before)
        } catch {
            // The one before has been taken meanwhile.
            guard error.code == .notFound, before != nil else { throw error.concerning(id) }
            try await add(flow, flowKey, of: key, nil)
        }
        refresher.deviceFlows.begin(id, flowKey, started: flow.started)
        feed.publish(
            VaultEvent(time: flow.started, kind: .connectStarted, number: 0, connection: id))
        switch flow.device {
        case .none: throw VaultError(.recordDamaged, .vault)
        case .some(let device):
            let pace = DevicePace(intervalSeconds: device.intervalSeconds)
            poll(id, flowKey, pace, after: pace.pauseMilliseconds)
            return DeviceAuthorization(id, device, expires: flow.expires)
        }
    }

    private func add(
        _ flow: borrowing PendingAuthorization, _ flowKey: RecordKey, of key: RecordKey,
        _ before: RecordKey?
    ) async throws(VaultError) {
        let plaintext = try FlowRecord.encode(flow)
        let commit = Commit()
        if let before { commit.add(.takeFlow(before)) }
        commit.add(
            .addFlow(flowKey, of: key, now: flow.started, expires: flow.expires), plaintext)
        commit.add(.event(EventEntry(time: flow.started, key: key, kind: .connectStarted)))
        _ = try await durable(commit)
    }

    /// The open device authorization of a connection, also one that an earlier process has started;
    /// nil where there is none, or it has ended.
    ///
    /// - Throws: what `ready` throws, `closed`, `tooManySecrets`.
    public func deviceAuthorization(
        _ id: ConnectionID
    ) async throws(VaultError) -> DeviceAuthorization? {
        try checkProcess()
        defer { MemoryHygiene.scrub() }
        try await verified()
        guard let flowKey = refresher.deviceFlows.open(id),
            let fields = try store.openFlow(flowKey)
        else { return nil }
        let flow = try FlowRecord.decode(fields)
        switch flow.device {
        case .none: return nil
        case .some(let device): return DeviceAuthorization(id, device, expires: flow.expires)
        }
    }

    /// Waits until the user has decided and the tokens are durable, or nothing comes any more. In a
    /// new process it goes on polling for what an earlier one has started, as `run` does for all.
    /// Any number of tasks may wait; a task that is cancelled waits no longer, and the polling goes
    /// on. Once it has ended, its end is told again until the next one is started.
    ///
    /// - Throws: `flowEnded` where none is open, it was cancelled, or another one took its place;
    ///   `flowDenied`, `flowExpired`; as `complete` where the provider refuses the code, or what it
    ///   brings cannot be stored; `disconnecting`; `closed`, in which case the next process goes
    ///   on; `cancelled`.
    public func completeDeviceAuthorization(_ id: ConnectionID) async throws(VaultError) {
        try checkProcess()
        try await verified()
        let caller = Caller()
        let outcome = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation {
                (continuation: UnsafeContinuation<Caller.Outcome, Never>) in
                caller.wait { unsafe continuation.resume(returning: $0) }
                if Task.isCancelled { caller.resume(.failure(Self.waitCancelled)) }
                // First, so that whatever ends the polling finds who waits for it.
                refresher.deviceFlows.wait(id, caller)
                resumePolling(id)
            }
        } onCancel: {
            caller.resume(.failure(Self.waitCancelled))
        }
        try outcome.get()
    }

    private static let waitCancelled = VaultError(.cancelled, .vault)

    /// Ends an open device authorization: its codes are erased here, and what the provider grants
    /// for them after all is revoked.
    ///
    /// - Throws: `flowEnded` where none is open; `storeFull`, `closed`.
    public func cancelDeviceAuthorization(_ id: ConnectionID) async throws(VaultError) {
        try checkProcess()
        try await verified()
        let ended = VaultError(.flowEnded, .vault, connection: id)
        guard let flowKey = refresher.deviceFlows.open(id) else { throw ended }
        let commit = Commit()
        commit.add(.takeFlow(flowKey))
        do throws(VaultError) {
            _ = try await durable(commit)
        } catch {
            throw error.code == .notFound ? ended : error.concerning(id)
        }
        refresher.deviceFlows.end(id, flowKey, .failure(ended))
    }
}
