// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization
import TokenVault

/// The end that is asked for while the process is only beginning: before anything else listens for
/// SIGTERM and SIGINT, the kernel would end it where it stands, with the status of a killed one.
final class EarlySignals: Sendable {
    /// Where the handler writes; -1 before there is one.
    private static let descriptor = Atomic<Int32>(-1)
    /// What is written at the end; a handler writes 1.
    private static let finished: UInt8 = 2

    /// Yields where such a signal came.
    let stream: AsyncStream<Void>
    private let thread: WorkerThread

    /// From now on both signals are only noted; once for the process.
    ///
    /// - Throws: where there is no pipe, or no thread, to be had.
    init() throws {
        var ends: [Int32] = [-1, -1]
        guard unsafe pipe(&ends) == 0 else {
            throw CommandFailure(.inputOutput, "cannot make a pipe", errno: errno)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let hears = ends[0]
        Self.descriptor.store(ends[1], ordering: .sequentiallyConsistent)
        let (stream, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        self.stream = stream
        thread = try WorkerThread("early-signals") {
            var byte: UInt8 = 0
            while unsafe read(hears, &byte, 1) == 1 || errno == EINTR {
                if byte == Self.finished { return }
                continuation.yield()
            }
        }
        // What a handler may do is little; this is.
        for number in [SIGTERM, SIGINT] { signal(number) { _ in EarlySignals.write(1) } }
    }

    private static func write(_ byte: UInt8) {
        var byte = byte
        _ = unsafe Glibc.write(descriptor.load(ordering: .relaxed), &byte, 1)
    }

    /// The pipe stays: a handler may be about to write.
    func finish() {
        Self.write(Self.finished)
        thread.join()
    }
}
