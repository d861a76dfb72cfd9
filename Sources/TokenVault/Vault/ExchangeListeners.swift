// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Codes whose late answers are listened for: so many at most, since each takes one of the
/// transport's transfers.
final class ExchangeListeners: Sendable {
    /// How long one is listened for, in milliseconds from when it was sent.
    static let milliseconds = 60_000
    /// How many at most.
    static let countMax = 32

    private let count = Atomic(0)

    /// A place for one; nil where all are taken. It is given back with the last reference.
    func take() -> Place? {
        guard count.add(1, ordering: .relaxed).newValue <= Self.countMax else {
            count.subtract(1, ordering: .relaxed)
            return nil
        }
        return Place(of: self)
    }

    final class Place: Sendable {
        private let listeners: ExchangeListeners
        private let overdue = Atomic(false)

        fileprivate init(of listeners: ExchangeListeners) { self.listeners = listeners }

        deinit { listeners.count.subtract(1, ordering: .relaxed) }

        /// Whether whoever waited was let go.
        var isOverdue: Bool { overdue.load(ordering: .acquiring) }
        func setOverdue() { overdue.store(true, ordering: .releasing) }
    }
}
