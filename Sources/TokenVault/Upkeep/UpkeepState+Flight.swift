// SPDX-License-Identifier: Apache-2.0

import DequeModule

// Who waits for a flight, and how it ends.
extension UpkeepState {
    /// What becomes of a caller's wish.
    enum Demand: Equatable {
        /// There is a flight already; the caller shares it.
        case joined
        /// A flight waits for its turn now, before all that is merely due.
        case waits
        /// Not now: the provider is down or asked for a pause, or rejects the application.
        case refused(VaultError.Code)
    }

    func flight(_ key: RecordKey) -> Flight? { numbers[key].flatMap { flights[$0] } }
    /// Whether a flight has not ended yet, orphaned or not.
    func isOut(_ number: UInt64) -> Bool { flights[number] != nil }
    func isOrphan(_ number: UInt64) -> Bool { flights[number]?.isOrphan ?? false }
    func isSuperseded(_ number: UInt64) -> Bool { flights[number]?.isSuperseded ?? false }

    /// A caller wants a connection refreshed.
    mutating func demand(
        _ key: RecordKey, slot: UInt32, lane: Int, death: UnixTime, waiter: WaiterID,
        isPatient: Bool = false, _ now: UnixTime
    ) -> Demand {
        if let number = numbers[key] {
            if isPatient {
                flights[number]?.patientWaiters.append(waiter)
                return .joined
            }
            if flights[number]?.stage == .overdue { return .refused(.answerOutstanding) }
            flights[number]?.waiters.append(waiter)
            return .joined
        }
        let endpoint = lanes[lane].endpoint
        if isPaused(key, now) { return .refused(.notRefreshable) }
        guard lanes[lane].isOpen(now),
            !lanes[lane].isRejected || lanes[lane].mayRisk(slot, now)
        else {
            return .refused(.applicationMisconfigured)
        }
        guard pauseMilliseconds(endpoint, now) <= Self.patienceMilliseconds else {
            return .refused(.backingOff)
        }
        guard demandCount < Self.demandsMax else { return .refused(.limitExceeded) }
        demandCount += 1
        var flight = Flight(
            number: takeNumber(), key: key, slot: slot, lane: lane, death: death,
            stage: .waiting)
        if isPatient { flight.patientWaiters = [waiter] } else { flight.waiters = [waiter] }
        flights[flight.number] = flight
        numbers[key] = flight.number
        schedule(slot, nil)
        lanes[lane].add(
            Lane.Entry(
                death: UnixTime(milliseconds: .min), slot: slot, flight: flight.number))
        notePending(endpoint)
        return .waits
    }

    /// Whether no further flight may board.
    var isFull: Bool { aloftCount >= Self.flightsMax }

    /// Whether an endpoint has something that could board now.
    func isHungry(_ endpoint: Int) -> Bool {
        let queue = endpoints[endpoint]
        return queue.isPending && queue.isHungry && queue.lanes.contains { lanes[$0].first != nil }
    }

    var isAnyHungry: Bool { pending.contains { isHungry($0) } }

    /// Somebody stored other tokens: the number of a flight that may not leave with the old ones,
    /// unless a byte of it has left already. What has landed by now is nothing to the new ones. One
    /// that is overdue is detached.
    mutating func supersede(_ key: RecordKey) -> UInt64? {
        guard let number = numbers[key], let flight = flights[number],
            flight.stage != .waiting
        else { return nil }
        flights[number]?.isSuperseded = true
        lanes[flight.lane].suspicion.forgetSuccess(flight.slot)
        if flight.stage == .overdue { detach(number, key) }
        return number
    }

    /// A connection was refreshed; nothing where it is gone, or has other tokens by now.
    mutating func noteSuccess(_ flight: Flight, _ now: UnixTime) {
        guard !flight.isOrphan, !flight.isSuperseded else { return }
        lanes[flight.lane].suspicion.note(
            Suspicion.Success(slot: flight.slot, key: flight.key, time: now))
    }

    /// Whether somebody waits for a flight, be it its disconnect.
    func isAwaited(_ number: UInt64) -> Bool {
        guard let flight = flights[number] else { return false }
        return !flight.waiters.isEmpty || !flight.patientWaiters.isEmpty || flight.isOrphan
    }

    /// A caller gave up waiting; the flight goes on.
    mutating func leave(_ key: RecordKey, _ waiter: WaiterID) {
        guard let number = numbers[key] else { return }
        flights[number]?.waiters.removeAll { $0 == waiter }
        flights[number]?.patientWaiters.removeAll { $0 == waiter }
    }

    /// Those who wait for a flight that stays out.
    mutating func dismissWaiters(_ number: UInt64) -> [WaiterID] {
        defer {
            flights[number]?.waiters = []
            flights[number]?.patientWaiters = []
        }
        return flights[number]?.allWaiters ?? []
    }

