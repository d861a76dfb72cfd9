// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A thread for what blocks: tasks and dispatch queues have few of them.
enum DetachedThread {
    struct NotStarted: Error { let number: Int32 }

    private final class Job: Sendable {
        let work: @Sendable () -> Void

        init(_ work: @escaping @Sendable () -> Void) { self.work = work }
    }

    static func start(_ work: @escaping @Sendable () -> Void) throws {
        let job = unsafe Unmanaged.passRetained(Job(work))
        var thread = pthread_t()
        let failure = unsafe pthread_create(
            &thread, nil,
            { context in
                guard let context = unsafe context else { return nil }
                unsafe Unmanaged<Job>.fromOpaque(context).takeRetainedValue().work()
                return nil
            }, job.toOpaque())
        guard failure == 0 else {
            unsafe job.release()
            throw NotStarted(number: failure)
        }
        pthread_detach(thread)
    }
}
