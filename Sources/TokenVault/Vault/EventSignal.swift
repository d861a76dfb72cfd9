// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Lets tasks sleep until something is told, such as that the log has grown, and holds no thread
/// for them meanwhile.
final class EventSignal: Sendable {
    private let state = Mutex(State())

    private struct State {
        /// How often it was told.
        var count: UInt64 = 0
        var isFinished = false
        var lastSleeper = 0
        var sleepers: [Int: Sleeper] = [:]
        /// When the timers end that are set for whoever sleeps until a moment: one where that is
        /// earlier than any other.
        var timers: Set<UnixTime> = []
    }

    private struct Sleeper {
        let caller: Caller
        let end: UnixTime?
    }

    /// How often it was told; asked before it is looked whether there is anything to do.
    var count: UInt64 { state.withLock { $0.count } }

    /// Ends every sleep.
    func tell() { wake { $0.count += 1 } }

    /// Ends every sleep, and those that come.
    func finish() { wake { $0.isFinished = true } }

    private func wake(_ change: (inout State) -> Void) {
        let sleepers = state.withLock { state in
            change(&state)
            defer { state.sleepers = [:] }
            return Array(state.sleepers.values)
        }
        for sleeper in sleepers { sleeper.caller.resume(.success(())) }
    }

    /// Sleeps until it has been told more often than `count`, the moment has come, it is finished,
    /// or the task is cancelled; it may wake for nothing.
    func sleep(after count: UInt64, until end: UnixTime?, _ refresher: Refresher) async {
        let caller = Caller()
        let number = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        await withTaskCancellationHandler {
            unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                caller.wait { _ in unsafe continuation.resume() }
                let sleeps = state.withLock { state in
                    guard state.count == count, !state.isFinished, !Task.isCancelled else {
                        return false
                    }
                    state.sleepers[number] = Sleeper(caller: caller, end: end)
                    return true
                }
                guard sleeps else { return caller.resume(.success(())) }
                if let end { setTimer(end, refresher) }
            }
        } onCancel: {
            state.withLock { _ = $0.sleepers.removeValue(forKey: number) }
            caller.resume(.success(()))
        }
    }

    private func setTimer(_ end: UnixTime, _ refresher: Refresher) {
        let isEarlier = state.withLock { state in
            if state.timers.contains(where: { $0 <= end }) { return false }
            state.timers.insert(end)
            return true
        }
        guard isEarlier else { return }
        let wait = max(0, end.milliseconds(since: refresher.time.now()))
        let isKept = refresher.after(milliseconds: wait) { [self] in expire(end, refresher) }
        // The vault is closed.
        if !isKept { finish() }
    }

    /// A timer has ended. Where the clock was set back meanwhile it has come along, and shows less
    /// than `end` now: whoever slept until then has slept long enough nevertheless.
    private func expire(_ end: UnixTime, _ refresher: Refresher) {
        let now = max(refresher.time.now(), end)
        let (due, next) = state.withLock { state -> ([Sleeper], UnixTime?) in
            state.timers.remove(end)
            let due = state.sleepers.filter { $0.value.end.map { $0 <= now } ?? false }
            for number in due.keys { state.sleepers[number] = nil }
            return (Array(due.values), state.sleepers.values.compactMap(\.end).min())
        }
        for sleeper in due { sleeper.caller.resume(.success(())) }
        if let next { setTimer(next, refresher) }
    }
}
