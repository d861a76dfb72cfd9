// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `tokenvault bench`, with small numbers.
struct BenchTests {
    /// A folder on the disk that holds the package, for `body` to fill and to leave empty.
    private func withFolder(_ body: (Workbench, String) async throws -> Void) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: ".build/bench-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await Workbench.run { bench in try await body(bench, folder) }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
    }

    @Test func theTableHasCountsThatTheServerConfirms() async throws {
        try await withFolder { bench, folder in
            let output = try await bench.expect([
                "bench", "--directory", folder, "--connections", "50", "--in-flight", "8",
                "--seconds", "1",
            ])
            let rows = output.text.split(separator: "\n").map {
                $0.split(separator: " ", omittingEmptySubsequences: true)
            }
            for (name, least) in [("put", 50), ("read", 1024), ("refresh", 50)] {
                let row = try #require(rows.first { $0.count == 5 && $0[1] == name })
                #expect(Double(row[2]).map { $0 > 0 } ?? false, "\(row)")
                #expect(Int(row[3]).map { $0 > 0 } ?? false, "\(row)")
                #expect(Int(row[4]).map { $0 >= least } ?? false, "\(row)")
            }
            #expect(output.text.contains("the server saw each of them exactly once"))
            // No bar where the output is a file.
            #expect(!output.text.contains("\r"))
        }
    }

    @Test func aTerminalSeesABar() async throws {
        try await withFolder { bench, folder in
            let command = try bench.start(
                ["bench", "--directory", folder, "--connections", "50", "--seconds", "1"],
                input: .text(""),
                through: [
                    "python3", "-c",
                    "import os, pty, sys; "
                        + "sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
                ])
            let output = await command.end()
            #expect(output.status == 0, "\(output.errors)")
            let bars = output.text.split(separator: "\r").filter { $0.contains("tokens are read") }
            let lengths = bars.map { bar in bar.count { $0 == "#" } }
            #expect(lengths.max() ?? 0 >= 29)
            #expect(lengths == lengths.sorted())
        }
    }

    @Test(arguments: [SIGINT, SIGTERM, SIGHUP])
    func aSignalLeavesNothingBehind(number: Int32) async throws {
        try await withFolder { bench, folder in
            let command = try bench.start(
                ["bench", "--directory", folder, "--connections", "50", "--seconds", "600"],
                input: .open)
            _ = try await command.line { $0.hasPrefix("tokens are read") }
            #expect(try !FileManager.default.contentsOfDirectory(atPath: folder).isEmpty)
            command.signal(number)
            let output = await command.end()
            #expect(output.status == 75, "\(output.errors)")
        }
    }

    @Test func aFailureLeavesNothingBehind() async throws {
        try await withFolder { bench, folder in
            let command = try bench.start(
                ["bench", "--directory", folder, "--connections", "50", "--seconds", "5"],
                input: .open)
            _ = try await command.line { $0.hasPrefix("tokens are refreshed") }
            let children = children(of: command.identifier)
            #expect(children.count == 1)
            for server in children { kill(server, SIGKILL) }
            let output = await command.end()
            #expect(output.status == 69, "\(output.errors)")
        }
    }

    /// Of any of its threads.
    private func children(of process: Int32) -> [Int32] {
        let threads = "/proc/\(process)/task"
        let names = (try? FileManager.default.contentsOfDirectory(atPath: threads)) ?? []
        return names.flatMap { name in
            let list = try? String(contentsOfFile: "\(threads)/\(name)/children", encoding: .utf8)
            return (list ?? "").split(separator: " ").compactMap { Int32($0) }
        }
    }

    @Test func memoryIsNoDisk() async throws {
        try await Workbench.run { bench in
            let output = try await bench.expect(["bench", "--directory", "/dev/shm"], status: 64)
            #expect(output.errors.contains("lies in memory"))
        }
    }

    @Test(
        arguments: [
            ["--connections", "0"], ["--connections", "100001"], ["--in-flight", "0"],
            ["--in-flight", "1025"], ["--seconds", "0"], ["--seconds", "3601"],
        ])
    func whatIsTooMuchIsRefused(options: [String]) async throws {
        try await Workbench.run { bench in
            try await bench.expect(["bench"] + options, status: 64)
        }
    }
}
