// SPDX-License-Identifier: Apache-2.0

/// Runs every job of every task on the thread that calls `drain`, in the order they came: the
/// vault's asynchronous verbs without a thread of their own.
final class SingleThread: TaskExecutor, @unchecked Sendable {
    private var jobs: [UnownedJob] = []
    private var next = 0

    func enqueue(_ job: consuming ExecutorJob) { jobs.append(UnownedJob(job)) }

    /// Runs what waits, and what comes of it. True where there was anything.
    @discardableResult
    func drain() -> Bool {
        guard next < jobs.count else { return false }
        while next < jobs.count {
            let job = jobs[next]
            next += 1
            unsafe job.runSynchronously(on: asUnownedTaskExecutor())
        }
        jobs.removeAll(keepingCapacity: true)
        next = 0
        return true
    }
}
