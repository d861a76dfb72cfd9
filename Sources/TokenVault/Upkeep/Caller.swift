// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Somebody who waits for an attempt, or for the scan at open: told once, by whoever comes first.
final class Caller: Sendable {
    typealias Outcome = Result<Void, VaultError>

    private let resumption: Mutex<(@Sendable (Outcome) -> Void)?>

    init(_ resumption: (@Sendable (Outcome) -> Void)? = nil) {
        self.resumption = Mutex(resumption)
    }

    /// Says what is to be run when it is told.
    func wait(_ resumption: @escaping @Sendable (Outcome) -> Void) {
        self.resumption.withLock { $0 = resumption }
    }

    /// Whether it waits, and was not told.
    var isWaiting: Bool { resumption.withLock { $0 != nil } }

    /// Tells it; nothing where it was told before, or does not wait yet.
    func resume(_ outcome: Outcome) {
        let resumption = resumption.withLock { $0.take() }
        resumption?(outcome)
    }
}
