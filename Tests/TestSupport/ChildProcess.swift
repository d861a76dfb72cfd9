// SPDX-License-Identifier: Apache-2.0

private import CSpawn
import Foundation
import Glibc
import Synchronization

/// A program that was started beside the tests, in their process group. Foundation's `Process` is
/// not used: on Linux its `run` crashed (Swift 6.3), and with it all tests.
///
/// It lives on where nobody holds the object any more.
package final class ChildProcess: Sendable {
    /// What a program has as its input, output or errors.
    package enum Stream: Sendable {
        /// What the tests have.
        case inherited
        /// Read from its beginning, or written after its end; made where it is missing.
        case file(String)
        /// One end; closed here once the program has it.
        case pipe(PipeEnd)

        package static let nothing = Stream.file("/dev/null")
    }

    /// How it ended.
    package enum End: Equatable, Sendable {
        case exit(Int32)
        case signal(Int32)

        /// Its exit status; below 0 a signal's number.
        package var status: Int32 {
            switch self {
            case .exit(let status): status
            case .signal(let number): -number
            }
        }
    }

    /// A program or a directory is missing, or the system has no room for another process.
    package struct NotStarted: Error, CustomStringConvertible {
        package let program: String
        package let number: Int32

        package var description: String {
            unsafe "cannot start \(program): \(String(cString: strerror(number)))"
        }
    }

    private struct State {
        var end: End?
        var handlers: [@Sendable (End) -> Void] = []
    }

    package let identifier: Int32
    private let state = Mutex(State())

    /// Starts a program.
    ///
    /// - Parameters:
    ///   - program: its path.
    ///   - environment: nil is that of the tests.
    ///   - directory: where it begins; nil is where the tests are.
    /// - Throws: `NotStarted`.
    package init(
        _ program: String, _ arguments: [String] = [], environment: [String: String]? = nil,
        directory: String? = nil, input: Stream = .nothing, output: Stream = .inherited,
        errors: Stream = .inherited
    ) throws {
        defer { for case .pipe(let end) in [input, output, errors] { end.close() } }
        var streams: [Int32] = []
        var opened: [Int32] = []
        defer { for number in opened { close(number) } }
        for (stream, mode) in [(input, O_RDONLY), (output, O_WRONLY), (errors, O_WRONLY)] {
            switch stream {
            case .inherited: streams.append(-1)
            case .pipe(let end): streams.append(end.number)
            case .file(let path):
                let flags = mode == O_RDONLY ? mode : mode | O_CREAT | O_APPEND
                let number = unsafe open(path, flags | O_CLOEXEC, 0o600)
                guard number >= 0 else { throw NotStarted(program: path, number: errno) }
                opened.append(number)
                streams.append(number)
            }
        }
        let variables = environment ?? ProcessInfo.processInfo.environment
        var words = unsafe ([program] + arguments).map { unsafe strdup($0) } + [nil]
        var settings = unsafe variables.map { unsafe strdup("\($0)=\($1)") } + [nil]
        defer { unsafe (words + settings).forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let failure = unsafe tv_spawn(
            &identifier, program, &words, &settings, directory, streams)
        self.identifier = identifier
        guard failure == 0 else { throw NotStarted(program: program, number: failure) }
        do {
            try DetachedThread.start { self.awaitEnd() }
        } catch {
            kill(identifier, SIGKILL)
            awaitEnd()
            throw error
        }
    }

    private func awaitEnd() {
        var information = unsafe siginfo_t()
        while unsafe waitid(P_PID, id_t(identifier), &information, WEXITED | WNOWAIT) < 0,
            errno == EINTR
        {}
        let (end, handlers) = state.withLock { state in
            // From here on its number may be another's: `signal` must see the end.
            // Where others have awaited it, 255 is all that is known.
            var status: Int32 = 255 << 8
            while unsafe waitpid(identifier, &status, 0) < 0, errno == EINTR {}
            let number = status & 0x7f
            let end = number == 0 ? End.exit(status >> 8 & 0xff) : .signal(number)
            state.end = end
            defer { state.handlers = [] }
            return (end, state.handlers)
        }
        for handler in handlers { handler(end) }
    }

    package var isRunning: Bool { state.withLock { $0.end == nil } }

    /// Sends a signal; false where it has ended.
    @discardableResult
    package func signal(_ number: Int32) -> Bool {
        state.withLock { $0.end == nil && kill(identifier, number) == 0 }
    }

    /// Asks it to end.
    package func terminate() { signal(SIGTERM) }

    /// Runs the closure when it ends, or at once where it has; on any thread.
    package func whenEnded(_ handler: @escaping @Sendable (End) -> Void) {
        let end = state.withLock { state in
            if state.end == nil { state.handlers.append(handler) }
            return state.end
        }
        if let end { handler(end) }
    }

    /// Waits for its end. It blocks the thread; a task uses `end()`.
    @available(*, noasync)
    @discardableResult
    package func wait() -> End {
        let ended = DispatchSemaphore(value: 0)
        let found = Mutex(End.exit(0))
        whenEnded { end in
            found.withLock { $0 = end }
            ended.signal()
        }
        ended.wait()
        return found.withLock { $0 }
    }

    /// Waits for its end, also in a task that was cancelled.
    @discardableResult
    package func end() async -> End {
        await withCheckedContinuation { continuation in
            whenEnded { continuation.resume(returning: $0) }
        }
    }
}
