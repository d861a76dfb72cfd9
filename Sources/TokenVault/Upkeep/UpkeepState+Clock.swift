// SPDX-License-Identifier: Apache-2.0

// The wall clock was set back, and no time has gone back: every moment that is kept stays as far
// away as it was. See `ClockAnchor`.
extension UpkeepState {
    /// Moves all moments by so many milliseconds.
    mutating func move(milliseconds: Int64) {
        heap.move(milliseconds: milliseconds)
        for queue in queues.indices { queues[queue].move(milliseconds: milliseconds) }
        for endpoint in endpoints.indices {
            endpoints[endpoint].governor.move(milliseconds: milliseconds)
        }
        for handle in holds.keys {
            holds[handle] = holds[handle]?.adding(milliseconds: milliseconds)
        }
        for attempt in attempts.all { attempt.move(milliseconds: milliseconds) }
        for key in failures.keys { failures[key]?.refusal?.move(milliseconds: milliseconds) }
    }
}
