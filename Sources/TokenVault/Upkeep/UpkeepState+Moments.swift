// SPDX-License-Identifier: Apache-2.0

import DequeModule

// What only time brings about.
extension UpkeepState {
    /// Whether something is ready that only time keeps from leaving: then somebody has to look at
    /// the clock.
    func waitsForTime(_ endpoint: Int, _ now: UnixTime) -> Bool {
        guard !endpoints[endpoint].ready.isEmpty else { return false }
        if case .at = endpoints[endpoint].governor.admission(now) { return true }
        return false
    }

    /// The same for any endpoint.
    func waitsForTime(_ now: UnixTime) -> Bool { pending.contains { waitsForTime($0, now) } }

    /// When there is something to do that no event announces.
    func nextMoment(_ now: UnixTime, onlyDemands: Bool) -> UnixTime? {
        var next = onlyDemands ? nil : heap.min?.deadline
        func sooner(_ moment: UnixTime?) {
            guard let moment else { return }
            next = next.map { Swift.min($0, moment) } ?? moment
        }
        for endpoint in pending {
            let waiting = endpoints[endpoint]
            if let first = waiting.ready.first, first.stage != .ended {
                sooner(first.recorded.adding(milliseconds: Self.recordMillisecondsMax))
            }
            if case .at(let moment) = waiting.governor.admission(now) {
                if !waiting.ready.isEmpty { sooner(moment) }
                if waiting.wantsMore, waiting.pauseMilliseconds(now) >= Self.patienceMilliseconds {
                    sooner(moment.adding(milliseconds: 1 - Self.patienceMilliseconds))
                }
            }
            for queue in waiting.queues where queues[queue].first != nil {
                // One that is open already waits for an event that wakes the thread.
                if let opens = queues[queue].opens, opens > now { sooner(opens) }
                if let again = queues[queue].risksAgain, again > now { sooner(again) }
            }
        }
        return next
    }
}
