// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import TokenVault

/// The machine's time and what a test adds to it.
final class MovedTime: TimeSource {
    private let system = SystemTime()
    private let added = Atomic<Int64>(0)
    private let back = Atomic<Int64>(0)

    func now() -> UnixTime {
        system.now().adding(milliseconds: added.load(ordering: .acquiring))
    }

    /// Goes on, and has a vault that is open on it do what has become due.
    func advance(seconds: Int64, _ vault: Vault) {
        _ = added.wrappingAdd(seconds * 1000, ordering: .acquiringAndReleasing)
        vault.timeWasMoved()
    }

    /// Is set back, as a machine's clock is; the vault follows.
    func setBack(seconds: Int64, _ vault: Vault) {
        _ = back.wrappingAdd(seconds * 1000, ordering: .acquiringAndReleasing)
        vault.timeWasMoved()
    }

    func stepBack() -> Int64 { back.load(ordering: .acquiring) }

    func follow(stepBack milliseconds: Int64) {
        _ = added.wrappingSubtract(milliseconds, ordering: .acquiringAndReleasing)
        _ = back.wrappingSubtract(milliseconds, ordering: .acquiringAndReleasing)
    }
}
