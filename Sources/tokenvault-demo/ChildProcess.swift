// SPDX-License-Identifier: Apache-2.0

@preconcurrency @unsafe internal import Glibc
internal import TokenVault

/// A program this one started, with a pipe to its standard input and one from its output.
///
/// What it prints is read into a `Secret`, because it may be a token.
struct ChildProcess: ~Copyable {
    /// Its process id.
    let id: pid_t

    private var input: Int32
    private let output: Int32
    private let name: String

    /// Starts a program, found by `PATH` where its name has no slash. It inherits no other file.
    ///
    /// - Parameter log: the file that receives its standard error; nil leaves it where ours goes.
    init(_ arguments: [String], log: String? = nil) throws(DemoFailure) {
        let name = arguments.first ?? ""
        let forInput = try Self.pipe()
        let forOutput = try Self.pipe()
        var started: pid_t = 0
        let failure = Self.spawn(arguments, forInput.read, forOutput.write, log, &started)
        close(forInput.read)
        close(forOutput.write)
        guard failure == 0 else {
            close(forInput.write)
            close(forOutput.read)
            let reason = failure == ENOENT ? "it is not installed" : "error \(failure)"
            throw DemoFailure("cannot start \(name): \(reason)")
        }
        self.name = name
        id = started
        input = forInput.write
        output = forOutput.read
    }

    private static func spawn(
        _ arguments: [String], _ input: Int32, _ output: Int32, _ log: String?,
        _ started: inout pid_t
    ) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        if let log {
            unsafe posix_spawn_file_actions_addopen(
                &actions, STDERR_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        }
        // Some of our signals are blocked or ignored; a child's are its own.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        var every = sigset_t()
        unsafe sigfillset(&every)
        unsafe posix_spawnattr_setsigdefault(&attributes, &every)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        return unsafe posix_spawnp(
            &started, arguments.first ?? "", &actions, &attributes, &words, environ)
    }

    deinit {
        if input >= 0 { close(input) }
        close(output)
    }

    /// A pipe that no child inherits by accident.
    static func pipe() throws(DemoFailure) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else { throw DemoFailure("no pipe: error \(errno)") }
        // No child but the one that it is for shall have it; nobody else starts one meanwhile.
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    /// Writes to its standard input. A child that no longer reads says why when it is waited for.
    func send(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            var done = 0
            while done < buffer.count, let base = buffer.baseAddress {
                let count = unsafe write(input, base + done, buffer.count - done)
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { return }
                done += count
            }
        }
    }

    /// Writes text that is no secret to its standard input.
    func send(_ text: String) {
        let span = text.utf8Span.span
        unsafe send(span.bytes)
    }

    /// Lets it see the end of its input.
    mutating func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Reads what it prints, to the end or to the end of a line; at most 64 KiB.
    func read(toEndOfLine: Bool = false) throws -> Secret {
        var buffer = try Secret(zeroes: SecretArena.secretBytesMax)
        var count = 0
        while count < buffer.count {
            var got = 0
            var span = buffer.mutableBytes
            unsafe span.withUnsafeMutableBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                unsafe got = Glibc.read(output, base + count, bytes.count - count)
            }
            if got < 0 && errno == EINTR { continue }
            guard got > 0 else { break }
            count += got
            if toEndOfLine, buffer.bytes.byte(at: count - 1) == UInt8(ascii: "\n") { break }
        }
        guard count < buffer.count else { throw DemoFailure("\(name) prints too much") }
        return try Secret(copying: buffer.bytes.extracting(0..<count))
    }

    /// The same for what is no secret.
    func readText(toEndOfLine: Bool = false) throws -> String {
        let text = try read(toEndOfLine: toEndOfLine)
        return text.bytes.text
    }

    /// Waits for its end and returns its exit status; 128 and the number where a signal ended it.
    func wait() -> Int32 { Self.wait(id) }

    /// The same for a process known by its id.
    @discardableResult
    static func wait(_ id: pid_t) -> Int32 {
        var status: Int32 = 0
        while unsafe waitpid(id, &status, 0) < 0 {
            guard errno == EINTR else { return -1 }
        }
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}
