// SPDX-License-Identifier: Apache-2.0

// Who is asked while an application may be rejected: one at a time, the best hope first.
extension UpkeepState {
    /// Whose turn it is in a lane whose application may be rejected: the connection that was
    /// served last, due or not and whoever waits for another one, since its grant is the likeliest
    /// to live. Where none is known, of those that are due and were not refused before, the one
    /// that dies last.
    mutating func mostPromising(
        _ lane: Int, _ now: UnixTime, onlyDemands: Bool
    ) -> Lane.Entry? {
        guard lanes[lane].first != nil else { return nil }
        if onlyDemands {
            // Nothing is asked that nobody waits for, but for the sake of somebody who does; nor
            // for one that has nothing to lose.
            let wanted = lanes[lane].unordered.filter { $0.flight != 0 && isLive($0, lane) }
            guard !wanted.isEmpty else { return nil }
            if let risked = wanted.first(where: { lanes[lane].suspicion.isRisked($0.slot) }) {
                return risked
            }
        }
        if let entry = lastServed(lane, now) { return entry }
        var best: (rank: (isUnrefused: Bool, death: UnixTime), entry: Lane.Entry)?
        for entry in lanes[lane].unordered
        where (entry.flight != 0 || !onlyDemands) && lanes[lane].mayRisk(entry.slot, now)
            && isLive(entry, lane)
        {
            let death = flights[entry.flight]?.death ?? entry.death
            let rank = (!lanes[lane].refusedSlots.contains(entry.slot), death)
            if let best, !Self.isBetter(rank, than: best.rank) { continue }
            best = (rank, entry)
        }
        return best?.entry
    }

    /// The connection of a lane that was served last, taken out of the schedule where it is not
    /// due; nil where none is known that may be asked now.
    private mutating func lastServed(_ lane: Int, _ now: UnixTime) -> Lane.Entry? {
        // Some providers refuse what comes early.
        guard lanes[lane].limits.marginSeconds == nil, !lanes[lane].limits.exchangesAccessToken
        else { return nil }
        for success in lanes[lane].suspicion.successes.reversed()
        where lanes[lane].mayRisk(success.slot, now)
            && failureCount(success.key) == 0 && !isHeld(success.slot, now)
            && now.milliseconds(since: success.time) >= RefreshPolicy.intervalMillisecondsMin
        {
            let slot = success.slot
            // Somebody waits for this very one.
            let number = numbers[success.key] ?? 0
            if number == 0, backlogged[slot] != lane {
                guard let entry = heap.entry(slot) else { continue }
                let plan = Plan(due: entry.deadline, tag: entry.lane)
                guard plan.lane == lane else { continue }
                heap.remove(slot)
                addToLane(lane, slot, death: plan.death)
            }
            let entry = lanes[lane].unordered.first {
                $0.slot == slot && $0.flight == number && isLive($0, lane)
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
