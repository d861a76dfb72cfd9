// SPDX-License-Identifier: Apache-2.0

// The wall clock was set back, and no time has gone back: every moment that is kept stays as far
// away as it was. See `ClockAnchor`.
extension UpkeepState {
    /// Moves all moments by so many milliseconds.
    mutating func move(milliseconds: Int64) {
        heap.move(milliseconds: milliseconds)
        for lane in lanes.indices { lanes[lane].move(milliseconds: milliseconds) }
        for endpoint in endpoints.indices {
            endpoints[endpoint].governor.move(milliseconds: milliseconds)
        }
        for slot in holds.keys { holds[slot] = holds[slot]?.adding(milliseconds: milliseconds) }
        for (number, flight) in flights { flights[number] = flight.moved(milliseconds) }
        for key in failures.keys { failures[key]?.refusal?.move(milliseconds: milliseconds) }
    }
}

extension Flight {
    fileprivate func moved(_ milliseconds: Int64) -> Flight {
        var flight = self
        flight.death = death.adding(milliseconds: milliseconds)
        flight.recorded = recorded.adding(milliseconds: milliseconds)
        flight.sent = sent.adding(milliseconds: milliseconds)
        flight.listensUntil = listensUntil?.adding(milliseconds: milliseconds)
        return flight
    }
}
