// SPDX-License-Identifier: Apache-2.0

import DequeModule

// From a lane to the wire: who boards, and when it leaves.
extension UpkeepState {
    /// One that may board: its request is to be made and its attempt recorded.
    struct Boarding {
        let slot: UInt32
        let lane: Int
        let endpoint: Int
        let death: UnixTime
        /// The flight that callers wait for; nil where it is merely due.
        let flight: Flight?
    }

    /// Takes those that may board, at most `limit`, the most urgent of each endpoint first. Each
    /// has to `begin` or to `release` then.
    ///
    /// - Parameter onlyDemands: leaves alone what is merely due.
    mutating func board(_ now: UnixTime, limit: Int, onlyDemands: Bool) -> [Boarding] {
        var boardings: [Boarding] = []
        var left = pending.count
        while left > 0, boardings.count < limit, aloftCount < Self.flightsMax {
            left -= 1
            // Each turn begins with another endpoint, so that none starves.
            let endpoint = pending.removeFirst()
            let isHungry =
                pauseMilliseconds(endpoint, now) < Self.patienceMilliseconds
                && (endpoints[endpoint].isHungry || isHeldUp(endpoint))
            var isEmpty = false
            while isHungry, boardings.count < limit, aloftCount < Self.flightsMax,
                hasRoom(endpoint)
            {
                guard let boarding = takeFirst(endpoint, now, onlyDemands: onlyDemands) else {
                    isEmpty = true
                    break
                }
                boardings.append(boarding)
            }
            if isEmpty, isIdle(endpoint) {
                endpoints[endpoint].isPending = false
            } else {
                pending.append(endpoint)
            }
        }
        return boardings
    }

    /// Whether one more may board. Those at risk find room beside all that waits for them.
    private func hasRoom(_ endpoint: Int) -> Bool {
        let beyond = endpoints[endpoint].boardedCount - endpoints[endpoint].boardedMax
        return beyond < 0 || beyond < Suspicion.riskedMax && isHeldUp(endpoint)
    }

    /// Whether an application of an endpoint waits for those at risk.
    private func isHeldUp(_ endpoint: Int) -> Bool {
        endpoints[endpoint].lanes.contains { lanes[$0].isFullOfRisks }
    }

    private func isIdle(_ endpoint: Int) -> Bool {
        endpoints[endpoint].ready.isEmpty
            && endpoints[endpoint].lanes.allSatisfy { lanes[$0].first == nil }
    }

    private mutating func takeFirst(
        _ endpoint: Int, _ now: UnixTime, onlyDemands: Bool
    ) -> Boarding? {
        var least: (lane: Int, entry: Lane.Entry)?
        for lane in endpoints[endpoint].lanes {
            dropStale(lane)
            guard lanes[lane].mayBoard(now),
                let entry = lanes[lane].isCareful
                    ? mostPromising(lane, now, onlyDemands: onlyDemands) : lanes[lane].first
            else { continue }
            if let least, least.entry < entry { continue }
            least = (lane, entry)
        }
        guard let (lane, entry) = least, lanes[lane].isCareful || entry.flight != 0 || !onlyDemands
        else { return nil }
        // One from the middle stays there as a stale one.
        if lanes[lane].first == entry { lanes[lane].removeFirst() }
        lanes[lane].begin(entry.slot)
        endpoints[endpoint].boardedCount += 1
        aloftCount += 1
        guard entry.flight != 0 else {
            backlogged[entry.slot] = nil
            return Boarding(
                slot: entry.slot, lane: lane, endpoint: endpoint, death: entry.death, flight: nil)
        }
        demandCount -= 1
        let isListenable = isListenedTo(lane)
        flights[entry.flight]?.board(
            endpoint, revision: lanes[lane].revision, isListenable: isListenable)
        return Boarding(
            slot: entry.slot, lane: lane, endpoint: endpoint, death: entry.death,
            flight: flights[entry.flight])
    }

    /// Drops what was taken out of upkeep, or boarded, since it came into the lane.
    private mutating func dropStale(_ lane: Int) {
        while let first = lanes[lane].first {
            if isLive(first, lane) { return }
            lanes[lane].removeFirst()
        }
    }

    func isLive(_ entry: Lane.Entry, _ lane: Int) -> Bool {
        entry.flight != 0
            ? flights[entry.flight]?.stage == .waiting : backlogged[entry.slot] == lane
    }

    /// The flight of one that boards. Nil where its connection has another flight by now, was
    /// disconnected, or is not to be asked yet: it is released then.
    mutating func begin(_ boarding: Boarding, _ key: RecordKey, _ now: UnixTime) -> Flight? {
        if let flight = boarding.flight {
            if numbers[key] == flight.number { return flights[flight.number] }
            release(boarding, UnixTime(milliseconds: 0))
            return nil
        }
        guard numbers[key] == nil else {
            release(boarding, UnixTime(milliseconds: 0))
            return nil
        }
        if let end = overduePause(boarding, key, now) {
            release(boarding, now)
            schedule(boarding.slot, Plan(lane: boarding.lane, due: end, death: end))
            return nil
        }
        var flight = Flight(
            number: takeNumber(), key: key, slot: boarding.slot, lane: boarding.lane,
            death: boarding.death, stage: .boarding, endpoint: boarding.endpoint)
        flight.revision = lanes[boarding.lane].revision
        flight.isListenable = isListenedTo(boarding.lane)
        flights[flight.number] = flight
        numbers[key] = flight.number
        heap.remove(boarding.slot)
        return flight
    }

