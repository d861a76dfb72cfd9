// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import TestSupport
import Testing

@Suite("Programs that tests start") struct ChildProcessTests {
    private func shell(_ script: String) async throws -> ChildProcess.Report {
        try await ChildProcess.run("/bin/sh", ["-c", script])
    }

    @Test(arguments: [0, 1, 77, 255] as [Int32])
    func theStatusIsTold(status: Int32) async throws {
        let report = try await shell("exit \(status)")
        #expect(report.end == .exit(status) && report.status == status)
    }

    @Test(arguments: [SIGKILL, SIGTERM, SIGINT, SIGABRT])
    func theSignalIsTold(number: Int32) async throws {
        let process = try ChildProcess("/bin/sleep", ["60"])
        #expect(process.isRunning)
        #expect(process.signal(number))
        let end = await process.end()
        #expect(end == .signal(number) && end.status == -number)
        #expect(!process.isRunning)
        // Nobody else, to whom its number may have gone.
        #expect(!process.signal(number))
        #expect(await process.end() == end)
    }

    @Test func itIsAskedToEnd() async throws {
        let process = try ChildProcess("/bin/sleep", ["60"])
        process.terminate()
        #expect(await process.end() == .signal(SIGTERM))
    }

    @Test func whoWaitsIsToldOnceEach() async throws {
        let (ends, ended) = AsyncStream.makeStream(of: ChildProcess.End.self)
        let process = try ChildProcess("/bin/sleep", ["0.1"])
        process.whenEnded { ended.yield($0) }
        await process.end()
        process.whenEnded { ended.yield($0) }
        ended.finish()
        var seen: [ChildProcess.End] = []
        for await end in ends { seen.append(end) }
        #expect(seen == [.exit(0), .exit(0)])
    }

    @Test func aTaskThatWasCancelledWaitsToo() async throws {
        let process = try ChildProcess("/bin/sleep", ["0.1"])
        let waiting = Task { await process.end() }
        waiting.cancel()
        #expect(await waiting.value == .exit(0))
    }

    @Test func aThreadWaits() throws {
        #expect(try ChildProcess("/bin/sh", ["-c", "exit 3"]).wait() == .exit(3))
    }

    @Test func inputComesBackAsOutputAndErrors() async throws {
        let text = String(repeating: "0123456789abcde\n", count: 1 << 16)
        let report = try await ChildProcess.run("/usr/bin/tee", ["/dev/stderr"], input: text)
        #expect(report.status == 0)
        #expect(report.text == text)
        #expect(report.complaint == text)
    }

    @Test func theOneWhoStaysIsNotAsked() async throws {
        let report = try await ChildProcess.run("/bin/sleep", ["60"], secondsMax: 0.1)
        #expect(report.end == .signal(SIGKILL))
    }

    @Test func whatIsTypedIsRead() async throws {
        let (input, output) = try (PipeEnd.pair(), PipeEnd.pair())
        let process = try ChildProcess(
            "/bin/cat", input: .pipe(input.reading), output: .pipe(output.writing))
        try input.writing.write("one\ntwo\n")
        #expect(try output.reading.readLine() == "one")
        #expect(try output.reading.readLine() == "two")
        try input.writing.write("three")
        input.writing.close()
        #expect(try output.reading.readToEnd() == Data("three".utf8))
        #expect(await process.end() == .exit(0))
    }

    /// SIGPIPE, or a trap, would be the end of the tests.
    @Test func aPipeWhoseOtherEndIsClosedThrows() async throws {
        let input = try PipeEnd.pair()
        let process = try ChildProcess("/bin/true", input: .pipe(input.reading))
        await process.end()
        #expect(throws: PipeEnd.Failed.self) { try input.writing.write("x") }
        #expect(throws: PipeEnd.Failed.self) { try input.writing.write("x") }
        input.writing.close()
        #expect(throws: PipeEnd.Failed.self) { try input.writing.write("x") }
        #expect(throws: PipeEnd.Failed.self) { try input.reading.readToEnd() }
    }

    @Test func filesAreReadFromTheirBeginningAndWrittenAfterTheirEnd() async throws {
        let home = try TestVault()
        let (from, to) = ("\(home.path)-from", "\(home.path)-to")
        try TestVault.write(Array("word\n".utf8), to: from, mode: 0o600)
        for _ in 0..<2 {
            let process = try ChildProcess(
                "/bin/sh", ["-c", "cat; echo no >&2"], input: .file(from), output: .file(to),
                errors: .file(to))
            #expect(await process.end() == .exit(0))
        }
        #expect(try String(contentsOfFile: to, encoding: .utf8) == "word\nno\nword\nno\n")
    }

    @Test func directoryAndEnvironmentAreItsOwn() async throws {
        let report = try await ChildProcess.run(
            "/usr/bin/env", environment: ["A": "1", "B": "x=y"], directory: "/usr")
        #expect(Set(report.text.split(separator: "\n")) == ["A=1", "B=x=y"])
        let place = try await ChildProcess.run("/bin/pwd", directory: "/usr/lib")
        #expect(place.text == "/usr/lib\n")
        #expect(try await shell("echo $PATH").text != "\n")
    }

    @Test func noDescriptorIsInherited() async throws {
        // Neither closes itself where a program begins.
        let (low, high) = (unsafe open("/dev/null", O_RDONLY), fcntl(STDERR_FILENO, F_DUPFD, 200))
        defer { for number in [low, high] { close(number) } }
        // The fourth is that of the folder.
        let report = try await ChildProcess.run("/bin/ls", ["/proc/self/fd"])
        #expect(report.text == "0\n1\n2\n3\n")
    }

    @Test func noSignalIsBlockedOrIgnored() throws {
        let previous = signal(SIGWINCH, SIG_IGN)
        defer { signal(SIGWINCH, previous) }
        var (all, before) = (sigset_t(), sigset_t())
        unsafe sigfillset(&all)
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        defer { unsafe pthread_sigmask(SIG_SETMASK, &before, nil) }
        let report = try ChildProcess.run("/bin/cat", ["/proc/self/status"])
        func mask(_ name: String) throws -> UInt64 {
            let line = try #require(report.text.split(separator: "\n").first { $0.hasPrefix(name) })
            return try #require(UInt64(line.dropFirst(name.count + 2), radix: 16))
        }
        #expect(try mask("SigBlk") == 0)
        // But for the two that are glibc's own.
        #expect(try mask("SigIgn") & 0x7fff_ffff == 0)
    }

    @Test func whatIsMissingIsTold() throws {
        #expect(throws: ChildProcess.NotStarted.self) { try ChildProcess("/nowhere/program") }
        #expect(throws: ChildProcess.NotStarted.self) {
            try ChildProcess("/bin/true", directory: "/nowhere")
        }
        #expect(throws: ChildProcess.NotStarted.self) {
            try ChildProcess("/bin/true", input: .file("/nowhere"))
        }
        let failure = #expect(throws: ChildProcess.NotStarted.self) {
            try ChildProcess.run("/usr")
        }
        #expect(failure?.description == "cannot start /usr: Permission denied")
    }

    @Test func aThousandFromEightTasks() async throws {
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        let ends = try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    var ended = 0
                    for number in 0..<125 {
                        let report = try await ChildProcess.run(
                            "/bin/sh", ["-c", "read word; echo $word; exit \(number)"],
                            input: "\(task).\(number)\n")
                        if report.text == "\(task).\(number)\n" && report.status == number {
                            ended += 1
                        }
                    }
                    return ended
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(ends == 1000)
        let left = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count
        #expect(left <= open)
    }
}
