// SPDX-License-Identifier: Apache-2.0

import DequeModule

// From a queue to the wire: whose turn it is, and when it leaves.
extension UpkeepState {
    /// One whose turn has come: its request is to be made, and its attempt record written.
    struct Turn {
        let handle: Handle
        let queue: Int
        let endpoint: Int
        let death: UnixTime
        /// Since when it is due, where nobody asked for it.
        let due: UnixTime?
        /// The attempt that callers wait for; nil where it is merely due.
        let attempt: RefreshAttempt?
    }

    /// Takes those whose turn has come, at most `limit`, the most urgent of each endpoint first.
    /// Each has to `begin` or to `release` then.
    ///
    /// - Parameter onlyDemands: leaves alone what is merely due.
    mutating func takeTurns(_ now: UnixTime, limit: Int, onlyDemands: Bool) -> [Turn] {
        var turns: [Turn] = []
        var left = pending.count
        while left > 0, turns.count < limit, activeCount < Self.attemptsMax {
            left -= 1
            // Each time it begins with another endpoint, so that none is passed over for ever.
            let endpoint = pending.removeFirst()
            let wantsMore =
                pauseMilliseconds(endpoint, now) < Self.patienceMilliseconds
                && (endpoints[endpoint].wantsMore || isHeldUp(endpoint))
            var isEmpty = false
            while wantsMore, turns.count < limit, activeCount < Self.attemptsMax,
                hasRoom(endpoint)
            {
                guard let turn = takeFirst(endpoint, now, onlyDemands: onlyDemands) else {
                    isEmpty = true
                    break
                }
                turns.append(turn)
            }
            if isEmpty, isIdle(endpoint) {
                endpoints[endpoint].isPending = false
            } else {
                pending.append(endpoint)
            }
        }
        return turns
    }

    /// Whether no further attempt may be prepared.
    var isFull: Bool { activeCount >= Self.attemptsMax }

    /// Whether an endpoint has something that could be prepared now.
    func wantsMore(_ endpoint: Int) -> Bool {
        let waiting = endpoints[endpoint]
        return waiting.isPending && waiting.wantsMore
            && waiting.queues.contains { queues[$0].first != nil }
    }

    var anyWantsMore: Bool { pending.contains { wantsMore($0) } }

    /// Whether there is room for one more. Those at risk find room beside all that waits for them.
    private func hasRoom(_ endpoint: Int) -> Bool {
        let beyond = endpoints[endpoint].preparedCount - endpoints[endpoint].preparedMax
        return beyond < 0 || beyond < Suspicion.riskedMax && isHeldUp(endpoint)
    }

    /// Whether an application of an endpoint waits for those at risk.
    private func isHeldUp(_ endpoint: Int) -> Bool {
        endpoints[endpoint].queues.contains { queues[$0].isFullOfRisks }
    }

    private func isIdle(_ endpoint: Int) -> Bool {
        endpoints[endpoint].ready.isEmpty
            && endpoints[endpoint].queues.allSatisfy { queues[$0].first == nil }
    }

    private mutating func takeFirst(
        _ endpoint: Int, _ now: UnixTime, onlyDemands: Bool
    ) -> Turn? {
        var least: (queue: Int, entry: ApplicationQueue.Entry)?
        for queue in endpoints[endpoint].queues {
            dropStale(queue)
            guard queues[queue].mayPrepare(now),
                let entry = queues[queue].isCareful
                    ? mostPromising(queue, now, onlyDemands: onlyDemands) : queues[queue].first
            else { continue }
            if let least, least.entry < entry { continue }
            least = (queue, entry)
        }
        guard let (queue, entry) = least,
            queues[queue].isCareful || entry.attempt != nil || !onlyDemands
        else { return nil }
        // One from the middle stays there as a stale one.
        if queues[queue].first == entry { queues[queue].removeFirst() }
        queues[queue].begin(entry.handle)
        endpoints[endpoint].preparedCount += 1
        activeCount += 1
        if let attempt = entry.attempt {
            demandCount -= 1
            takeTurn(attempt, endpoint)
        } else {
            backlogged[entry.handle] = nil
        }
        return Turn(
            handle: entry.handle, queue: queue, endpoint: endpoint,
            death: entry.attempt?.death ?? entry.death, due: entry.due, attempt: entry.attempt)
    }

    private func takeTurn(_ attempt: RefreshAttempt, _ endpoint: Int) {
        attempt.takeTurn(
            endpoint, revision: queues[attempt.queue].revision,
            isListenable: isListenedTo(attempt.queue))
    }

    /// Drops what was taken out of upkeep, or had its turn, since it came into the queue.
    private mutating func dropStale(_ queue: Int) {
        while let first = queues[queue].first {
            if isLive(first, queue) { return }
            queues[queue].removeFirst()
        }
    }

    func isLive(_ entry: ApplicationQueue.Entry, _ queue: Int) -> Bool {
        entry.attempt.map { $0.stage == .waiting } ?? (backlogged[entry.handle] == queue)
    }

