// SPDX-License-Identifier: Apache-2.0

// Which is asked while an application may be rejected: one at a time, the likeliest first.
extension UpkeepState {
    /// Whose turn it is in a queue whose application may be rejected: the connection that was
    /// served last, due or not and whoever waits for another one, since its grant is the likeliest
    /// to live. Where none is known, of those that are due and were not refused before, the one
    /// that ends last.
    mutating func mostPromising(
        _ queue: Int, _ now: UnixTime, onlyDemands: Bool
    ) -> ApplicationQueue.Entry? {
        guard queues[queue].first != nil else { return nil }
        if onlyDemands {
            // Nothing is asked that nobody waits for, unless it helps somebody who does; nor
            // for one that has nothing to lose.
            let wanted = queues[queue].unordered.filter { $0.attempt != nil && isLive($0, queue) }
            guard !wanted.isEmpty else { return nil }
            if let risked = wanted.first(where: { queues[queue].suspicion.isRisked($0.handle) }) {
                return risked
            }
        }
        if let entry = lastServed(queue, now) { return entry }
        var best: (rank: (isUnrefused: Bool, death: UnixTime), entry: ApplicationQueue.Entry)?
        for entry in queues[queue].unordered
        where (entry.attempt != nil || !onlyDemands) && queues[queue].mayRisk(entry.handle, now)
            && isLive(entry, queue)
        {
            let death = entry.attempt?.death ?? entry.death
            let rank = (!queues[queue].refusedHandles.contains(entry.handle), death)
            if let best, !Self.isBetter(rank, than: best.rank) { continue }
            best = (rank, entry)
        }
        return best?.entry
    }

    /// The connection of a queue that was served last, taken out of the schedule where it is not
    /// due; nil where none is known that may be asked now.
    private mutating func lastServed(_ queue: Int, _ now: UnixTime) -> ApplicationQueue.Entry? {
        // Some providers refuse what comes early.
        guard queues[queue].limits.marginSeconds == nil, !queues[queue].limits.exchangesAccessToken
        else { return nil }
        for success in queues[queue].suspicion.successes.reversed()
        where queues[queue].mayRisk(success.handle, now)
            && failureCount(success.key) == 0 && !isHeld(success.handle, now)
            && now.milliseconds(since: success.time) >= RefreshPolicy.intervalMillisecondsMin
        {
            let handle = success.handle
            // Somebody waits for this very one.
            let attempt = attempts[success.key]
            if attempt == nil, backlogged[handle] != queue {
                guard let entry = heap.entry(handle.number) else { continue }
                let plan = Plan(due: entry.deadline, tag: entry.queue)
                guard plan.queue == queue else { continue }
                heap.remove(handle.number)
                enqueue(queue, handle, death: plan.death)
            }
            let entry = queues[queue].unordered.first {
                $0.handle == handle && $0.attempt === attempt && isLive($0, queue)
            }
            if let entry { return entry }
        }
        return nil
    }

    private static func isBetter(
        _ rank: (isUnrefused: Bool, death: UnixTime),
        than other: (isUnrefused: Bool, death: UnixTime)
    ) -> Bool {
        rank.isUnrefused == other.isUnrefused
            ? rank.death > other.death : rank.isUnrefused
    }
}