    /// The transport has answered, or did not send.
    mutating func land(
        _ number: UInt64, _ outcome: Governor.Outcome, _ now: UnixTime, random: UInt64
    ) {
        guard let flight = flights[number] else { return }
        switch flight.stage {
        case .sent:
            endpoints[flight.endpoint].governor.end(outcome, now, random: random)
            endInFlight(flight)
        case .overdue: endListening(flight, outcome, now, random: random)
        case .boarding, .ready:
            endpoints[flight.endpoint].boardedCount -= 1
            lanes[flight.lane].giveUp()
        case .waiting, .landed: return
        }
        flights[number]?.stage = .landed
    }

    /// What a lane has on board or waiting that a pause keeps from leaving: the requests to take
    /// back, and the callers to tell. The connections stay in the lane.
    ///
    /// - Parameter endpoint: where the answer came from that closed the lane or began the pause.
    mutating func recall(
        _ lane: Int, at endpoint: Int, _ now: UnixTime
    ) -> (requests: [UInt64], waiters: [WaiterID]) {
        let isPaused = pauseMilliseconds(endpoint, now) > Self.patienceMilliseconds
        var waiters: [WaiterID] = []
        for other in isPaused ? endpoints[endpoint].lanes : [lane]
        where isPaused || !lanes[other].isOpen(now) {
            waiters += dismissDemands(other)
        }
        // Its application may have moved, and some be ready where it was before.
        let isClosed = !lanes[lane].isOpen(now)
        var requests: [UInt64] = []
        for other in pending where isClosed || isPaused && other == endpoint {
            requests += endpoints[other].ready.filter { number in
                guard let flight = flights[number], flight.stage == .ready else { return false }
                return isPaused && other == endpoint || isClosed && flight.lane == lane
            }
        }
        return (requests, waiters)
    }

    /// All callers whose flights have not boarded: nothing will for now.
    mutating func dismissAllDemands() -> [WaiterID] {
        guard demandCount > 0 else { return [] }
        var waiters: [WaiterID] = []
        for lane in lanes.indices where demandCount > 0 { waiters += dismissDemands(lane) }
        return waiters
    }

    private mutating func dismissDemands(_ lane: Int) -> [WaiterID] {
        var waiters: [WaiterID] = []
        let live = backlogged
        for entry in lanes[lane].removeDemands({ live[$0] == lane }) {
            guard let flight = flights[entry.flight], flight.stage == .waiting else { continue }
            waiters += flight.allWaiters
            flights[flight.number] = nil
            numbers[flight.key] = nil
            demandCount -= 1
            addToLane(lane, flight.slot, death: flight.death)
        }
        return waiters
    }

    /// Ends a flight and returns who waited; nobody, where it was orphaned.
    @discardableResult
    mutating func end(_ number: UInt64, _ now: UnixTime) -> [WaiterID] {
        guard let flight = flights.removeValue(forKey: number) else { return [] }
        switch flight.stage {
        case .waiting: demandCount -= 1
        case .boarding, .ready:
            endpoints[flight.endpoint].boardedCount -= 1
            lanes[flight.lane].giveUp()
        case .sent:
            endpoints[flight.endpoint].governor.end(.unsent, now, random: 0)
            endInFlight(flight)
        case .overdue: endListening(flight, .unsent, now, random: 0)
        case .landed: break
        }
        if flight.stage != .waiting {
            aloftCount -= 1
            lanes[flight.lane].end(flight.slot, now)
        }
        if numbers[flight.key] == number { numbers[flight.key] = nil }
        if !detached.isEmpty { detached.remove(number) }
        return flight.allWaiters
    }

    /// The connection is being disconnected: it leaves the schedule, and its flight is orphaned, or
    /// ended where it has not boarded. Detached ones of it are orphans from now on too.
    ///
    /// - Returns: all of them, as they were.
    mutating func orphan(_ key: RecordKey, slot: UInt32) -> [Flight] {
        forgetRisk(slot)
        schedule(slot, nil)
        clearFailures(key)
        var orphans = detached.compactMap { flights[$0] }.filter { $0.key == key }
        if let number = numbers.removeValue(forKey: key), let flight = flights[number] {
            orphans.append(flight)
            lanes[flight.lane].suspicion.forgetSuccess(slot)
            if flight.stage == .overdue { detached.insert(number) }
        }
        for flight in orphans {
            if flight.stage == .waiting {
                demandCount -= 1
                flights[flight.number] = nil
                continue
            }
            flights[flight.number]?.isOrphan = true
            _ = dismissWaiters(flight.number)
        }
        return orphans
    }
}
