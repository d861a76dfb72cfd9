// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// What must not outlive the demo: the practice server and the directory. Cleared at the end,
/// also at Ctrl-C and when the terminal closes.
final class Leftovers: Sendable {
    static let shared = Leftovers()

    private let state = Mutex(State())

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

    /// From now on SIGINT, SIGTERM and SIGHUP clear everything before they end the process. To be
    /// called while there is one thread: those that come later inherit what it blocks.
    func clearOnSignals() {
        signal(SIGPIPE, SIG_IGN)
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&signals, number) }
        unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread = pthread_t()
        unsafe pthread_create(&thread, nil, { _ in unsafe Leftovers.waitForSignal() }, nil)
    }

    private static func waitForSignal() -> UnsafeMutableRawPointer? {
        var signals = sigset_t()
        unsafe sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { unsafe sigaddset(&signals, number) }
        var number: Int32 = 0
        while unsafe sigwait(&signals, &number) != 0 {}
        shared.clear()
        let words = "\n\n   stopped by you: the practice server has ended, the files are gone\n"
        Console().write(words)
        _exit(128 + number)
    }

    private static func removeTree(_ path: String) {
        guard let process = try? ChildProcess(["rm", "-rf", "--", path]) else { return }
        _ = process.wait()
    }
}
