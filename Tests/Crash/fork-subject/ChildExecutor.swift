// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TokenVault

/// Runs tasks on the thread that waits for them: in a child made by fork the threads of Swift's own
/// pool are not there.
final class ChildExecutor: TaskExecutor, Sendable {
    private let jobs = Mutex<[UnownedJob]>([])

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        jobs.withLock { $0.append(job) }
    }

    /// The code of the error that `body` throws; nil where it throws none.
    func code(_ body: @escaping @Sendable () async throws -> Void) -> VaultError.Code? {
        let outcome = Mutex<(isDone: Bool, code: VaultError.Code?)>((false, nil))
        let box = Box(outcome)
        Task(executorPreference: self) {
            var code: VaultError.Code?
            do {
                try await body()
            } catch {
                code = (error as? VaultError)?.code
            }
            box.outcome.withLock { $0 = (true, code) }
        }
        while !box.outcome.withLock({ $0.isDone }) {
            let next = jobs.withLock { $0.isEmpty ? nil : $0.removeFirst() }
            if let next {
                unsafe next.runSynchronously(on: asUnownedTaskExecutor())
            } else {
                usleep(500)
            }
        }
        return box.outcome.withLock { $0.code }
    }

    private final class Box: Sendable {
        let outcome: Mutex<(isDone: Bool, code: VaultError.Code?)>
        init(_ outcome: consuming sending Mutex<(isDone: Bool, code: VaultError.Code?)>) {
            self.outcome = outcome
        }
    }
}
