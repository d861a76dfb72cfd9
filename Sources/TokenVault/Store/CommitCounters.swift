// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// What the writer has done since the store was opened.
struct CommitCounters: Sendable {
    /// How long transactions took, disk sync included, in microseconds.
    var times = Histogram.empty
    /// How many commits each of them made durable.
    var sizes = Histogram.empty
    /// How many authorizations are pending, expired ones that nothing has swept out among them.
    var flows = 0
}

/// Where the writer counts.
final class CommitMeter: Sendable {
    private let timeCounter = HistogramCounter(bounds: [
        200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 500_000, 2_000_000,
    ])
    private let sizeCounter = HistogramCounter(bounds: [1, 2, 4, 8, 16, 32, 64, 128, 256])
    private let flows = Atomic(0)

    var counters: CommitCounters {
        CommitCounters(
            times: timeCounter.histogram, sizes: sizeCounter.histogram,
            flows: flows.load(ordering: .relaxed))
    }

    /// The clock that it measures by, in microseconds.
    static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }

    func note(commits: Int, since start: Int64) {
        timeCounter.add(Self.now() - start)
        sizeCounter.add(Int64(commits))
    }

    func note(flows count: Int) { flows.store(count, ordering: .relaxed) }
}
