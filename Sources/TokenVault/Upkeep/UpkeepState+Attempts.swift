// SPDX-License-Identifier: Apache-2.0

import DequeModule

// What happens to an attempt before its turn and after it was sent, one method for each event.
extension UpkeepState {
    /// What becomes of a caller's wish.
    enum Demand: Equatable {
        /// There is an attempt already; the caller shares it.
        case joined
        /// An attempt waits for its turn now, before all that is merely due.
        case waits
        /// Not now: the provider is down or asked for a pause, or rejects the application.
        case refused(VaultError.Code)
    }

    /// Asked for: a caller wants a connection refreshed.
    mutating func demand(
        _ key: RecordKey, handle: Handle, queue: Int, death: UnixTime, caller: Caller,
        isPatient: Bool = false, _ now: UnixTime
    ) -> Demand {
        if let attempt = attempts[key] {
            if isPatient {
                attempt.patientCallers.append(caller)
                return .joined
            }
            if attempt.stage == .overdue { return .refused(.answerOutstanding) }
            attempt.callers.append(caller)
            return .joined
        }
        let endpoint = queues[queue].endpoint
        if isPaused(key, now) { return .refused(.notRefreshable) }
        guard queues[queue].isOpen(now),
            !queues[queue].isRejected || queues[queue].mayRisk(handle, now)
        else {
            return .refused(.applicationMisconfigured)
        }
        guard pauseMilliseconds(endpoint, now) <= Self.patienceMilliseconds else {
            return .refused(.backingOff)
        }
        guard demandCount < Self.demandsMax else { return .refused(.limitExceeded) }
        demandCount += 1
        let attempt = RefreshAttempt(
            number: takeNumber(), key: key, handle: handle, queue: queue,
            application: queues[queue].application, death: death, stage: .waiting)
        if isPatient { attempt.patientCallers = [caller] } else { attempt.callers = [caller] }
        attempts.insert(attempt)
        schedule(handle, nil)
        queues[queue].add(
            ApplicationQueue.Entry(
                death: UnixTime(milliseconds: .min), handle: handle, attempt: attempt))
        notePending(endpoint)
        return .waits
    }

    /// Superseded: somebody stored other tokens. What is out may not leave with the old ones,
    /// unless a byte of it has left already; an answer by now does not concern the new ones.
    /// One that is overdue is detached.
    ///
    /// - Returns: the attempt with the old ones; nil where there is none.
    mutating func supersede(_ key: RecordKey) -> RefreshAttempt? {
        guard let attempt = attempts[key], attempt.stage != .waiting else { return nil }
        attempt.isSuperseded = true
        queues[attempt.queue].suspicion.forgetSuccess(attempt.handle)
        if attempt.stage == .overdue { detach(attempt) }
        return attempt
    }

    /// Orphaned: the connection is being disconnected. It leaves the schedule, and its attempt ends
    /// where its turn has not come. Detached ones of it are orphans from now on too.
    ///
    /// - Returns: all of them, and who waited for them.
    mutating func orphan(
        _ key: RecordKey, handle: Handle
    ) -> (attempts: [RefreshAttempt], callers: [Caller]) {
        forgetRisk(handle)
        schedule(handle, nil)
        clearFailures(key)
        var orphans = attempts.detached(from: key)
        if let attempt = attempts[key] {
            orphans.append(attempt)
            queues[attempt.queue].suspicion.forgetSuccess(handle)
            if attempt.stage == .overdue { attempt.isDetached = true }
        }
        let callers = orphans.flatMap { $0.takeCallers() }
        for attempt in orphans {
            attempt.isOrphan = true
            if attempt.stage == .waiting {
                forgetDemand(attempt)
            } else {
                attempts.separate(attempt)
            }
        }
        return (orphans, callers)
    }

