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
        case ("compare", 8...), ("compare-peers", 8...):
            let plan = Plan(
                scale: try Scale(arguments[7]), home: arguments[0], others: arguments[1],
                url: arguments[2], secureURL: arguments[3], certificates: arguments[4],
                practice: arguments[5],
                commands: ProcessInfo.processInfo.environment["TOKENVAULT_COMMANDS"] ?? "")
            let isFloors = verb == "compare"
            try await compare(
                plan, isFloors ? plan.figures : plan.peers,
                Report(path: arguments[6], other: isFloors ? "floor" : "peer"),
                only: Array(arguments.dropFirst(8)))
        case ("populate", 2):
            try await Population(home: arguments[0]).make(number(arguments[1]))
        case ("read", 4):
            print(
                try await TokenRead(
                    home: arguments[0], connections: number(arguments[1]),
                    threads: number(arguments[2]), reads: number(arguments[3])
                ).measure())
        case ("put", 3):
            print(
                try await DurablePut(
                    home: arguments[0], connections: number(arguments[1]),
                    puts: number(arguments[2])
                ).measure())
        case ("open", 3):
            print(
                try await VaultOpening(
                    home: arguments[0], emptyHome: arguments[1], connections: number(arguments[2])
                ).measure())
        case ("disconnect", 3):
            print(
                try await Disconnection(
                    home: arguments[0], disconnects: number(arguments[1]),
                    atOnce: number(arguments[2])
                ).measure())
        default:
            try await runRefresh(verb, arguments)
        }
    }

    private static func runRefresh(_ verb: String, _ arguments: [String]) async throws {
        switch (verb, arguments.count) {
        case ("refresh", 4...5):
            print(
                try await TokenRefresh(
                    home: arguments[0], url: arguments[1], inFlight: number(arguments[2]),
                    refreshes: number(arguments[3]),
                    certificates: arguments.count > 4 ? arguments[4] : nil
                ).measureCallers())
        case ("upkeep", 4), ("upkeep", 5):
            print(
                try await TokenRefresh(
                    home: arguments[0], url: arguments[1], inFlight: number(arguments[2]),
                    refreshes: number(arguments[3]),
                    certificates: arguments.count > 4 ? arguments[4] : nil
                ).measureUpkeep())
        case ("practice", 4), ("storm", 4):
            let practice = PracticeRefresh(
                home: arguments[0], program: arguments[1], inFlight: try number(arguments[2]),
                refreshes: try number(arguments[3]))
            if verb == "storm" {
                print(try await practice.measureStorm())
            } else {
                print(try await practice.measureCallers())
            }
        case ("idle", 3):
            print(
                try await Idleness(
                    home: arguments[0], connections: number(arguments[1]),
                    seconds: number(arguments[2])
                ).measure())
        case ("sustain", 4):
            print(
                try await SustainedRefresh(
                    home: arguments[0], url: arguments[1], connections: number(arguments[2]),
                    seconds: number(arguments[3])
                ).measure())
        case ("serve", 5):
            print(
                try await ServedTokens(
                    home: arguments[0], program: arguments[1], callers: number(arguments[2]),
                    idle: number(arguments[3]), reads: number(arguments[4])
                ).measure())
        case ("lateness", 3):
            print(
                try await Lateness(
                    home: arguments[0], url: arguments[1], perSecond: number(arguments[2])
                ).measure())
        default:
            try await runPart(verb, arguments)
        }
    }

    /// Parts of the library alone.
    private static func runPart(_ verb: String, _ arguments: [String]) async throws {
        switch (verb, arguments.count) {
        case ("heap", 3):
            guard let work = HeapOperations.Work(rawValue: arguments[0]) else {
                throw BenchmarkFailure("heap build, heap update or heap churn")
            }
            print(
                try await HeapOperations(
                    work: work, count: number(arguments[1]), operations: number(arguments[2])
                ).measure())
        case ("transport", 3), ("transport", 4):
            let post = try TransportPost(
                url: arguments[0], inFlight: number(arguments[1]),
                caFile: arguments.count > 3 ? arguments[3] : nil)
            print(try await post.measure(number(arguments[2])))
        default:
            throw BenchmarkFailure("see benchmarks/run, which calls this")
        }
    }

    private static func number(_ text: String) throws -> Int {
        guard let number = Int(text), number > 0 else {
            throw BenchmarkFailure("not a number above zero: \(text)")
        }
        return number
    }

    private static func compare(
        _ plan: Plan, _ figures: [Figure], _ report: consuming Report, only: [String]
    ) async throws {
        let disk = try Disk.synchronizationMedian(in: plan.home)
        var report = report
        try report.add(
            Figure.Row(name: "fdatasync of 4 KiB", unit: "us", ours: Spread([disk])))
        var capacity: Double?
        func measure(_ figure: Figure) async throws {
            guard only.isEmpty || only.contains(where: figure.name.contains) else { return }
            if let size = figure.population {
                try await Population(home: plan.population(size)).make(size)
                try await Population(home: plan.population(0)).make(0)
            }
            let rows = try figure.measure(
                repetitions: plan.scale.repetitions, errors: "\(plan.home)/errors")
            for row in rows { try report.add(row) }
            if figure.name == Plan.capacityFigure { capacity = rows[1].ours.median }
        }
        for figure in figures { try await measure(figure) }
        if let capacity {
            for figure in plan.lateness(capacity) { try await measure(figure) }
        }
        report.finish()
    }
}

/// What stops a benchmark.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
