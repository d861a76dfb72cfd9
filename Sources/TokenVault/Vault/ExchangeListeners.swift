// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Codes whose late answers are listened for: so many at most, since each takes one of the
/// transport's transfers.
final class ExchangeListeners: Sendable {
    /// How long one is listened for, in milliseconds from when it was sent.
    static let milliseconds = 60_000
    /// How many at most.
    static let countMax = 32

    private let count = Monitor(0)

    /// A place for one; nil where all are taken. It is given back with the last reference, which
    /// is held until what came is stored, or revoked.
    func take() -> Place? {
        let isFree = count.withLock { count in
            guard count < Self.countMax else { return false }
            count += 1
            return true
        }
        return isFree ? Place(of: self) : nil
    }

    private func giveBack() {
        count.withLock { $0 -= 1 }
        count.broadcast()
    }

    /// Waits until none is under way, at most so long.
    func wait(milliseconds: Int) {
        count.wait(milliseconds: milliseconds, until: { $0 == 0 }, then: { _ in })
    }

    final class Place: Sendable {
        private let listeners: ExchangeListeners
        private let overdue = Atomic(false)

        fileprivate init(of listeners: ExchangeListeners) { self.listeners = listeners }

        deinit { listeners.giveBack() }

        /// Whether whoever waited was let go.
        var isOverdue: Bool { overdue.load(ordering: .acquiring) }
        func setOverdue() { overdue.store(true, ordering: .releasing) }
    }
}
