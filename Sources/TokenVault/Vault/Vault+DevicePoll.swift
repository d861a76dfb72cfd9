// SPDX-License-Identifier: Apache-2.0

// Whether the user has decided: asked again and again, by a task of the vault's own.
extension Vault {
    /// Goes on with what earlier processes have started.
    func resumePolling() {
        for id in refresher.deviceFlows.unpolled { resumePolling(id) }
    }

    /// The same for one connection; nothing where it has none, or somebody polls.
    func resumePolling(_ id: ConnectionID) {
        guard let flowKey = refresher.deviceFlows.claim(id) else { return }
        // An earlier process may have been told to slow down, and all that it has left begin at
        // the same moment.
        var pace = DevicePace(intervalSeconds: storedInterval(flowKey))
        pace.slowDown()
        let pause = pace.pauseMilliseconds
        poll(id, flowKey, pace, after: pause + Int64.random(in: 0...pause))
    }

    /// How long is waited between two polls, as the provider said at first.
    private func storedInterval(_ flowKey: RecordKey) -> Int64 {
        do throws(VaultError) {
            guard let fields = try store.openFlow(flowKey) else {
                return DeviceReply.intervalSecondsDefault
            }
            return fields.integer(FlowTag.interval) ?? DeviceReply.intervalSecondsDefault
        } catch {
            return DeviceReply.intervalSecondsDefault
        }
    }

    /// Polls until the end, which is told to whoever waits. It keeps the vault alive only while a
    /// request is under way.
    ///
    /// - Parameter first: how many milliseconds later for the first time.
    func poll(
        _ id: ConnectionID, _ flowKey: RecordKey, _ pace: DevicePace, after first: Int64
    ) {
        Task { [weak self, refresher] in
            var pace = pace
            var pause = first
            while await refresher.pause(milliseconds: pause, forSending: true) {
                guard let next = await self?.step(id, flowKey, &pace) else { return }
                pause = next
            }
            let error = VaultError(.closed, .vault, connection: id)
            refresher.deviceFlows.release(id, flowKey, error)
        }
    }

    /// One poll. Returns how many milliseconds later the next one is due; nil at the end.
    private func step(
        _ id: ConnectionID, _ flowKey: RecordKey, _ pace: inout DevicePace
    ) async -> Int64? {
        defer { MemoryHygiene.scrub() }
        guard refresher.deviceFlows.beginPoll() else { return Self.crowdedMilliseconds }
        defer { refresher.deviceFlows.endPoll() }
        guard refresher.deviceFlows.isOpen(id, flowKey) else {
            // Another one was started at the same time, and is the one that counts.
            let commit = Commit()
            commit.mayUseReserve = true
            commit.add(.takeFlow(flowKey))
            _ = try? await durable(commit)
            return nil
        }
        do throws(VaultError) {
            guard let fields = try store.openFlow(flowKey) else {
                throw VaultError(.flowEnded, .vault)
            }
            let flow = try FlowRecord.decode(fields)
            do throws(VaultError) {
                guard try await ask(flow, flowKey, &pace) else { return nil }
            } catch {
                guard error.isPassing else {
                    await fail(flow, flowKey, error)
                    return nil
                }
                pace.fail()
            }
            // The end is told when it comes.
            let left = flow.expires.milliseconds(since: time.now())
            return max(0, min(pace.pauseMilliseconds, left))
        } catch {
            if error.isPassing || error.code == .closed {
                pace.fail()
                return pace.pauseMilliseconds
            }
            refresher.deviceFlows.end(id, flowKey, .failure(error.concerning(id)))
            return nil
        }
    }

    /// How much later a poll is tried again for which there is no room beside others, in
    /// milliseconds.
    private static let crowdedMilliseconds: Int64 = 1000

