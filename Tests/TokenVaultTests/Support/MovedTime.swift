// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import TokenVault

/// The machine's time and what a test adds to it.
final class MovedTime: TimeSource {
    private let system = SystemTime()
    private let added = Atomic<Int64>(0)

    func now() -> UnixTime {
        system.now().adding(milliseconds: added.load(ordering: .acquiring))
    }

    /// Goes on, and has a vault that is open on it do what has become due.
    func advance(seconds: Int64, _ vault: Vault) {
        _ = added.wrappingAdd(seconds * 1000, ordering: .acquiringAndReleasing)
        vault.timeWasMoved()
    }
}
