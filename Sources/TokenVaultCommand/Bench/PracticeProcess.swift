// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
@preconcurrency @unsafe import Glibc
import ProviderSimulator
import TokenVault

/// The practice server as a process of its own: this executable again. It ends when its standard
/// input does, so it never outlives us.
struct PracticeProcess: ~Copyable {
    /// A public client: there is no secret.
    static let clientID = "bench"

    private let id: pid_t
    private var input: Int32
    private let output: Int32
    /// What was read, and how much of it was given out.
    private var buffer: [UInt8] = []
    private var given = 0

    /// Starts it. Its address can be read first, then a line for each grant.
    init(grants: Int) throws(CommandFailure) {
        let forInput = try Self.pipe()
        let forOutput = try Self.pipe()
        var started: pid_t = 0
        let failure = Self.spawn(
            ["tokenvault", "practice-server", "--grants", "\(grants)"], forInput.read,
            forOutput.write, &started)
        close(forInput.read)
        close(forOutput.write)
        guard failure == 0 else {
            close(forInput.write)
            close(forOutput.read)
            throw CommandFailure(
                .internalFault, "cannot start the practice server", errno: failure)
        }
        (id, input, output) = (started, forInput.write, forOutput.read)
    }

    deinit {
        if input >= 0 { close(input) }
        close(output)
        var status: Int32 = 0
        while unsafe waitpid(id, &status, 0) < 0, errno == EINTR {}
    }

    private static func pipe() throws(CommandFailure) -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        guard unsafe Glibc.pipe(&ends) == 0 else {
            throw CommandFailure(.internalFault, "no pipe", errno: errno)
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func spawn(
        _ arguments: [String], _ input: Int32, _ output: Int32, _ started: inout pid_t
    ) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        unsafe posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        unsafe posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // A process group of its own: an interrupt at the terminal is ours to answer, not its.
        // Signals that we block or ignore are not for it to inherit.
        var attributes = posix_spawnattr_t()
        unsafe posix_spawnattr_init(&attributes)
        defer { unsafe posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        unsafe sigemptyset(&none)
        unsafe posix_spawnattr_setsigmask(&attributes, &none)
        unsafe posix_spawnattr_setpgroup(&attributes, 0)
        let flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP
        unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
        var words = unsafe arguments.map { unsafe strdup($0) } + [nil]
        defer { unsafe words.forEach { unsafe free($0) } }
        return unsafe posix_spawn(
            &started, "/proc/self/exe", &actions, &attributes, &words, environ)
    }

    /// The next line that it prints.
    mutating func line() throws(CommandFailure) -> ArraySlice<UInt8> {
        var searched = given
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { given = end + 1 }
                return buffer[given..<end]
            }
            searched = buffer.count - given
            buffer.removeFirst(given)
            given = 0
            var chunk = [UInt8](repeating: 0, count: 1 << 16)
            let count = unsafe read(output, &chunk, chunk.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else {
                throw CommandFailure(.internalFault, "the practice server ended")
            }
            buffer += chunk[..<count]
        }
    }

    /// The tokens of one grant, whose line this is.
    static func tokens(_ line: [UInt8]) throws -> TokenSet {
        guard let space = line.firstIndex(of: UInt8(ascii: " ")) else {
            throw CommandFailure(.internalFault, "the practice server says something else")
        }
        let span = unsafe line.span.bytes
        let accessToken = try Secret(copying: span.extracting(..<space))
        let refreshToken = try Secret(copying: span.extracting((space + 1)...))
        return TokenSet(accessToken: accessToken, refreshToken: refreshToken)
    }

    /// Ends it and returns what it has counted.
    mutating func end() throws -> ProviderSimulator.Counters {
        close(input)
        input = -1
        return try JSONDecoder().decode(
            ProviderSimulator.Counters.self, from: Data(line()))
    }
}
