// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// Connections whose refresh was refused, in the order in which that was heard. An entry whose
/// refusal was followed by another one, or by tokens, is stale and left where it is for a while.
struct RefusedQueue {
    struct Entry {
        let key: RecordKey
        /// The refusal's `order`.
        let order: UInt64
    }

    private var entries: Deque<Entry> = []
    /// How many there may be before the stale ones are dropped.
    private var room = Self.roomMin
    private static let roomMin = 64

    var isEmpty: Bool { entries.isEmpty }
    var first: Entry? { entries.first }

    mutating func append(_ entry: Entry, isLive: (Entry) -> Bool) {
        entries.append(entry)
        guard entries.count > room else { return }
        entries = Deque(entries.filter(isLive))
        room = max(Self.roomMin, 2 * entries.count)
    }

    mutating func removeFirst() -> Entry? { entries.popFirst() }
}
