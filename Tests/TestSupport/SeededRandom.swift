// SPDX-License-Identifier: Apache-2.0

import Foundation

/// SplitMix64: the same numbers from the same seed on every machine.
package struct SeededRandom: RandomNumberGenerator, Sendable {
    /// What it began with: printed by whoever fails.
    package let seed: UInt64
    private var state: UInt64

    package init(seed: UInt64) {
        self.seed = seed
        state = seed
    }

    /// The seed in an environment variable, or a fresh one.
    package init(variable: String) {
        let text = ProcessInfo.processInfo.environment[variable]
        self.init(seed: text.flatMap(UInt64.init) ?? UInt64.random(in: 1 ... .max))
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    package mutating func chance(_ percent: Int) -> Bool { below(100) < percent }

    package mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &self) }
}