    /// Due: the attempt of one whose turn has come. Nil where its connection has another attempt by
    /// now, was disconnected, or is not to be asked yet: its turn is given back then.
    mutating func begin(_ turn: Turn, _ key: RecordKey, _ now: UnixTime) -> RefreshAttempt? {
        if let attempt = turn.attempt, attempts.isCurrent(attempt) { return attempt }
        guard turn.attempt == nil, attempts[key] == nil else {
            release(turn, UnixTime(milliseconds: 0))
            return nil
        }
        if let end = overduePause(turn, key, now) {
            release(turn, now)
            schedule(turn.handle, Plan(queue: turn.queue, due: end, death: end))
            return nil
        }
        let attempt = RefreshAttempt(
            number: takeNumber(), key: key, handle: turn.handle, queue: turn.queue,
            application: queues[turn.queue].application, death: turn.death, stage: .preparing)
        attempt.due = turn.due
        takeTurn(attempt, turn.endpoint)
        attempts.insert(attempt)
        heap.remove(turn.handle.number)
        return attempt
    }

    /// Until when one is not to be asked that was to be asked while its token was fresh, and has
    /// expired before its turn came. One that is sent to try its application is not meant.
    private func overduePause(_ turn: Turn, _ key: RecordKey, _ now: UnixTime) -> UnixTime? {
        guard !failures.isEmpty, !queues[turn.queue].isCareful,
            let refusal = failures[key]?.refusal, !refusal.isWorthATry,
            let end = refusal.pauseEnd(due: now, now), end > now
        else { return nil }
        return end
    }

    /// Gives back the turn of one that does not use it; returns who waited for it.
    @discardableResult
    mutating func release(_ turn: Turn, _ now: UnixTime) -> [Caller] {
        if let attempt = turn.attempt, attempt.stage != .ended { return end(attempt, now) }
        endpoints[turn.endpoint].preparedCount -= 1
        queues[turn.queue].giveUp()
        activeCount -= 1
        queues[turn.queue].end(turn.handle, now)
        return []
    }

    /// Recorded: the attempt record is durable. False where the attempt was orphaned or superseded
    /// meanwhile, or would wait too long: whoever closed its queue, or began a pause, could not
    /// take it back yet.
    ///
    /// - Parameter written: the time that the record has. The process may have stood still since,
    ///   for an hour or more: then it is recorded anew, but not for ever on a disk that is slow.
    mutating func recorded(
        _ attempt: RefreshAttempt, written: UnixTime? = nil, _ now: UnixTime
    ) -> Bool {
        guard attempt.stage == .preparing, !attempt.isOfTheFormer,
            queues[attempt.queue].takes(attempt),
            pauseMilliseconds(attempt.endpoint, now) <= Self.patienceMilliseconds
        else { return false }
        let isFirst = attempt.recorded.milliseconds == 0
        attempt.stage = .ready
        attempt.recorded = isFirst ? min(written ?? now, now) : now
        endpoints[attempt.endpoint].ready.append(attempt)
        notePending(attempt.endpoint)
        return true
    }

    /// Sent: the attempts of all endpoints that leave now.
    mutating func admit(_ now: UnixTime) -> [RefreshAttempt] {
        var admitted: [RefreshAttempt] = []
        for endpoint in pending { admit(endpoint, now, &admitted) }
        return admitted
    }

    /// The attempts of one endpoint that leave now: at once, where one of them came back.
    mutating func admit(_ endpoint: Int, _ now: UnixTime) -> [RefreshAttempt] {
        var admitted: [RefreshAttempt] = []
        admit(endpoint, now, &admitted)
        return admitted
    }

    private mutating func admit(
        _ endpoint: Int, _ now: UnixTime, _ admitted: inout [RefreshAttempt]
    ) {
        // Those that wait for their turn behind another one of their application.
        var held: [RefreshAttempt] = []
        while let attempt = endpoints[endpoint].ready.first {
            guard attempt.stage == .ready, !attempt.isOrphan else {
                endpoints[endpoint].ready.removeFirst()
                continue
            }
            // What was recorded too long ago the upkeep's thread has recorded anew.
            guard !isOutdated(attempt, now), endpoints[endpoint].governor.admission(now) == .now,
                !isBlocked(endpoint), !attempt.isListenable || !isFullOfListeners
            else { break }
            endpoints[endpoint].ready.removeFirst()
            guard queues[attempt.queue].mayLeave(attempt, now) else {
                held.append(attempt)
                continue
            }
            endpoints[endpoint].governor.begin(now)
            endpoints[endpoint].preparedCount -= 1
            let isProbe = queues[attempt.queue].isCareful
            attempt.leave(order: queues[attempt.queue].send(), isProbe: isProbe, now)
            if let due = attempt.due { lateness.add(now.milliseconds(since: due)) }
            if attempt.isListenable { listenableCount += 1 }
            admitted.append(attempt)
        }
        if !held.isEmpty { endpoints[endpoint].ready.prepend(contentsOf: held) }
    }

    private func isOutdated(_ attempt: RefreshAttempt, _ now: UnixTime) -> Bool {
        now.milliseconds(since: attempt.recorded) >= Self.recordMillisecondsMax
    }

    /// The attempts that have been ready for too long: they are recorded anew.
    mutating func takeOutdated(_ now: UnixTime) -> [RefreshAttempt] {
        var outdated: [RefreshAttempt] = []
        for endpoint in pending {
            while let attempt = endpoints[endpoint].ready.first {
                if attempt.stage == .ready {
                    guard isOutdated(attempt, now) else { break }
                    attempt.stage = .preparing
                    outdated.append(attempt)
                }
                endpoints[endpoint].ready.removeFirst()
            }
        }
        return outdated
    }
}
