// SPDX-License-Identifier: Apache-2.0

/// Which webhooks there are, by the keys of their records, as the scan at open has found them and
/// calls have changed them since; and whether somebody delivers to them.
final class Webhooks: Sendable {
    /// How many there may be. Each has one message on its way at a time.
    static let countMax = 16

    /// Told whenever one of them was changed.
    let signal = EventSignal()
    private let state = Monitor(State())

    private struct State {
        var keys: Set<RecordKey> = []
        /// Those to which nothing is sent any more, as their deliveries have found them.
        var stopped: Set<RecordKey> = []
        var isDelivering = false
    }

    var keys: Set<RecordKey> { state.withLock { $0.keys } }
    var stoppedCount: Int { state.withLock { $0.stopped.count } }

    /// One that is there. False where there are too many.
    @discardableResult
    func insert(_ key: RecordKey, atMost countMax: Int = .max) -> Bool {
        let isInserted = state.withLock { state in
            guard state.keys.count < countMax || state.keys.contains(key) else { return false }
            state.keys.insert(key)
            return true
        }
        signal.tell()
        return isInserted
    }

    /// One that is gone.
    func remove(_ key: RecordKey) {
        state.withLock { state in
            state.keys.remove(key)
            state.stopped.remove(key)
        }
        signal.tell()
    }

    /// Whether nothing is sent to one any more.
    func set(_ key: RecordKey, isStopped: Bool) {
        state.withLock { state in
            state.stopped.remove(key)
            guard isStopped, state.keys.contains(key) else { return }
            state.stopped.insert(key)
        }
    }

    /// Whether the caller is the one who delivers from now on: no event is sent by two.
    func begin() -> Bool {
        state.withLock { state in
            defer { state.isDelivering = true }
            return !state.isDelivering
        }
    }

    /// Nobody does from now on.
    func end() {
        state.withLock { $0.isDelivering = false }
        signal.tell()
    }
}
