// SPDX-License-Identifier: Apache-2.0

import HeapModule

/// When the pending authorizations in `flows` expire: nobody has to open them to drop those that
/// have. Built by the scan at open, kept up by the writer; a draft's copy is forgotten with it.
struct FlowSchedule: Sendable {
    private struct Expiry: Comparable, Sendable {
        let time: UnixTime
        let key: RecordKey

        static func < (left: Self, right: Self) -> Bool { left.time < right.time }
    }

    private var expiries = Heap<Expiry>()
    /// Those that were taken before they expired, and are in the heap still.
    private var taken: Set<RecordKey> = []

    /// How many entries of flows that are gone are kept at least before they are swept out.
    private static let sweptMin = 64

    /// How many there are; one that has expired counts until somebody pops it.
    var count: Int { expiries.count - taken.count }

    mutating func add(_ key: RecordKey, expires: UnixTime) {
        expiries.insert(Expiry(time: expires, key: key))
    }

    /// A flow that somebody took.
    mutating func remove(_ key: RecordKey) {
        taken.insert(key)
        if taken.count >= max(Self.sweptMin, expiries.count / 2) {
            expiries = Heap(expiries.unordered.filter { !taken.contains($0.key) })
            taken = []
        }
        passTaken()
    }

    func hasExpired(_ now: UnixTime) -> Bool {
        expiries.min.map { $0.time <= now } ?? false
    }

    /// The next one that has expired, which is forgotten; nil where none has.
    mutating func popExpired(_ now: UnixTime) -> RecordKey? {
        guard hasExpired(now), let next = expiries.popMin() else { return nil }
        passTaken()
        return next.key
    }

    /// Whoever is first has not been taken.
    private mutating func passTaken() {
        while let next = expiries.min, taken.remove(next.key) != nil { expiries.removeMin() }
    }
}
