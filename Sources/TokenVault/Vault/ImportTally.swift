// SPDX-License-Identifier: Apache-2.0

/// What became of the lines of one batch; waited for until all of them have ended.
final class ImportTally: Sendable {
    private struct State {
        var results: [(line: Int, result: Vault.LineResult)] = []
        var openCount = 0
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Monitor(State())

    /// A line that ended at once.
    func add(_ line: Int, _ result: Vault.LineResult) {
        state.withLock { $0.results.append((line, result)) }
    }

    /// A line is being written.
    func begin() { state.withLock { $0.openCount += 1 } }

    /// One that was begun has ended.
    func end(_ line: Int, _ result: Vault.LineResult) {
        let waiter = state.withLock { state in
            state.results.append((line, result))
            state.openCount -= 1
            return state.openCount == 0 ? state.waiter.take() : nil
        }
        waiter?.resume()
    }

    /// All results, once there are no more to come, in the order of the lines.
    func results() async -> [(line: Int, result: Vault.LineResult)] {
        await withCheckedContinuation { (waiter: CheckedContinuation<Void, Never>) in
            let isDone = state.withLock { state in
                if state.openCount > 0 { state.waiter = waiter }
                return state.openCount == 0
            }
            if isDone { waiter.resume() }
        }
        return state.withLock { $0.results }.sorted { $0.line < $1.line }
    }
}
