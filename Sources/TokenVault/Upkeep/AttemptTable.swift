// SPDX-License-Identifier: Apache-2.0

/// All attempts that have not ended: the one of each connection, and those that are no longer its
/// own, because it was disconnected or has other tokens.
struct AttemptTable {
    private var current: [RecordKey: RefreshAttempt] = [:]
    /// By number.
    private var former: [UInt64: RefreshAttempt] = [:]

    var isEmpty: Bool { current.isEmpty && former.isEmpty }
    var count: Int { current.count + former.count }

    /// The attempt that a connection's next caller joins.
    subscript(key: RecordKey) -> RefreshAttempt? { current[key] }

    /// Whether it is that one.
    func isCurrent(_ attempt: RefreshAttempt) -> Bool { current[attempt.key] === attempt }

    /// All of them, in the order in which they began.
    var all: [RefreshAttempt] {
        (Array(current.values) + former.values).sorted { $0.number < $1.number }
    }

    /// Those of a connection that are detached from it, in the same order.
    func detached(from key: RecordKey) -> [RefreshAttempt] {
        guard !former.isEmpty else { return [] }
        return former.values.filter { $0.isDetached && $0.key == key }
            .sorted { $0.number < $1.number }
    }

    mutating func insert(_ attempt: RefreshAttempt) { current[attempt.key] = attempt }

    /// From here on it is its connection's no longer.
    mutating func separate(_ attempt: RefreshAttempt) {
        if isCurrent(attempt) { current[attempt.key] = nil }
        former[attempt.number] = attempt
    }

    mutating func remove(_ attempt: RefreshAttempt) {
        if isCurrent(attempt) { current[attempt.key] = nil }
        if !former.isEmpty { former[attempt.number] = nil }
    }
}
