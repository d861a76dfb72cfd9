// SPDX-License-Identifier: Apache-2.0

/// A table of bounded size whose entries all live equally long, and at most once.
struct ExpiringTable<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let countMax: Int
    private let lifetime: Duration
    private var entries: [Key: Entry] = [:]
    /// The keys by age, oldest first; those that were taken stay until the array is cleared of
    /// them.
    private var order: [Key] = []

    private struct Entry {
        let value: Value
        let expires: ContinuousClock.Instant
    }

    init(countMax: Int, lifetime: Duration) {
        self.countMax = countMax
        self.lifetime = lifetime
    }

    /// How many entries there are, expired ones among them until the next insertion.
    var count: Int { entries.count }
    /// How many keys are remembered, of entries that were taken too.
    var keysHeld: Int { order.count }

    /// Adds an entry. False where the table is full of entries that have not expired.
    mutating func insert(
        _ value: Value, for key: Key, now: ContinuousClock.Instant
    ) -> Bool {
        prune(now)
        guard entries.count < countMax else { return false }
        entries[key] = Entry(value: value, expires: now + lifetime)
        order.append(key)
        return true
    }

    /// The entry, which stays.
    func peek(_ key: Key, now: ContinuousClock.Instant) -> Value? {
        guard let entry = entries[key], now < entry.expires else { return nil }
        return entry.value
    }

    /// The entry, which is gone then: of two callers, one gets it.
    mutating func take(_ key: Key, now: ContinuousClock.Instant) -> Value? {
        guard let entry = entries.removeValue(forKey: key), now < entry.expires else { return nil }
        return entry.value
    }

    private mutating func prune(_ now: ContinuousClock.Instant) {
        let stale = order.prefix { key in
            guard let entry = entries[key] else { return true }
            return entry.expires <= now
        }
        for key in stale { entries[key] = nil }
        order.removeFirst(stale.count)
        // Keys taken out of the middle must not make the array grow for ever.
        if order.count > 2 * entries.count + 64 { order.removeAll { entries[$0] == nil } }
    }
}
