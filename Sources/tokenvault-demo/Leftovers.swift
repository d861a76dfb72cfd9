// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// What must not outlive the demo: the practice server and the directory. Cleared at the end,
/// also at Ctrl-C and when the terminal closes.
final class Leftovers: Sendable {
    static let shared = Leftovers()

    private let state = Mutex(State())

    private let isStopping = Atomic(false)

    private struct State {
        var server: pid_t?
        var directory: String?
        var keepsDirectory = false
    }

    private init() {}

    /// The directory, while it is there.
    var directory: String? { state.withLock { $0.directory } }

    /// Makes the directory in which everything happens: below `TMPDIR` or `/tmp`, mode 0700.
    func makeDirectory(keeping: Bool) throws(DemoFailure) -> String {
        let parent = unsafe getenv("TMPDIR").map { unsafe String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/tokenvault-demo-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {
            throw DemoFailure("cannot make a directory in \(parent): error \(errno)")
        }
        let bytes = template.dropLast().map { UInt8(bitPattern: $0) }
        let path = String(decoding: bytes, as: UTF8.self)
        state.withLock {
            $0.directory = path
            $0.keepsDirectory = keeping
        }
        return path
    }

    /// The practice server is to be ended by its id.
    func add(server: pid_t) { state.withLock { $0.server = server } }

    /// Ends the server and removes the directory. Safe to call more than once.
    func clear() {
        state.withLock { state in
            if let server = state.server {
                kill(server, SIGTERM)
                ChildProcess.wait(server)
                state.server = nil
            }
            if let directory = state.directory, !state.keepsDirectory {
                Self.removeTree(directory)
                state.directory = nil
            }
        }
    }

    /// From now on SIGINT, SIGTERM and SIGHUP clear everything before they end the process.
    func clearOnSignals() {
        signal(SIGPIPE, SIG_IGN)
        // A handler may do next to nothing: it passes the number on to a thread.
        var action = sigaction()
        unsafe action.__sigaction_handler.sa_handler = { number in
            var byte = UInt8(truncatingIfNeeded: number)
            _ = unsafe write(Leftovers.signals.write, &byte, 1)
        }
        action.sa_flags = SA_RESTART
        var thread = pthread_t()
        unsafe pthread_create(&thread, nil, { _ in unsafe Leftovers.waitForSignal() }, nil)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaction(number, &action, nil) }
    }

    /// Does not return where a signal is ending the process: what fails then is no news.
    func waitIfStopping() {
        while isStopping.load(ordering: .sequentiallyConsistent) { pause() }
    }

    private static let signals: (read: Int32, write: Int32) =
        (try? ChildProcess.pipe()) ?? (-1, -1)

    private static func waitForSignal() -> UnsafeMutableRawPointer? {
        var number: UInt8 = 0
        while unsafe read(signals.read, &number, 1) < 0, errno == EINTR {}
        guard number > 0 else { return nil }
        shared.isStopping.store(true, ordering: .sequentiallyConsistent)
        shared.clear()
        Console().write("\n\n   stopped by signal \(number); what it started has ended\n")
        _exit(128 + Int32(number))
    }

    private static func removeTree(_ path: String) {
        guard let process = try? ChildProcess(["/bin/rm", "-rf", "--", path]) else { return }
        _ = process.wait()
    }
}
