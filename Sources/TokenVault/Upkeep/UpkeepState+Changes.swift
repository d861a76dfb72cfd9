// SPDX-License-Identifier: Apache-2.0

// What a change of an application, or an operator's word, does to what was refused.
extension UpkeepState {
    /// The connections of a queue that were refused, in an order that no hash decides.
    private func refused(of queue: Int) -> [(RecordKey, Refusal)] {
        failures.compactMap { key, failure in failure.refusal.map { (key, $0) } }
            .filter { $0.1.queue == queue }.sorted { $0.1.handle < $1.1.handle }
    }

    /// The application of a queue was changed: what its connections were refused with is void, and
    /// requests that were made before are not sent.
    ///
    /// - Returns: what is to be taken back, where it has not left.
    mutating func change(
        _ queue: Int, _ change: Suspicion.Change, _ now: UnixTime
    ) -> [RefreshAttempt] {
        for handle in queues[queue].suspicion.risked { risks[handle] = nil }
        let refused = refused(of: queue)
        queues[queue].change(change)
        for (key, refusal) in refused {
            failures[key]?.refusal?.outdate()
            askAgain(key, refusal, now)
        }
        return attempts.all.filter {
            $0.queue == queue && ($0.stage == .ready || $0.stage == .sent)
        }
    }

    /// Somebody says that a connection is worth another try, whatever it was refused with.
    mutating func clearRefusals(_ key: RecordKey) {
        failures[key]?.refusal?.pauseEnd = nil
        failures[key]?.refusal?.isWorthATry = true
    }

    /// The same of an application and of all its connections. That those that were refused are
    /// refused again does not count against it.
    mutating func clearRefusals(queue: Int, _ now: UnixTime) {
        for handle in queues[queue].suspicion.risked { risks[handle] = nil }
        queues[queue].clearRefusals()
        let refused = refused(of: queue)
        for (key, refusal) in refused {
            failures[key]?.refusal?.isOld = true
            clearRefusals(key)
            askAgain(key, refusal, now)
        }
    }

    /// Whatever it was refused with holds no more: it is due, behind all that were not refused.
    private mutating func askAgain(_ key: RecordKey, _ refusal: Refusal, _ now: UnixTime) {
        guard attempts[key] == nil, heap.deadline(refusal.handle.number) != nil else { return }
        schedule(refusal.handle, Plan(queue: refusal.queue, due: now, death: Self.last(now)))
    }
}