    /// Ends a flow that brings no tokens any more: its codes are erased.
    private func fail(
        _ flow: borrowing PendingAuthorization, _ flowKey: RecordKey, _ error: VaultError
    ) async {
        // The next process goes on.
        if error.code == .closed {
            return refresher.deviceFlows.release(flow.connection, flowKey, error)
        }
        let commit = Commit()
        commit.mayUseReserve = true
        commit.add(.takeFlow(flowKey))
        // Where it is gone, it was cancelled, or another one took its place.
        let isOurs = (try? await durable(commit)) != nil
        let wasEnded = error.code == .flowEnded || error.code == .disconnecting
        if isOurs, !wasEnded { await recordFailure(of: NewGrant(flow), error) }
        refresher.deviceFlows.end(
            flow.connection, flowKey, .failure(error.concerning(flow.connection)))
    }

    /// Asks once, and stores what is granted. False where it was.
    private func ask(
        _ flow: borrowing PendingAuthorization, _ flowKey: RecordKey, _ pace: inout DevicePace
    ) async throws(VaultError) -> Bool {
        guard time.now() < flow.expires else { throw VaultError(.flowExpired, .vault) }
        let life = try store.version(store.key(.connection, flow.connection.text))?.life
        let room = try await exchangeRoom()
        let application = try store.application(flow.application, for: flow.own)
        try network.addressGuard.check(application.provider.tokenEndpoint, .tokenEndpoint)
        let probe = refresher.beginProbe(application.id, flow.own)
        let answer = Answer()
        // Nobody is kept waiting by this: what comes after the deadline is stored as well.
        let place = exchangeListeners.take()
        defer { withExtendedLifetime(place) {} }
        let request = try pollRequest(flow, application, answer, isListenedTo: place != nil)
        let requestedAt = time.now()
        network.endpoint.send(request)
        let verdict = await answer.wait()
        let step = verdict.deviceStep
        switch step {
        case .goOn: pace.goOn()
        case .slowDown(let seconds): pace.slowDown(retryAfterSeconds: seconds)
        case .failed(let seconds): pace.fail(retryAfterSeconds: seconds)
        case .end: break
        }
        guard step == .end else { return true }
        let granted = try granted(of: verdict, application, requestedAt, place)
        refresher.accept(probe, flow.connection)
        var found: LookupFinding?
        do throws(VaultError) {
            found = try await take(
                granted, application, flow.own, [:], NewGrant(flow), life, room, place: place,
                taking: flowKey)
        } catch {
            let isGone = error.code == .notFound
            await fail(flow, flowKey, isGone ? VaultError(.flowEnded, .vault) : error)
            return false
        }
        await lookUp(with: granted, application, flow.connection, known: found)
        refresher.deviceFlows.end(flow.connection, flowKey, .success(()))
        return false
    }

    private func pollRequest(
        _ flow: borrowing PendingAuthorization, _ application: borrowing Application,
        _ answer: Answer, isListenedTo: Bool
    ) throws(VaultError) -> TransportRequest {
        switch flow.device {
        case .none: throw VaultError(.recordDamaged, .vault)
        case .some(let device):
            let nothing: TransportRequest.Overdue = {}
            return try network.endpoint.poll(
                with: device.code, for: application,
                listenMilliseconds: isListenedTo ? ExchangeListeners.milliseconds : 0,
                overdue: isListenedTo ? nothing : nil
            ) { verdict in answer.give(verdict) }
        }
    }

    /// The tokens; where there are none, why, as the user sees it.
    private func granted(
        of verdict: consuming Verdict, _ application: borrowing Application,
        _ requestedAt: UnixTime, _ place: ExchangeListeners.Place?
    ) throws(VaultError) -> GrantedTokens {
        do throws(VaultError) {
            return try granted(verdict, application, requestedAt, place)
        } catch {
            switch error.detail.error {
            case .accessDenied, .authorizationDeclined: throw VaultError(.flowDenied, .vault)
            case .expiredToken: throw VaultError(.flowExpired, .vault)
            default:
                var detail = error.detail
                detail.subject = .deviceCode
                throw VaultError(
                    error.code, error.stage, connection: error.connection, number: error.number,
                    detail: detail, retryTime: error.retryTime)
            }
        }
    }
}
