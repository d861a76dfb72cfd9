// SPDX-License-Identifier: Apache-2.0

import TestSupport

@testable import TokenVault

/// The vault's jitter, from the run's seed.
final class SeededChance: Randomness, @unchecked Sendable {
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    func next() -> UInt64 { random.next() }
}
