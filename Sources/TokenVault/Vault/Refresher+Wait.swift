// SPDX-License-Identifier: Apache-2.0

// Single flight: however many callers want one connection refreshed, one request is sent.
extension Refresher {
    /// Joins the connection's flight, or starts one, and waits for its end. A caller that is
    /// cancelled stops waiting; the flight goes on.
    ///
    /// - Throws: what ended the flight, or `cancelled`.
    func refresh(_ key: RecordKey, slot: UInt32, _ plan: Plan) async throws(VaultError) {
        // The caller opened the record, and goes on with another thread.
        MemoryHygiene.scrub()
        let waiter = shared.withLock { shared in
            defer { shared.nextWaiter += 1 }
            return shared.nextWaiter
        }
        let outcome = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation {
                (continuation: UnsafeContinuation<Outcome, Never>) in
                demand(
                    key, slot, plan, waiter, Waiter { unsafe continuation.resume(returning: $0) })
            }
        } onCancel: {
            leave(key, waiter)
        }
        try outcome.get()
    }

    private func demand(
        _ key: RecordKey, _ slot: UInt32, _ plan: Plan, _ number: UpkeepState.WaiterID,
        _ waiter: Waiter
    ) {
        let now = time.now()
        let demand = shared.withLock { shared -> UpkeepState.Demand in
            if shared.isClosed { return .refused(.closed) }
            if Task.isCancelled { return .refused(.cancelled) }
            // Slots are given to others in time.
            guard store.owner(slot)?.key == key else { return .refused(.notFound) }
            // Nobody boards, nor has a chance to.
            if shared.upkeep.isFull, shared.storage.isPresent { return .refused(.storeFull) }
            let demand = shared.upkeep.demand(
                key, slot: slot, lane: plan.lane, death: plan.death, waiter: number, now)
            if case .refused = demand { return demand }
            shared.waiters[number] = waiter
            return demand
        }
        switch demand {
        case .joined: return
        case .waits: alarm.ring()
        case .refused(let code): waiter.resume(.failure(VaultError(code, .upkeep)))
        }
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
            let isRoomy = shared.storage.note(.landed(flight.number))
            let before = shared.upkeep.heap.min?.deadline
            let isOrphan = shared.upkeep.isOrphan(flight.number)
            let wasFull = shared.upkeep.isFull
            var waiting = shared.upkeep.end(flight.number, now).compactMap {
                shared.waiters.removeValue(forKey: $0)
            }
            waiting += shared.mourners.removeValue(forKey: flight.number) ?? []
            if !isOrphan, isOwner, !shared.upkeep.isScheduled(flight.slot) {
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
        let tally = shared.withLock { shared -> (Int, Int64, Bool)? in
            // A failure of tokens that were replaced meanwhile.
            if shared.upkeep.isSuperseded(flight.number) { return nil }
            let grace = shared.upkeep.lanes[flight.lane].limits.reuseGraceSeconds
            let isInDoubt = shared.doubts[flight.key] != nil
            // What an orphan meets is nothing to the connection's next life.
            let failures =
                shared.upkeep.isOrphan(flight.number)
                ? 1
                : shared.upkeep.countFailure(
                    flight.key, isRefusal: error.code == .providerRefused)
            return (failures, grace, isInDoubt)
        }
        guard let (failures, grace, isInDoubt) = tally else {
            return finish(flight, .success(()), currentPlan(flight))
        }
        let now = time.now()
        let retry = RefreshPolicy.retry(
            now: now, failures: failures, retryAfterSeconds: retryAfterSeconds,
            reuseGraceSeconds: grace, random: randomness.next())
        let due = max(retry, now.adding(milliseconds: atLeastMilliseconds))
        let death = isInDoubt ? min(due, flight.death) : flight.death
        finish(flight, .failure(error), Plan(lane: flight.lane, due: due, death: death))
    }

    /// Takes a connection out of upkeep for its disconnect. Its flight, if any, is orphaned: an
    /// unsent request is cancelled, a sent one awaited at most `milliseconds`.
    ///
    /// - Returns: false where an answer was still outstanding then.
    func orphan(_ key: RecordKey, slot: UInt32, milliseconds: Int64) async -> Bool {
        let orphan = shared.withLock { shared -> (UInt64, Outgoing?, [Waiter])? in
            shared.unmetMinimums.forget(key)
            guard let flight = shared.upkeep.orphan(key, slot: slot) else { return nil }
            let waiting = flight.waiters.compactMap { shared.waiters.removeValue(forKey: $0) }
            return (flight.number, shared.outgoing[flight.number], waiting)
        }
        guard let (number, outgoing, waiting) = orphan else { return true }
        // Its answer is nobody's: nothing is sealed with that data key any more.
        outgoing?.kept?.wipe()
        for waiter in waiting {
            waiter.resume(.failure(VaultError(.disconnecting, .upkeep)))
        }
        return unsafe await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Bool, Never>) in
            // Whichever comes first, the answer or the limit, resumes; the other finds it done.
            let once = Monitor(false)
            let end: @Sendable (Bool) -> Void = { answered in
                let isFirst = once.withLock { done in
                    defer { done = true }
                    return !done
                }
                if isFirst { unsafe continuation.resume(returning: answered) }
            }
            let isOut = shared.withLock { shared in
                guard shared.upkeep.isOut(number) else { return false }
                shared.mourners[number, default: []].append(Waiter { _ in end(true) })
                return true
            }
            guard isOut else { return end(true) }
            _ = outgoing?.request.cancelIfUnsent()
            if !after(milliseconds: milliseconds, { end(false) }) { end(false) }
        }
    }
}
