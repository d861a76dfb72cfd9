// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// What the executable gives away where it dies, or where the environment asks it to.
@Suite struct CrashReportTests {
    /// A pipe with little room, so that whoever prints a long token stands still in the middle.
    private static let pipeBytes = 4096
    private static let setPipeBytes: Int32 = 1031  // F_SETPIPE_SZ

    private func vault(token: String) async throws -> TestVault {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.put(ConnectionID("anna"), TokenSet(accessToken: Secret(text: token)))
        vault.close()
        return home
    }

    private func command(
        _ home: TestVault, _ arguments: [String], _ variables: [String: String],
        output: ChildProcess.Stream, errors: ChildProcess.Stream = .inherited
    ) throws -> ChildProcess {
        try ChildProcess(
            Tool.executable("tokenvault"),
            arguments + ["--vault", home.path, "--key-file", home.keyFile],
            environment: ProcessInfo.processInfo.environment.merging(variables) { $1 },
            output: output, errors: errors)
    }

    /// How many bytes wait in a pipe.
    private func waiting(in pipe: PipeEnd) -> Int {
        var count: Int32 = 0
        _ = unsafe ioctl(pipe.number, UInt(FIONREAD), &count)
        return Int(count)
    }

    @Test(arguments: [SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE, SIGTRAP, SIGQUIT])
    func aCrashWithATokenLentTellsNothing(_ number: Int32) async throws {
        let token = Marker.text(3 * Self.pipeBytes)
        let home = try await vault(token: token)
        let (output, errors) = try (PipeEnd.pair(), PipeEnd.pair())
        _ = fcntl(output.writing.number, Self.setPipeBytes, Int32(Self.pipeBytes))
        // As its reporter is told to by whoever wants to see everything.
        let settings = "enable=yes,color=no,interactive=no,registers=all,threads=all"
        let process = try command(
            home, ["token", "anna"], ["SWIFT_BACKTRACE": settings],
            output: .pipe(output.writing), errors: .pipe(errors.writing))
        for _ in 0..<3000 where waiting(in: output.reading) < Self.pipeBytes && process.isRunning {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(waiting(in: output.reading) == Self.pipeBytes)
        process.signal(number)
        // One that lives on, and holds on to its output, is ended here and told by its signal.
        let executioner = Task {
            try await Task.sleep(for: .seconds(60))
            process.signal(SIGKILL)
        }
        #expect(await process.end() == .signal(number))
        executioner.cancel()
        let complaint = try errors.reading.readToEnd()
        #expect(complaint.isEmpty, "\(String(decoding: complaint.prefix(300), as: UTF8.self))")
        let printed = try output.reading.readToEnd()
        #expect(printed == Data(token.utf8.prefix(Self.pipeBytes)), "what it was asked for")
    }

    /// curl opens the first, OpenSSL the second, as soon as they begin.
    @Test func noVariableHasKeysWrittenDownOrCodeLoaded() async throws {
        let home = try await vault(token: "a token")
        let (keys, settings) = ("\(home.path)-keys", "\(home.path)-settings")
        try TestVault.write(Array("[default]\n".utf8), to: settings, mode: 0o600)
        let watch = inotify_init1(Int32(IN_NONBLOCK))
        defer { close(watch) }
        #expect(unsafe inotify_add_watch(watch, settings, UInt32(IN_OPEN)) >= 0)
        let process = try command(
            home, ["list"], ["SSLKEYLOGFILE": keys, "OPENSSL_CONF": settings], output: .nothing)
        #expect(await process.end() == .exit(0))
        #expect(!FileManager.default.fileExists(atPath: keys))
        var event = [UInt8](repeating: 0, count: 512)
        #expect(unsafe read(watch, &event, event.count) < 0, "the settings were opened")
    }
}
