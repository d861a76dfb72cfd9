// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The vault's side of the benchmarks, and the comparison with the floors.
///
/// `benchmarks/run` calls `compare`, which starts every measurement as a process of its own: the
/// floors, and this executable again.
@main
enum TokenVaultBench {
    static func main() async {
        do {
            try await run()
        } catch {
            FileHandle.standardError.write(Data("tokenvault-bench: \(error)\n".utf8))
            exit(1)
        }
    }

    private static func run() async throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        let verb = arguments.isEmpty ? "" : arguments.removeFirst()
        switch (verb, arguments.count) {
        case ("compare", 4):
            try await compare(
                home: arguments[0], floors: arguments[1], url: arguments[2], results: arguments[3])
        case ("read", 4):
            print(
                try await TokenRead(
                    home: arguments[0], connections: number(arguments[1]),
                    threads: number(arguments[2]), reads: number(arguments[3])
                ).measure())
        case ("refresh", 4):
            print(
                try await TokenRefresh(
                    home: arguments[0], url: arguments[1], inFlight: number(arguments[2]),
                    refreshes: number(arguments[3])
                ).measure())
        case ("transport", 3), ("transport", 4):
            let post = try TransportPost(
                url: arguments[0], inFlight: number(arguments[1]),
                caFile: arguments.count > 3 ? arguments[3] : nil)
            print(try await post.measure(number(arguments[2])))
        case ("heap", 3):
            guard let work = HeapOperations.Work(rawValue: arguments[0]) else {
                throw BenchmarkFailure("heap build, heap update or heap churn")
            }
            print(
                try await HeapOperations(
                    work: work, count: number(arguments[1]), operations: number(arguments[2])
                ).measure())
        default:
            throw BenchmarkFailure(
                "usage: tokenvault-bench compare <home> <floors> <url> <results>")
        }
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text), number > 0 else {
            throw BenchmarkFailure("not a number above zero: \(text)")
        }
        return number
    }

    private static func compare(
        home: String, floors: String, url: String, results: String
    ) async throws {
        let connections = 100_000
        let refreshes = 20_000
        let readHome = "\(home)/read"
        let refreshHome = "\(home)/refresh"
        let disk = try Disk.synchronizationMedian(in: home)
        print("fdatasync after an overwrite of 4 KiB: median \(Int(disk)) us")
        try await Population(home: readHome).make(connections)
        try await Population(home: refreshHome).make(refreshes)

        var report = try Report(path: results)
        for threads in [1, 2] {
            let arguments = [readHome, "\(connections)", "\(threads)", "400000"]
            try report.add(
                Comparison(
                    name: "token read, \(threads) thread\(threads == 1 ? "" : "s")", goal: 1.3,
                    ours: ["read"] + arguments, floor: ["\(floors)/token_read"] + arguments))
        }
        let arguments = [refreshHome, url, "128", "\(refreshes)"]
        try report.add(
            Comparison(
                name: "durable refresh, 128 in flight", goal: 1.5,
                ours: ["refresh"] + arguments, floor: ["\(floors)/token_refresh"] + arguments))
    }
}

/// What stops a benchmark.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