    /// Answered, or not sent: until what follows from it is stored it keeps its place.
    mutating func answered(
        _ attempt: RefreshAttempt, _ outcome: Governor.Outcome, _ now: UnixTime, random: UInt64
    ) {
        switch attempt.stage {
        case .sent:
            endpoints[attempt.endpoint].governor.end(outcome, now, random: random)
            endInFlight(attempt)
        case .overdue: endListening(attempt, outcome, now, random: random)
        case .preparing, .ready: giveUpPlace(attempt)
        case .waiting, .answered, .ended: return
        }
        attempt.stage = .answered
    }

    /// Ended: what followed from it is stored, or nothing did.
    ///
    /// - Returns: who waited; nobody, where it was orphaned.
    @discardableResult
    mutating func end(_ attempt: RefreshAttempt, _ now: UnixTime) -> [Caller] {
        switch attempt.stage {
        case .waiting: demandCount -= 1
        case .preparing, .ready: giveUpPlace(attempt)
        case .sent:
            endpoints[attempt.endpoint].governor.end(.unsent, now, random: 0)
            endInFlight(attempt)
        case .overdue: endListening(attempt, .unsent, now, random: 0)
        case .answered: break
        case .ended: return []
        }
        if attempt.stage != .waiting {
            activeCount -= 1
            queues[attempt.queue].end(attempt.handle, now)
        }
        attempt.stage = .ended
        attempts.remove(attempt)
        return attempt.takeCallers()
    }

    /// What is prepared does not leave.
    private mutating func giveUpPlace(_ attempt: RefreshAttempt) {
        endpoints[attempt.endpoint].preparedCount -= 1
        queues[attempt.queue].giveUp()
    }

    /// What waits for its turn is taken out of its queue.
    private mutating func forgetDemand(_ attempt: RefreshAttempt) {
        demandCount -= 1
        attempt.stage = .ended
        attempts.remove(attempt)
    }

    // MARK: Taken back

    /// What a queue has ready or waiting that a pause keeps from leaving: the attempts to take
    /// back, and the callers to tell. The connections stay in the queue.
    ///
    /// - Parameter endpoint: where the answer came from that closed the queue or began the pause.
    mutating func recall(
        _ queue: Int, at endpoint: Int, _ now: UnixTime
    ) -> (attempts: [RefreshAttempt], callers: [Caller]) {
        let isPaused = pauseMilliseconds(endpoint, now) > Self.patienceMilliseconds
        var callers: [Caller] = []
        for other in isPaused ? endpoints[endpoint].queues : [queue]
        where isPaused || !queues[other].isOpen(now) {
            callers += dismissDemands(other)
        }
        // Its application may have moved, and some be ready where it was before.
        let isClosed = !queues[queue].isOpen(now)
        var attempts: [RefreshAttempt] = []
        for other in pending where isClosed || isPaused && other == endpoint {
            attempts += endpoints[other].ready.filter { attempt in
                attempt.stage == .ready
                    && (isPaused && other == endpoint || isClosed && attempt.queue == queue)
            }
        }
        return (attempts, callers)
    }

    /// All callers whose attempts have not had their turn: nothing will for now.
    mutating func dismissAllDemands() -> [Caller] {
        guard demandCount > 0 else { return [] }
        var callers: [Caller] = []
        for queue in queues.indices where demandCount > 0 { callers += dismissDemands(queue) }
        return callers
    }

    private mutating func dismissDemands(_ queue: Int) -> [Caller] {
        var callers: [Caller] = []
        let live = backlogged
        for entry in queues[queue].removeDemands({ live[$0] == queue }) {
            guard let attempt = entry.attempt, attempt.stage == .waiting else { continue }
            callers += attempt.takeCallers()
            forgetDemand(attempt)
            enqueue(queue, attempt.handle, death: attempt.death)
        }
        return callers
    }

    // MARK: Successes

    /// A connection was refreshed; nothing where it is gone, or has other tokens by now.
    mutating func noteSuccess(_ attempt: RefreshAttempt, _ now: UnixTime) {
        guard !attempt.isOfTheFormer else { return }
        queues[attempt.queue].suspicion.note(
            Suspicion.Success(handle: attempt.handle, key: attempt.key, time: now))
    }
}
