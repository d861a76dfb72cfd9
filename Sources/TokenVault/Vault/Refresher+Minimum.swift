// SPDX-License-Identifier: Apache-2.0

/// The tokens that a caller found: when they came, and how long they live.
struct PresentTokens {
    /// The generation that they were stored with.
    let generation: UInt64
    let lifetime: RefreshPolicy.Lifetime
    /// When a refresh brought them; nil where none did, or not under the present definition of the
    /// provider: what came under another says nothing of this one.
    let refreshed: UnixTime?
}

// Callers who want a token that lives for so long.
extension Refresher {
    /// Whether a refresh is worth its request to a caller for whom the tokens that are there live
    /// too short.
    ///
    /// - Parameter asked: which tokens this caller has had refreshed already; nil where none.
    func mayMeet(
        _ minimum: Int64, _ key: RecordKey, _ tokens: PresentTokens, asked: UInt64?, _ queue: Int
    ) -> Bool {
        let now = time.now()
        let lifetime = tokens.lifetime
        return shared.withLock { shared in
            // What came instead of the refresh's tokens says nothing of those.
            if let asked, tokens.generation > asked, lifetime.isRefreshed {
                shared.unmetMinimums.note(key, lifetime, now)
                return false
            }
            // What another clock wrote says nothing at all.
            guard RefreshPolicy.isPlausible(lifetime, now) else { return true }
            let due = RefreshPolicy.due(lifetime, shared.upkeep.queues[queue].limits, random: 0)
            return shared.unmetMinimums.mayBeMet(
                key, minimum: minimum, lifetime, due: due, refreshed: tokens.refreshed, now)
        }
    }

    /// What a record says of its tokens' lives.
    func lifetime(
        _ record: borrowing ConnectionRecord, _ queue: Int
    ) -> RefreshPolicy.Lifetime {
        RefreshPolicy.Lifetime(record, limits(queue, record), now: time.now())
    }
}
