// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// How many values there were of each size, and what they come to.
public struct Histogram: Hashable, Sendable {
    /// The greatest value of each bucket, ascending; one more bucket holds what is above the last.
    public let bounds: [Int64]
    /// How many values are in each bucket, and in none before it: one more than there are bounds.
    public let counts: [UInt64]
    /// The sum of all values.
    public let sum: Int64

    /// How many values there were.
    public var count: UInt64 { counts.reduce(0, +) }

    static let empty = Histogram(bounds: [], counts: [0], sum: 0)

    init(bounds: [Int64], counts: [UInt64], sum: Int64) {
        (self.bounds, self.counts, self.sum) = (bounds, counts, sum)
    }
}

/// Where values of a `Histogram` are counted: two atomic additions each, no lock and no allocation.
@safe
final class HistogramCounter: @unchecked Sendable {
    private let bounds: [Int64]
    /// A count for each bucket, and the sum at the end.
    private let words: UnsafeMutablePointer<Atomic<UInt64>>

    init(bounds: [Int64]) {
        self.bounds = bounds
        let count = bounds.count + 2
        unsafe words = .allocate(capacity: count)
        for word in 0..<count { unsafe (words + word).initialize(to: Atomic(0)) }
    }

    deinit { unsafe words.deallocate() }

    /// Counts a value; a negative one as 0.
    func add(_ value: Int64) {
        let value = max(0, value)
        var bucket = 0
        while bucket < bounds.count, bounds[bucket] < value { bucket += 1 }
        unsafe words[bucket].wrappingAdd(1, ordering: .relaxed)
        unsafe words[bounds.count + 1].wrappingAdd(UInt64(value), ordering: .relaxed)
    }

    /// What was counted so far. A value that is being added may be missing in the sum.
    var histogram: Histogram {
        let counts = (0...bounds.count).map { unsafe words[$0].load(ordering: .relaxed) }
        let sum = unsafe words[bounds.count + 1].load(ordering: .relaxed)
        return Histogram(
            bounds: bounds, counts: counts, sum: Int64(truncatingIfNeeded: sum & (1 << 63 - 1)))
    }
}
