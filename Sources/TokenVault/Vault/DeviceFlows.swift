// SPDX-License-Identifier: Apache-2.0

/// The device authorization of each connection that has one, and who waits for it: one a
/// connection, of which the later takes the place of the earlier.
final class DeviceFlows: Sendable {
    private struct Entry {
        let flow: RecordKey
        let started: UnixTime
        /// Whether a task of this process polls for it.
        var isPolled: Bool
        /// How it ended, for whoever asks after that; nil while it is open.
        var outcome: Caller.Outcome?
        var callers: [Caller] = []
    }

    private let entries = Monitor<[ConnectionID: Entry]>([:])
    /// How many polls are under way.
    private let polls = Monitor(0)

    /// How many polls may be under way at the same time: one that hangs holds a place among those
    /// whose late answers are listened for, and codes need such, too.
    static let pollsMax = ExchangeListeners.countMax / 2

    /// Whether one more may begin; then `endPoll` is called.
    func beginPoll() -> Bool {
        polls.withLock { count in
            guard count < Self.pollsMax else { return false }
            count += 1
            return true
        }
    }

    func endPoll() { polls.withLock { $0 -= 1 } }

    /// How many outcomes are remembered at most.
    static let countMax = StoreLimits.flowsMax

    /// Those that earlier processes began; of two of a connection, the later.
    func restore(_ found: [DeviceFlow]) {
        entries.withLock { entries in
            for flow in found {
                if let other = entries[flow.connection], other.started > flow.started { continue }
                entries[flow.connection] = Entry(
                    flow: flow.key, started: flow.started, isPolled: false)
            }
        }
    }

    /// A new one, which is polled for from now on. Whoever waits for the one before is told that
    /// it has ended.
    func begin(_ id: ConnectionID, _ flow: RecordKey, started: UnixTime) {
        let callers = entries.withLock { entries -> [Caller] in
            if entries.count >= Self.countMax {
                entries = entries.filter { $0.value.outcome == nil }
            }
            defer { entries[id] = Entry(flow: flow, started: started, isPolled: true) }
            return entries[id]?.callers ?? []
        }
        let error = VaultError(.flowEnded, .vault, connection: id)
        for caller in callers { caller.resume(.failure(error)) }
    }

    /// The open one of a connection.
    func open(_ id: ConnectionID) -> RecordKey? {
        entries.withLock { entries in
            guard let entry = entries[id], entry.outcome == nil else { return nil }
            return entry.flow
        }
    }

    /// Whether a flow is the open one of a connection.
    func isOpen(_ id: ConnectionID, _ flow: RecordKey) -> Bool { open(id) == flow }

    /// Those for which nobody polls.
    var unpolled: [ConnectionID] {
        entries.withLock { entries in
            entries.filter { $0.value.outcome == nil && !$0.value.isPolled }.map(\.key)
        }
    }

    /// The open one of a connection for which nobody polls: whoever asks does from now on.
    func claim(_ id: ConnectionID) -> RecordKey? {
        entries.withLock { entries in
            guard let entry = entries[id], entry.outcome == nil, !entry.isPolled else {
                return nil
            }
            entries[id]?.isPolled = true
            return entry.flow
        }
    }

    /// Nobody polls for it any more, and it is open still.
    func release(_ id: ConnectionID, _ flow: RecordKey, _ error: VaultError) {
        let callers = entries.withLock { entries -> [Caller] in
            guard let entry = entries[id], entry.flow == flow, entry.outcome == nil else {
                return []
            }
            entries[id]?.isPolled = false
            entries[id]?.callers = []
            return entry.callers
        }
        for caller in callers { caller.resume(.failure(error)) }
    }

    /// It has ended; only the first outcome counts.
    ///
    /// - Parameter flow: nil for whichever is open.
    func end(_ id: ConnectionID, _ flow: RecordKey?, _ outcome: Caller.Outcome) {
        let callers = entries.withLock { entries -> [Caller] in
            guard let entry = entries[id], flow == nil || entry.flow == flow,
                entry.outcome == nil
            else { return [] }
            entries[id]?.outcome = outcome
            entries[id]?.callers = []
            return entry.callers
        }
        for caller in callers { caller.resume(outcome) }
    }

    /// Tells the caller how it ended, once it has.
    func wait(_ id: ConnectionID, _ caller: Caller) {
        let outcome = entries.withLock { entries -> Caller.Outcome? in
            guard let entry = entries[id] else {
                return .failure(VaultError(.flowEnded, .vault, connection: id))
            }
            if let outcome = entry.outcome { return outcome }
            entries[id]?.callers.removeAll { !$0.isWaiting }
            entries[id]?.callers.append(caller)
            return nil
        }
        if let outcome { caller.resume(outcome) }
    }
}
