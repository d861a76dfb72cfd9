// SPDX-License-Identifier: Apache-2.0

// Single flight: however many callers want one connection refreshed, one request is sent.
extension Refresher {
    /// Joins the connection's flight, or starts one, and waits for its end. A caller that is
    /// cancelled stops waiting; the flight goes on.
    ///
    /// - Parameter isPatient: waits for an answer that does not come in time, too.
    /// - Throws: what ended the flight, or `cancelled`.
    func refresh(
        _ key: RecordKey, slot: UInt32, _ plan: Plan, isPatient: Bool = false
    ) async throws(VaultError) {
        // The caller opened the record, and goes on with another thread.
        MemoryHygiene.scrub()
        let number = shared.withLock { shared in
            defer { shared.nextWaiter += 1 }
            return shared.nextWaiter
        }
        let demander = Demander(
            key: key, slot: slot, plan: plan, number: number, isPatient: isPatient)
        let outcome = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation {
                (continuation: UnsafeContinuation<Outcome, Never>) in
                demand(demander, Waiter { unsafe continuation.resume(returning: $0) })
            }
        } onCancel: {
            leave(key, number)
        }
        try outcome.get()
    }

    /// A caller that wants a connection refreshed.
    private struct Demander {
        let key: RecordKey
        let slot: UInt32
        let plan: Plan
        let number: UpkeepState.WaiterID
        let isPatient: Bool
    }

    private func demand(_ demander: Demander, _ waiter: Waiter) {
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
            // Slots are given to others in time.
            guard store.owner(demander.slot)?.key == key else { return .refused(.notFound) }
            // Nobody boards, nor has a chance to.
            if shared.upkeep.isFull, shared.storage.isPresent { return .refused(.storeFull) }
            if let hold = hold(key, lane: plan.lane, death: plan.death, shared, now),
                shared.upkeep.flight(key) == nil
            {
                number = Int(clamping: max(0, now.milliseconds(since: hold.since)) / 1000)
                guard demander.isPatient else { return .refused(.answerOutstanding) }
                held = hold.until
                shared.waiters[demander.number] = waiter
                return .joined
            }
            let demand = shared.upkeep.demand(
                key, slot: demander.slot, lane: plan.lane, death: plan.death,
                waiter: demander.number, isPatient: demander.isPatient, now)
            if case .refused(let code) = demand {
                if code == .applicationMisconfigured {
                    application = shared.upkeep.lanes[plan.lane].application
                    return demand
                }
                if code == .notRefreshable {
                    let refusal = shared.upkeep.failures[key]?.refusal
                    let failure = FailureNumber(raw: Int64(refusal?.status ?? 0))
                    (number, detail) = (Int(failure.number), failure.detail)
                    detail.cause = .refreshRefused
                    return demand
                }
                number =
                    code == .backingOff
                    ? shared.upkeep.pauseSeconds(shared.upkeep.lanes[plan.lane].endpoint, now)
                    : shared.upkeep.flight(key).map { Self.age($0, now) } ?? 0
                return demand
            }
            shared.waiters[demander.number] = waiter
            return demand
        }
        switch demand {
        case .joined: if let held { wait(demander, until: held) }
        case .waits: alarm.ring()
        case .refused(let code):
            let error =
                application.map { rejection($0, demander.key) }
                ?? VaultError(code, .upkeep, number: number, detail: detail)
            waiter.resume(.failure(error))
        }
    }

    /// Asks again when the connection is left alone no longer, unless it has other tokens by then.
    private func wait(_ demander: Demander, until moment: UnixTime) {
        let milliseconds = moment.milliseconds(since: time.now())
        let ask: @Sendable () -> Void = { [self] in
            // Cancelled, or closed.
            let (waiter, isSettled) = shared.withLock { shared in
                (
                    shared.waiters.removeValue(forKey: demander.number),
                    shared.doubts[demander.key] == nil && !shared.isClosed
                )
            }
            guard let waiter else { return }
            if isSettled { waiter.resume(.success(())) } else { demand(demander, waiter) }
        }
        if !after(milliseconds: max(0, milliseconds), forSending: true, ask) { ask() }
    }

    private func leave(_ key: RecordKey, _ number: UpkeepState.WaiterID) {
        let waiter = shared.withLock { shared in
            shared.upkeep.leave(key, number)
            return shared.waiters.removeValue(forKey: number)
        }
        waiter?.resume(.failure(VaultError(.cancelled, .upkeep)))
    }

    /// Ends a flight: everybody who waits is told, and the connection is due again as planned.
    func finish(_ flight: Flight, _ outcome: Outcome, _ plan: Plan?) {
        // Slots are given to others in time: what is scheduled is the connection, not the slot.
        let isOwner = plan != nil && store.owner(flight.slot)?.key == flight.key
        let now = time.now()
        let (waiting, rings, isRoomy) = shared.withLock { shared -> ([Waiter], Bool, Bool) in
            shared.outgoing[flight.number] = nil
            shared.replaced[flight.number] = nil
            let isRoomy = shared.storage.note(.landed(flight.number))
            let before = shared.upkeep.heap.min?.deadline
            let isCurrent = shared.upkeep.isCurrent(flight)
            let wasFull = shared.upkeep.isFull
            var waiting = shared.upkeep.end(flight.number, now).compactMap {
                shared.waiters.removeValue(forKey: $0)
            }
            waiting += shared.mourners.removeValue(forKey: flight.number) ?? []
            if shared.isDraining, shared.upkeep.flights.isEmpty {
                waiting += shared.drainers
                shared.drainers = []
            }
            if isCurrent, isOwner, !shared.upkeep.isScheduled(flight.slot) {
                shared.upkeep.schedule(flight.slot, plan)
            }
            let isSooner = shared.isRunning && shared.upkeep.heap.min?.deadline != before
            // The end of a probe says when the next one may leave.
            let wakes = isSooner || wasFull || shared.upkeep.lanes[flight.lane].isRejected
            return (waiting, wakes || shared.upkeep.isHungry(flight.endpoint), isRoomy)
        }
        if isRoomy { publishStorage(false) }
        for waiter in waiting { waiter.resume(outcome) }
        if rings { alarm.ring() }
    }

    /// Ends a flight that failed for the time being; the next attempt is due after a back-off,
    /// sooner and before whoever dies later where the provider may have replaced the refresh token.
    func postpone(
        _ flight: Flight, _ error: VaultError, retryAfterSeconds: Int64? = nil,
        atLeastMilliseconds: Int64 = 0
    ) {
        let now = time.now()
        let random = randomness.next()
        let planned = shared.withLock { shared -> Plan? in
            // A failure of tokens that were replaced meanwhile.
            if shared.upkeep.isSuperseded(flight.number) { return nil }
            let grace = shared.upkeep.lanes[flight.lane].limits.reuseGraceSeconds
            let isInDoubt = shared.doubts[flight.key] != nil
            // What an orphan meets is nothing to the connection's next life.
            let failures =
                shared.upkeep.isOrphan(flight.number)
                ? 1
                : shared.upkeep.countFailure(
                    flight.key, isRefusal: error.code == .endpointRefused)
            let retry = RefreshPolicy.retry(
                now: now, failures: failures, retryAfterSeconds: retryAfterSeconds,
                reuseGraceSeconds: grace, random: random)
            let due = shared.upkeep.pause(
                flight.key, due: max(retry, now.adding(milliseconds: atLeastMilliseconds)), now,
                random: random)
            let death = isInDoubt ? min(due, flight.death) : flight.death
            return Plan(lane: flight.lane, due: due, death: death)
        }
        guard let planned else { return finish(flight, .success(()), currentPlan(flight)) }
        finish(flight, .failure(error), planned)
    }

    /// Takes a connection out of upkeep for its disconnect. Its flights, if any, are orphaned: an
    /// unsent request is cancelled, a sent one awaited at most `milliseconds`.
    ///
    /// - Returns: where an answer was still outstanding then, until when it is listened for.
    func orphan(_ key: RecordKey, slot: UInt32, milliseconds: Int64) async -> UnixTime? {
        let (orphans, waiting) = shared.withLock { shared -> ([Orphan], [Waiter]) in
            shared.unmetMinimums.forget(key)
            let flights = shared.upkeep.orphan(key, slot: slot)
            let orphans = flights.map { flight in
                Orphan(flight: flight, outgoing: shared.outgoing[flight.number])
            }
            let ids = flights.flatMap(\.allWaiters)
            return (orphans, ids.compactMap { shared.waiters.removeValue(forKey: $0) })
        }
        // Its answer is nobody's: nothing is sealed with that data key any more.
        for orphan in orphans { orphan.outgoing?.kept?.wipe() }
        for waiter in waiting {
            waiter.resume(.failure(VaultError(.disconnecting, .upkeep)))
        }
        let moment = time.now().adding(milliseconds: milliseconds)
        var end: UnixTime?
        for orphan in orphans {
            let request = orphan.outgoing?.request
            _ = request?.cancelIfUnsent()
            // What was not taken back was sent by now.
            let listens = Int64(
                max(request?.listenMilliseconds ?? 0, request?.deadlineMilliseconds ?? 0))
            let last = orphan.flight.listensUntil ?? time.now().adding(milliseconds: listens)
            if await !isAnswered(orphan.flight.number, until: moment) {
                end = max(end ?? last, last)
            }
        }
        return end
    }

    /// A flight of a connection that is being disconnected, as it was.
    private struct Orphan {
        let flight: Flight
        let outgoing: Outgoing?
    }

    /// Waits for a flight's end. False where it had not come by `moment`.
    private func isAnswered(_ number: UInt64, until moment: UnixTime) async -> Bool {
        await first { end in
            let isOut = shared.withLock { shared in
                guard shared.upkeep.isOut(number) else { return false }
                shared.mourners[number, default: []].append(Waiter { _ in end(true) })
                return true
            }
            guard isOut else { return end(true) }
            let milliseconds = max(0, moment.milliseconds(since: time.now()))
            if !after(milliseconds: milliseconds, { end(false) }) { end(false) }
        }
    }
}
