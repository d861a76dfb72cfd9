// SPDX-License-Identifier: Apache-2.0

// Single flight: however many callers want one connection refreshed, one request is sent.
extension Refresher {
    /// Joins the connection's attempt, or starts one, and waits for its end. A caller that is
    /// cancelled stops waiting; the attempt goes on.
    ///
    /// - Parameter isPatient: waits for an answer that does not come in time, too.
    /// - Throws: what ended the attempt, or `cancelled`.
    func refresh(
        _ key: RecordKey, handle: Handle, _ plan: Plan, isPatient: Bool = false
    ) async throws(VaultError) {
        // The caller opened the record, and goes on with another thread.
        MemoryHygiene.scrub()
        let caller = Caller()
        let demander = Demander(
            key: key, handle: handle, plan: plan, isPatient: isPatient, caller: caller)
        let outcome = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation {
                (continuation: UnsafeContinuation<Outcome, Never>) in
                caller.wait { unsafe continuation.resume(returning: $0) }
                demand(demander)
            }
        } onCancel: {
            shared.withLock { $0.upkeep.attempts[key]?.leave(caller) }
            caller.resume(.failure(VaultError(.cancelled, .upkeep)))
        }
        try outcome.get()
    }

    /// What a caller wants that needs a connection refreshed.
    private struct Demander {
        let key: RecordKey
        let handle: Handle
        let plan: Plan
        let isPatient: Bool
        let caller: Caller
    }

    private func demand(_ demander: Demander) {
        let now = time.now()
        var held: UnixTime?
        // In seconds: for how long an answer is outstanding, or nothing is sent.
        var number = 0
        var detail = FailureDetail()
        var application: ApplicationID?
        let demand = shared.withLock { shared -> UpkeepState.Demand in
            if shared.sendsNothing { return .refused(.closed) }
            if Task.isCancelled { return .refused(.cancelled) }
            let (key, plan) = (demander.key, demander.plan)
            // A handle may be another's in time.
            guard store.key(of: demander.handle) == key else { return .refused(.notFound) }
            // Nothing can be prepared.
            if shared.upkeep.isFull, shared.storage.isPresent { return .refused(.storeFull) }
            if let hold = hold(key, queue: plan.queue, death: plan.death, shared, now),
                shared.upkeep.attempts[key] == nil
            {
                number = Int(clamping: max(0, now.milliseconds(since: hold.since)) / 1000)
                guard demander.isPatient else { return .refused(.answerOutstanding) }
                held = hold.until
                return .joined
            }
            let demand = shared.upkeep.demand(
                key, handle: demander.handle, queue: plan.queue, death: plan.death,
                caller: demander.caller, isPatient: demander.isPatient, now)
            guard case .refused(let code) = demand else { return demand }
            switch code {
            case .applicationMisconfigured:
                application = shared.upkeep.queues[plan.queue].application
            case .notRefreshable:
                let refusal = shared.upkeep.failures[key]?.refusal
                let failure = FailureNumber(raw: Int64(refusal?.status ?? 0))
                (number, detail) = (Int(failure.number), failure.detail)
                detail.cause = .refreshRefused
            case .backingOff:
                number = shared.upkeep.pauseSeconds(
                    shared.upkeep.queues[plan.queue].endpoint, now)
            default:
                number = shared.upkeep.attempts[key].map { Self.age($0, now) } ?? 0
            }
            return demand
        }
        switch demand {
        case .joined: if let held { wait(demander, until: held) }
        case .waits: alarm.ring()
        case .refused(let code):
            let error =
                application.map { rejection($0, demander.key) }
                ?? VaultError(code, .upkeep, number: number, detail: detail)
            demander.caller.resume(.failure(error))
        }
    }

    /// Asks again when the connection is left alone no longer, unless it has other tokens by then.
    private func wait(_ demander: Demander, until moment: UnixTime) {
        let milliseconds = moment.milliseconds(since: time.now())
        let ask: @Sendable () -> Void = { [self] in
            // Else it was cancelled.
            guard demander.caller.isWaiting else { return }
            let isSettled = shared.withLock { shared in
                shared.doubts[demander.key] == nil && !shared.isClosed
            }
            if isSettled { demander.caller.resume(.success(())) } else { demand(demander) }
        }
        if !after(milliseconds: max(0, milliseconds), forSending: true, ask) { ask() }
    }

    /// Ends an attempt: everybody who waits is told, and the connection is due again as planned.
    func finish(_ attempt: RefreshAttempt, _ outcome: Outcome, _ plan: Plan?) {
        // A handle may stand for another record by now: it is the connection that is scheduled.
        let isOwner = plan != nil && store.key(of: attempt.handle) == attempt.key
        let now = time.now()
        let (waiting, rings, isRoomy) = shared.withLock { shared -> ([Caller], Bool, Bool) in
            attempt.replacedGrant = nil
            let isRoomy = shared.storage.note(.stored(attempt.number))
            let before = shared.upkeep.heap.min?.deadline
            let isCurrent = shared.upkeep.attempts.isCurrent(attempt)
            let wasFull = shared.upkeep.isFull
            var waiting = shared.upkeep.end(attempt, now) + attempt.takeDisconnects()
            if shared.isDraining, shared.upkeep.attempts.isEmpty {
                waiting += shared.drainers
                shared.drainers = []
            }
            if isCurrent, isOwner, !shared.upkeep.isScheduled(attempt.handle) {
                shared.upkeep.schedule(attempt.handle, plan)
            }
            let isSooner = shared.isRunning && shared.upkeep.heap.min?.deadline != before
            // The end of a probe says when the next one may leave.
            let wakes = isSooner || wasFull || shared.upkeep.queues[attempt.queue].isRejected
            return (waiting, wakes || shared.upkeep.wantsMore(attempt.endpoint), isRoomy)
        }
        if isRoomy { publishStorage(false) }
        for caller in waiting { caller.resume(outcome) }
        if rings { alarm.ring() }
    }

    /// Ends an attempt that failed for the time being; the next attempt is due after a back-off,
    /// sooner and before whoever dies later where the provider may have replaced the refresh token.
    func postpone(
        _ attempt: RefreshAttempt, _ error: VaultError, retryAfterSeconds: Int64? = nil,
        atLeastMilliseconds: Int64 = 0
    ) {
        let now = time.now()
        let random = randomness.next()
        let planned = shared.withLock { shared -> Plan? in
            // A failure of tokens that were replaced meanwhile.
            if attempt.isSuperseded { return nil }
            let grace = shared.upkeep.queues[attempt.queue].limits.reuseGraceSeconds
            let isInDoubt = shared.doubts[attempt.key] != nil
            // An orphan's failure does not concern the connection's next life.
            let failures =
                attempt.isOrphan
                ? 1
                : shared.upkeep.countFailure(
                    attempt.key, isRefusal: error.code == .endpointRefused)
            let retry = RefreshPolicy.retry(
                now: now, failures: failures, retryAfterSeconds: retryAfterSeconds,
                reuseGraceSeconds: grace, random: random)
            let due = shared.upkeep.pause(
                attempt.key, due: max(retry, now.adding(milliseconds: atLeastMilliseconds)), now,
                random: random)
            let death = isInDoubt ? min(due, attempt.death) : attempt.death
            return Plan(queue: attempt.queue, due: due, death: death)
        }
        guard let planned else { return finish(attempt, .success(()), currentPlan(attempt)) }
        finish(attempt, .failure(error), planned)
    }

    /// Keeps other calls from erasing the same; to be ended by the same call.
    func beginErasing(_ key: RecordKey) throws(VaultError) {
        guard shared.withLock({ $0.erasing.insert(key).inserted }) else {
            throw VaultError(.disconnecting, .vault)
        }
    }

    func endErasing(_ key: RecordKey) { shared.withLock { _ = $0.erasing.remove(key) } }

    /// Takes a connection out of upkeep for its disconnect. Its attempts, if any, are orphaned: an
    /// unsent request is cancelled, a sent one awaited at most `milliseconds`.
    ///
    /// - Returns: where an answer was still outstanding then, until when it is listened for.
    func orphan(_ key: RecordKey, handle: Handle, milliseconds: Int64) async -> UnixTime? {
        let now = time.now()
        let (orphans, callers) = shared.withLock { shared in
            shared.unmetMinimums.forget(key)
            let (attempts, callers) = shared.upkeep.orphan(key, handle: handle)
            return (attempts.map { Orphan($0, now) }, callers)
        }
        // Its answer is revoked, never stored: nothing is sealed with that data key any more.
        for orphan in orphans { orphan.attempt.kept?.wipe() }
        for caller in callers {
            caller.resume(.failure(VaultError(.disconnecting, .upkeep)))
        }
        let moment = now.adding(milliseconds: milliseconds)
        var end: UnixTime?
        for orphan in orphans {
            // What is not taken back was sent by now.
            _ = orphan.request?.cancelIfUnsent()
            if await !isEnded(orphan.attempt, by: moment) {
                end = max(end ?? orphan.last, orphan.last)
            }
        }
        return end
    }

    /// An attempt of a connection that is being disconnected, as it was.
    private struct Orphan {
        let attempt: RefreshAttempt
        let request: TransportRequest?
        /// Until when its answer is listened for.
        let last: UnixTime

        init(_ attempt: RefreshAttempt, _ now: UnixTime) {
            self.attempt = attempt
            request = attempt.outgoing
            let milliseconds = Int64(
                max(request?.listenMilliseconds ?? 0, request?.deadlineMilliseconds ?? 0))
            last = attempt.listensUntil ?? now.adding(milliseconds: milliseconds)
        }
    }

    /// Waits for an attempt's end. False where it had not come by `moment`.
    private func isEnded(_ attempt: RefreshAttempt, by moment: UnixTime) async -> Bool {
        await first { end in
            let isOut = shared.withLock { _ in
                guard attempt.stage != .ended else { return false }
                attempt.disconnects.append(Caller { _ in end(true) })
                return true
            }
            guard isOut else { return end(true) }
            let milliseconds = max(0, moment.milliseconds(since: time.now()))
            if !after(milliseconds: milliseconds, { end(false) }) { end(false) }
        }
    }
}
