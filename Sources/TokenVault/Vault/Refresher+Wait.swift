// SPDX-License-Identifier: Apache-2.0

// Single flight: however many callers want one connection refreshed, one request is sent.
extension Refresher {
    /// Joins the connection's flight, or starts one, and waits for its end. A caller that is
    /// cancelled stops waiting; the flight goes on.
    ///
    /// - Throws: what ended the flight, or `cancelled`.
    func refresh(
        _ key: RecordKey, slot: UInt32, generation: UInt64
    ) async throws(VaultError) {
        // The caller opened the record, and goes on with another thread.
        MemoryHygiene.scrub()
        let waiter = shared.withLock { shared in
            defer { shared.nextWaiter += 1 }
            return shared.nextWaiter
        }
        let outcome = await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation {
                (continuation: UnsafeContinuation<Outcome, Never>) in
                board(
                    key, slot, generation, waiter,
                    Waiter { unsafe continuation.resume(returning: $0) })
            }
        } onCancel: {
            leave(key, waiter)
        }
        try outcome.get()
    }

    private func board(
        _ key: RecordKey, _ slot: UInt32, _ generation: UInt64,
        _ number: UpkeepState.WaiterID, _ waiter: Waiter
    ) {
        enum Boarding {
            case joined, starts
            case refused(VaultError)
        }
        let boarding = shared.withLock { shared -> Boarding in
            if shared.isClosed { return .refused(VaultError(.closed, .upkeep)) }
            if Task.isCancelled { return .refused(VaultError(.cancelled, .upkeep)) }
            if !shared.upkeep.join(key, number) {
                if shared.upkeep.isFull {
                    shared.waiters[number] = waiter
                    shared.queued.append(
                        Queued(key: key, slot: slot, generation: generation, waiter: number))
                    return .joined
                }
                guard
                    let flight = shared.upkeep.start(
                        key, slot: slot, generation: generation, waiter: number)
                else { return .refused(VaultError(.limitExceeded, .upkeep)) }
                shared.waiters[number] = waiter
                shared.boarding.append(flight)
                return .starts
            }
            shared.waiters[number] = waiter
            return .joined
        }
        switch boarding {
        case .joined: return
        case .refused(let error): waiter.resume(.failure(error))
        case .starts: alarm.ring()
        }
    }

    private func leave(_ key: RecordKey, _ number: UpkeepState.WaiterID) {
        let waiter = shared.withLock { shared in
            shared.upkeep.leave(key, number)
            return shared.waiters.removeValue(forKey: number)
        }
        waiter?.resume(.failure(VaultError(.cancelled, .upkeep)))
    }

    /// Ends a flight whose connection somebody else wrote meanwhile: fresh elsewhere. It is due
    /// when the record that is there now says.
    func finishElsewhere(_ flight: UpkeepState.Flight) {
        var deadline: UnixTime?
        do throws(VaultError) {
            if let opened = try store.open(flight.key) {
                deadline = self.deadline(ConnectionRecord(fields: opened.takeFields()))
            }
        } catch {
            deadline = time.now().adding(milliseconds: RefreshPolicy.backoffMillisecondsMax)
        }
        finish(flight, .success(()), deadline: deadline)
    }

    /// Ends a flight: everybody who waits is told, and the connection is due again at `deadline`.
    func finish(_ flight: UpkeepState.Flight, _ outcome: Outcome, deadline: UnixTime?) {
        // Slots are given to others in time: what is scheduled is the connection, not the slot.
        let isOwner = store.owner(flight.slot)?.key == flight.key
        let (waiting, rings) = shared.withLock { shared -> ([Waiter], Bool) in
            shared.requests[flight.number] = nil
            let wasFull = shared.upkeep.isFull
            let before = shared.upkeep.nextDeadline
            let isOrphan = shared.upkeep.isOrphan(flight.number)
            var waiting = shared.upkeep.end(flight).compactMap {
                shared.waiters.removeValue(forKey: $0)
            }
            waiting += shared.mourners.removeValue(forKey: flight.number) ?? []
            if !isOrphan, isOwner, deadline != nil {
                shared.upkeep.schedule(flight.slot, deadline)
            }
            let next = Self.nextQueued(&shared)
            if let next { shared.boarding.append(next) }
            let isSooner = wasFull || shared.upkeep.nextDeadline != before
            return (waiting, next != nil || shared.isRunning && isSooner)
        }
        for waiter in waiting { waiter.resume(outcome) }
        // A place in flight came free, or there is a new earliest deadline.
        if rings { alarm.ring() }
    }

    /// Starts the flight of the first who waits for one to be free.
    private static func nextQueued(_ shared: inout Shared) -> UpkeepState.Flight? {
        while !shared.upkeep.isFull, !shared.queued.isEmpty {
            let first = shared.queued.removeFirst()
            // Cancelled meanwhile, or helped by another's flight.
            guard shared.waiters[first.waiter] != nil,
                !shared.upkeep.join(first.key, first.waiter)
            else { continue }
            return shared.upkeep.start(
                first.key, slot: first.slot, generation: first.generation, waiter: first.waiter)
        }
        return nil
    }

    /// Ends a flight that failed for the time being; the next attempt is due after a back-off.
    func postpone(
        _ flight: UpkeepState.Flight, _ error: VaultError, retryAfterSeconds: Int64? = nil,
        atLeastMilliseconds: Int64 = 0
    ) {
        let failures = shared.withLock { $0.upkeep.countFailure(flight.key) }
        let now = time.now()
        let retry = RefreshPolicy.retry(
            now: now, failures: failures, retryAfterSeconds: retryAfterSeconds,
            random: randomness.next())
        let earliest = now.adding(milliseconds: atLeastMilliseconds)
        finish(flight, .failure(error), deadline: max(retry, earliest))
    }

    /// Takes a connection out of upkeep for its disconnect. Its flight, if any, is orphaned: an
    /// unsent request is cancelled, a sent one awaited at most `milliseconds`.
    ///
    /// - Returns: false where an answer was still outstanding then.
    func orphan(_ key: RecordKey, slot: UInt32, milliseconds: Int64) async -> Bool {
        let orphan = shared.withLock { shared -> (UInt64, TransportRequest?, [Waiter])? in
            guard let flight = shared.upkeep.orphan(key, slot: slot) else { return nil }
            let waiting = flight.waiters.compactMap { shared.waiters.removeValue(forKey: $0) }
            return (flight.number, shared.requests[flight.number], waiting)
        }
        guard let (number, request, waiting) = orphan else { return true }
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
                guard shared.upkeep.isOrphan(number) else { return false }
                shared.mourners[number, default: []].append(Waiter { _ in end(true) })
                return true
            }
            guard isOut else { return end(true) }
            _ = request?.cancelIfUnsent()
            after(milliseconds: milliseconds) { end(false) }
        }
    }
}