    /// Until when one is not to be asked that was to be asked while its token was fresh, and has
    /// expired before its turn came. One that is tried for its application's sake is not meant.
    private func overduePause(_ boarding: Boarding, _ key: RecordKey, _ now: UnixTime) -> UnixTime?
    {
        guard !failures.isEmpty, !lanes[boarding.lane].isCareful,
            let refusal = failures[key]?.refusal, !refusal.isReprieved,
            let end = refusal.pauseEnd(due: now, now), end > now
        else { return nil }
        return end
    }

    /// Gives back the place of one that does not board after all; returns who waited for it.
    @discardableResult
    mutating func release(_ boarding: Boarding, _ now: UnixTime) -> [WaiterID] {
        if let flight = boarding.flight, flights[flight.number] != nil {
            return end(flight.number, now)
        }
        endpoints[boarding.endpoint].boardedCount -= 1
        lanes[boarding.lane].giveUp()
        aloftCount -= 1
        lanes[boarding.lane].end(boarding.slot, now)
        return []
    }

    /// The attempt is durable. False where the flight was orphaned or superseded meanwhile, or
    /// would wait too long: whoever closed its lane, or began a pause, could not take it back yet.
    ///
    /// - Parameter written: the time that the record has. The process may have stood still since,
    ///   for an hour or more: then it is recorded anew, but not for ever on a disk that is slow.
    mutating func makeReady(
        _ number: UInt64, written: UnixTime? = nil, _ now: UnixTime
    ) -> Bool {
        guard let flight = flights[number], flight.stage == .boarding, !flight.isOrphan,
            !flight.isSuperseded, lanes[flight.lane].takes(flight),
            pauseMilliseconds(flight.endpoint, now) <= Self.patienceMilliseconds
        else { return false }
        let isFirst = flight.recorded.milliseconds == 0
        flights[number]?.makeReady(recorded: isFirst ? min(written ?? now, now) : now)
        endpoints[flight.endpoint].ready.append(number)
        notePending(flight.endpoint)
        return true
    }

    /// The flights of all endpoints that leave now.
    mutating func depart(_ now: UnixTime) -> [UInt64] {
        var departures: [UInt64] = []
        for endpoint in pending { depart(endpoint, now, &departures) }
        return departures
    }

    /// The flights of one endpoint that leave now: at once, where one of them came back.
    mutating func depart(_ endpoint: Int, _ now: UnixTime) -> [UInt64] {
        var departures: [UInt64] = []
        depart(endpoint, now, &departures)
        return departures
    }

    private mutating func depart(
        _ endpoint: Int, _ now: UnixTime, _ departures: inout [UInt64]
    ) {
        // Those that wait for their turn behind another one of their application.
        var held: [UInt64] = []
        while let number = endpoints[endpoint].ready.first {
            guard let flight = flights[number], flight.stage == .ready, !flight.isOrphan else {
                endpoints[endpoint].ready.removeFirst()
                continue
            }
            // What was recorded too long ago the upkeep's thread has recorded anew.
            guard !isOutdated(flight, now), endpoints[endpoint].governor.admission(now) == .now,
                !isBlocked(endpoint), !flight.isListenable || !isFullOfListeners
            else { break }
            endpoints[endpoint].ready.removeFirst()
            guard lanes[flight.lane].mayLeave(flight, now) else {
                held.append(number)
                continue
            }
            endpoints[endpoint].governor.begin(now)
            endpoints[endpoint].boardedCount -= 1
            let isProbe = lanes[flight.lane].isCareful
            flights[number]?.leave(order: lanes[flight.lane].send(), isProbe: isProbe, now)
            if flight.isListenable { listenableCount += 1 }
            departures.append(number)
        }
        if !held.isEmpty { endpoints[endpoint].ready.prepend(contentsOf: held) }
    }

    private func isOutdated(_ flight: Flight, _ now: UnixTime) -> Bool {
        now.milliseconds(since: flight.recorded) >= Self.recordMillisecondsMax
    }

    /// The flights that have been ready for too long: they board again, to be recorded anew.
    mutating func takeOutdated(_ now: UnixTime) -> [UInt64] {
        var outdated: [UInt64] = []
        for endpoint in pending {
            while let number = endpoints[endpoint].ready.first {
                if let flight = flights[number], flight.stage == .ready {
                    guard isOutdated(flight, now) else { break }
                    flights[number]?.stage = .boarding
                    outdated.append(number)
                }
                endpoints[endpoint].ready.removeFirst()
            }
        }
        return outdated
    }
}
