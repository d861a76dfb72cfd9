// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// By how much the clock was set back while the vault was open, and what was stored before: tokens
/// of then are as old as they are, not as their moments look on the clock of now.
final class StepsBack: Sendable {
    /// The most steps that are told apart; more are taken together, as if the older ones had come
    /// later: a token may look older then than it is.
    static let countMax = 64

    private struct Step {
        /// The last that was stored before.
        var generation: UInt64
        var milliseconds: Int64
    }
    /// Most vaults see none: readers need not contend for the lock.
    private let isAny = Atomic(false)
    private let steps = Monitor<[Step]>([])

    func add(upTo generation: UInt64, milliseconds: Int64) {
        steps.withLock { steps in
            steps.append(Step(generation: generation, milliseconds: milliseconds))
            guard steps.count > Self.countMax else { return }
            let oldest = steps.removeFirst()
            steps[0].milliseconds += oldest.milliseconds
        }
        isAny.store(true, ordering: .releasing)
    }

    /// How far the clock is behind that by which tokens of this generation were stored, in
    /// milliseconds. Of 0: by which the process began.
    func lag(_ generation: UInt64) -> Int64 {
        guard isAny.load(ordering: .acquiring) else { return 0 }
        return steps.withLock { steps in
            steps.reduce(0) { $1.generation >= generation ? $0 + $1.milliseconds : $0 }
        }
    }
}
