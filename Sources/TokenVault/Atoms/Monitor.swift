// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A value behind a lock, with a condition to wait for: what the writer, the transfer thread and
/// callers that wait for a secret block share.
///
/// `Mutex` of the standard library has no condition, and a semaphore cannot wait for a predicate.
@safe
final class Monitor<State: ~Copyable>: @unchecked Sendable {
    // The mutex excludes already what the runtime's own check would look for at every access.
    @exclusivity(unchecked) private var state: State
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init(_ state: consuming sending State) {
        unsafe self.state = state
        unsafe pthread_mutex_init(mutex, nil)
        var attributes = pthread_condattr_t()
        unsafe pthread_condattr_init(&attributes)
        // Not the wall clock: a jump of it must neither end nor prolong a wait.
        unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        unsafe pthread_cond_init(condition, &attributes)
        unsafe pthread_condattr_destroy(&attributes)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    func withLock<Result: ~Copyable, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return try unsafe body(&state)
    }

    /// Waits until `ready` holds, then runs `body` under the same lock.
    func wait<Result: ~Copyable, Failure: Error>(
        until ready: (borrowing State) -> Bool, then body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        while unsafe !ready(state) { unsafe pthread_cond_wait(condition, mutex) }
        return try unsafe body(&state)
    }

    /// Waits until `ready` holds, at most `milliseconds`; runs `body` either way.
    func wait<Result: ~Copyable, Failure: Error>(
        milliseconds: Int, until ready: (borrowing State) -> Bool,
        then body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        if unsafe ready(state) { return try unsafe body(&state) }
        var limit = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &limit)
        limit.tv_sec += milliseconds / 1000
        limit.tv_nsec += (milliseconds % 1000) * 1_000_000
        if limit.tv_nsec >= 1_000_000_000 {
            limit.tv_sec += 1
            limit.tv_nsec -= 1_000_000_000
        }
        while unsafe !ready(state) {
            if unsafe pthread_cond_timedwait(condition, mutex, &limit) == ETIMEDOUT { break }
        }
        return try unsafe body(&state)
    }

    func signal() { unsafe pthread_cond_signal(condition) }
    func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
