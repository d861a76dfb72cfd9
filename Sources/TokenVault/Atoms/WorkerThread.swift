// SPDX-License-Identifier: Apache-2.0

internal import CMemoryHygiene
import Glibc

/// A thread of our own, for work that blocks: the writer, the transfers, the deadlines.
///
/// `join` must be called exactly once.
@safe
package final class WorkerThread: @unchecked Sendable {
    private var handle = pthread_t()
    private let process = ProcessNumber.current

    private final class Start {
        let name: String
        let body: @Sendable () -> Void
        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Starts the thread. `name` is at most 15 bytes, as the kernel shows it.
    package init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(VaultError) {
        let start = unsafe Unmanaged.passRetained(Start(name, body))
        let result = unsafe pthread_create(
            &handle, nil,
            { argument in
                guard let argument = unsafe argument else { return nil }
                let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                unsafe tv_thread_begin(start.name)
                start.body()
                return nil
            }, start.toOpaque())
        guard result == 0 else {
            unsafe start.release()
            throw VaultError(.outOfMemory, .atoms, number: Int(result))
        }
    }

    /// From now on the calling thread never waits for a secret's block: see `SecretArena`.
    package static func neverWaitsForSecrets() { tv_thread_must_not_wait() }

    /// Runs `body`, in which the calling thread does not wait for a secret's block either: it holds
    /// what those need who would give one back.
    static func withoutWaitingForSecrets<Result: ~Copyable, Failure: Error>(
        _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        tv_thread_must_not_wait()
        defer { tv_thread_may_wait_again() }
        return try body()
    }

    /// Has the calling thread wait.
    static func sleep(milliseconds: Int) { usleep(useconds_t(1000 * milliseconds)) }

    /// Runs what blocks on a thread of its own, so that none of the pool's tasks waits for it; on
    /// the caller's where there is none to be had.
    package static func run(_ name: String, _ body: @escaping @Sendable () -> Void) async {
        let thread = Monitor<WorkerThread?>(nil)
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            do throws(VaultError) {
                let worker = try WorkerThread(name) {
                    body()
                    unsafe continuation.resume()
                }
                thread.withLock { $0 = worker }
            } catch {
                body()
                unsafe continuation.resume()
            }
        }
        thread.withLock({ $0.take() })?.join()
    }

    /// Waits for the thread's end; called on the very thread, lets it end by itself. In a child
    /// made by fork there is no such thread.
    package func join() {
        guard process == ProcessNumber.current else { return }
        if pthread_equal(handle, pthread_self()) != 0 {
            _ = pthread_detach(handle)
        } else {
            _ = pthread_join(handle, nil)
        }
    }
}
