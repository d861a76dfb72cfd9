// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc
import TokenVault
import UnixSignals

/// `tokenvault bench`.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure reads, puts and refreshes on this machine.",
        discussion: """
            Makes a vault in a folder of its own on a disk, with practice tokens in it, and \
            refreshes them against a practice server on loopback, which rotates every refresh \
            token and would notice one that is presented twice. The server is a process of its \
            own: the CPU time in the table is the vault's alone, the rate is that of both on this \
            machine. Every refresh is durable before it counts.

            The folder is removed at the end, also after a failure or an interrupt.

            EXAMPLES
              tokenvault bench
              tokenvault bench --directory /var/tmp --connections 50000 --seconds 30
            """)

    /// The most connections: as many grants as the practice server makes at one time.
    private static let connectionsMax = 100_000
    /// The most refreshes in flight that a vault has.
    private static let inFlightMax = 1024
    private static let secondsMax = 3600

    @Option(help: "Where the folder is made; on a disk, not in memory.")
    var directory = "."

    @Option(parsing: .unconditional, help: "How many connections the vault has, up to 100000.")
    var connections = 10_000

    @Option(parsing: .unconditional, help: "How many callers refresh at a time, up to 1024.")
    var inFlight = 128

    @Option(
        parsing: .unconditional,
        help: "How long reads and refreshes are measured, each, in seconds.")
    var seconds = 10

    func validate() throws {
        guard (1...Self.connectionsMax).contains(connections) else {
            throw ValidationError("--connections is 1 to \(Self.connectionsMax)")
        }
        guard (1...Self.inFlightMax).contains(inFlight) else {
            throw ValidationError("--in-flight is 1 to \(Self.inFlightMax)")
        }
        guard (1...Self.secondsMax).contains(seconds) else {
            throw ValidationError("--seconds is 1 to \(Self.secondsMax)")
        }
    }

    func run() async throws {
        // Before there is anything to remove: no signal may end the process from then on.
        signal(SIGPIPE, SIG_IGN)
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await measure() }
            group.addTask {
                for await _ in signals { throw CancellationError() }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func measure() async throws {
        let folder = try BenchFolder(in: directory)
        let progress = ProgressBar()
        let bench = Bench(
            connections: connections, inFlight: inFlight, seconds: seconds, progress: progress)
        try Outlet.output.line(
            "takes about \(bench.secondsAtMost) s; file system \(folder.fileSystem), fdatasync "
                + "after an overwrite of 4 KiB: median \(try folder.syncMicroseconds()) us")
        let vault = try folder.makeVault()
        defer { vault.close() }
        try await vault.ready()
        let results: [Bench.Result]
        do {
            results = try await bench.run(vault)
        } catch {
            try? progress.clear()
            throw error
        }
        try progress.clear()
        let rows = results.map { result in
            [
                result.name, Self.number(result.cpu / 1e3, digits: 2),
                Self.number(1e9 / result.wall, digits: 0), "\(result.operations)",
            ]
        }
        try Table(["WHAT", "CPU, US EACH", "A SECOND", "COUNT"], rows).write()
        try Outlet.output.line(
            "every refresh is stored, and the server saw each of them exactly once")
    }

    /// A number with so many digits after the point.
    private static func number(_ value: Double, digits: Int) -> String {
        let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
        let (whole, rest) = Int((value * Double(scale)).rounded())
            .quotientAndRemainder(dividingBy: scale)
        guard digits > 0 else { return "\(whole)" }
        let text = "\(rest)"
        return "\(whole)." + String(repeating: "0", count: digits - text.count) + text
    }
}
