// SPDX-License-Identifier: Apache-2.0

// Flights that are overdue: their answers may hold the only new refresh tokens, so that they are
// listened to, for as long as it takes, out of everybody's way.
extension UpkeepState {
    /// Whether nothing new leaves for an endpoint until one that is overdue has ended: it has as
    /// many as may be in flight there, or there are too many in all, and would be one more.
    func isBlocked(_ endpoint: Int) -> Bool {
        endpoints[endpoint].governor.isFullOfListeners
            || listenerCount >= Self.listenersMax
                && (endpoints[endpoint].governor.listening > 0
                    || endpoints[endpoint].lanes.contains { isListenedTo($0) })
    }

    /// Whether no further request leaves that may come to be listened to: all that are in flight
    /// may become overdue together.
    var isFullOfListeners: Bool { listenerCount + listenableCount >= Self.listenersMax }

    /// Whether what a lane sends for the first time is listened to beyond its deadline.
    func isListenedTo(_ lane: Int) -> Bool {
        RefreshPolicy.listenMilliseconds(
            inDoubtSince: nil, lanes[lane].limits, UnixTime(milliseconds: 0)) > 0
    }

    /// A flight is in flight no more.
    mutating func endInFlight(_ flight: Flight) {
        if flight.isListenable { listenableCount -= 1 }
        lanes[flight.lane].arrive()
    }

    /// How long nothing leaves for an endpoint, in milliseconds; 0 where only requests that are in
    /// flight stand in the way.
    func pauseMilliseconds(_ endpoint: Int, _ now: UnixTime) -> Int64 {
        isBlocked(endpoint) ? .max : endpoints[endpoint].pauseMilliseconds(now)
    }

    /// The same in seconds, for a caller; 0 where nobody knows for how long.
    func pauseSeconds(_ endpoint: Int, _ now: UnixTime) -> Int {
        let milliseconds = pauseMilliseconds(endpoint, now)
        return milliseconds == .max ? 0 : Int(milliseconds / 1000 + 1)
    }

    /// Why nothing leaves for an application now.
    func closedBecause(_ lane: Int, at endpoint: Int, _ now: UnixTime) -> VaultError {
        lanes[lane].isRejected
            ? VaultError(.applicationMisconfigured, .upkeep)
            : VaultError(.backingOff, .upkeep, number: pauseSeconds(endpoint, now))
    }

    /// A flight was not answered in time, and is listened to further. It leaves its place to
    /// others; its connection has no other flight meanwhile, unless it was given other tokens.
    ///
    /// - Returns: who is told; nil where it was not out.
    mutating func beginListening(
        _ number: UInt64, until end: UnixTime, _ now: UnixTime, random: UInt64
    ) -> [WaiterID]? {
        guard let flight = flights[number], flight.stage == .sent else { return nil }
        endpoints[flight.endpoint].governor.beginListening(now, random: random)
        listenerCount += 1
        aloftCount -= 1
        // The turn passes on.
        endInFlight(flight)
        lanes[flight.lane].end(flight.slot, now)
        flights[number]?.stage = .overdue
        flights[number]?.listensUntil = end
        if flight.isSuperseded || flight.isOrphan {
            detach(number, flight.key)
            return dismissWaiters(number)
        }
        noteUnanswered(flight)
        flights[number]?.waiters = []
        return flight.waiters
    }

    /// It ends: until that is stored it has a place again.
    mutating func endListening(
        _ flight: Flight, _ outcome: Governor.Outcome, _ now: UnixTime, random: UInt64
    ) {
        endpoints[flight.endpoint].governor.endListening(outcome, now, random: random)
        listenerCount -= 1
        aloftCount += 1
    }

    /// A connection was asked, and nobody knows what became of its grant. With one that was refused
    /// before nothing more is risked, and it may not be asked again for a day.
    mutating func noteUnanswered(_ flight: Flight) {
        if failures[flight.key]?.refusal?.isNoNews ?? false { return }
        lanes[flight.lane].noteUnanswered(flight)
        if lanes[flight.lane].suspicion.isUnanswered(flight.slot) {
            risks[flight.slot] = flight.lane
        }
    }

    /// From here on the connection may have another flight: single flight is for each refresh
    /// token.
    mutating func detach(_ number: UInt64, _ key: RecordKey) {
        if numbers[key] == number { numbers[key] = nil }
        detached.insert(number)
    }

    /// Whether a flight is the one that its connection's next refresh joins: it alone plans.
    func isCurrent(_ flight: Flight) -> Bool { numbers[flight.key] == flight.number }
}
