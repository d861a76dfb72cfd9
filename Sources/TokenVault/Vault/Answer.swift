// SPDX-License-Identifier: Apache-2.0

/// One answer on its way from the transport's thread to a task. A continuation cannot carry a value
/// that cannot be copied, so the task is only woken, and takes the answer from here.
final class Answer: Sendable {
    private let state = Monitor(State())

    @safe
    private struct State: ~Copyable {
        var verdict: Verdict?
        var waiter: UnsafeContinuation<Void, Never>?
    }

    func give(_ verdict: consuming Verdict) {
        var given: Verdict? = consume verdict
        let waiter = unsafe state.withLock { state in
            state.verdict = given.take()
            return unsafe state.waiter.take()
        }
        unsafe waiter?.resume()
    }

    func wait() async -> Verdict {
        // The caller made the request out of secrets, and goes on with another thread.
        MemoryHygiene.scrub()
        while true {
            if let verdict = state.withLock({ $0.verdict.take() }) { return verdict }
            unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let isThere = state.withLock { state in
                    guard state.verdict == nil else { return true }
                    unsafe state.waiter = continuation
                    return false
                }
                if isThere { unsafe continuation.resume() }
            }
        }
    }
}
