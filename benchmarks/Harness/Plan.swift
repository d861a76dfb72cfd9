// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Everything that is measured, one entry a figure.
struct Plan {
    let scale: Scale
    /// Where vaults are made.
    let home: String
    /// Where the executables of the floors are, or those of the peers.
    let others: String
    /// The fixed server without TLS, and with it; its token endpoint.
    let url: String
    let secureURL: String
    /// The CA of its certificate.
    let certificates: String
    /// The practice server's executable.
    let practice: String
    /// Executables of the command, with a colon between them: this version's, and one before.
    let commands: String

    func population(_ connections: Int) -> String { "\(home)/population-\(connections)" }

    /// In this order; what makes the vaults older comes last.
    var figures: [Figure] {
        reads + heaps + openings + writes + transports + refreshes + upkeep + served + curve
    }

    private var sizes: [Int] { [scale.small, scale.large] }

    private var reads: [Figure] {
        sizes.flatMap { size in [1, 2].map { read(size, threads: $0) } }
    }

    private func read(_ size: Int, threads: Int) -> Figure {
        let arguments = [population(size), "\(size)", "\(threads)", "\(scale.reads)"]
        return Figure(
            name: "token read, \(count(threads, "thread")), \(Report.number(Double(size)))",
            ours: ["read"] + arguments, floor: ["\(others)/token_read"] + arguments,
            goal: .ratioAtMost(1.3), population: size)
    }

    private var heaps: [Figure] {
        ["build", "update", "churn"].flatMap { work in
            scale.heaps.map { size in
                let arguments = [work, "\(size)", "\(scale.heapOperations)"]
                let hasGoal = size == 1_000_000 && work != "build"
                return Figure(
                    name: "heap \(work), \(Report.number(Double(size)))",
                    ours: ["heap"] + arguments, floor: ["\(others)/expiry_heap"] + arguments,
                    goal: hasGoal ? .ratioAtMost(1.15) : nil)
            }
        }
    }

    private var openings: [Figure] {
        zip(sizes, [250.0, 1000.0]).map { size, firstRead in
            Figure(
                name: "open to complete schedule, \(Report.number(Double(size)))",
                ours: ["open", population(size), population(0), "\(size)"],
                floor: ["\(others)/store_scan", population(size), "\(size)"],
                goal: .ratioAtMost(1.5),
                others: [
                    .init(name: "first read", unit: "ms"),
                    .init(
                        name: "first read, unverified", unit: "ms",
                        goal: .valueAtMost(firstRead)),
                    .init(
                        name: "memory", unit: "B",
                        goal: .valueAtMost(64 + Double(64 << 20) / Double(size))),
                ], population: size)
        }
    }

    private var writes: [Figure] {
        let put = [population(scale.small), "\(scale.small)", "\(scale.puts)"]
        let disconnects = [scale.singleDisconnects, scale.manyDisconnects]
        let groups = [1, scale.manyDisconnects]
        return [
            Figure(
                name: "durable put, groups of up to 256", ours: ["put"] + put,
                floor: ["\(others)/durable_put"] + put,
                promises: ["\(others)/durable_put_promises"] + put, goal: .ratioAtMost(1.7),
                population: scale.small)
        ]
            + zip(disconnects, groups).map { disconnects, group in
                Figure(
                    name: "disconnect, \(Report.number(Double(group))) at a time",
                    ours: ["disconnect", population(scale.small)]
                        + ["\(disconnects)", "\(group)"],
                    floor: ["\(others)/disconnect", population(scale.small)]
                        + ["\(scale.small)", "\(disconnects)", "\(group)"],
                    promises: ["\(others)/disconnect_promises", population(scale.small)]
                        + ["\(disconnects)", "\(group)"],
                    goal: group == 1 ? nil : .ratioAtMost(1.7), population: scale.small)
            }
    }

    /// Requests and answers alone; the floor wipes what it frees too.
    private var transports: [Figure] {
        [("", url, []), (" over TLS", secureURL, [certificates])].map { words, url, certificates in
            let arguments = [url, "128", "\(scale.refreshes)"]
            return Figure(
                name: "transport\(words), 128 in flight",
                ours: ["transport"] + arguments + certificates,
                floor: ["\(others)/transport_post"] + arguments + ["wiping"] + certificates)
        }
    }

    private var refreshes: [Figure] {
        let home = population(scale.refreshes)
        func arguments(_ url: String, _ inFlight: Int) -> [String] {
            [home, url, "\(inFlight)", "\(scale.refreshes)"]
        }
        var figures: [Figure] = []
        for (words, url, certificates, upkeepGoal, callersGoal) in [
            ("", url, [], 1.4, 1.5), (" over TLS", secureURL, [certificates], 1.25, 1.3),
        ] {
            for (verb, inFlight, noun, goal) in [
                ("upkeep", 32, "in flight", nil), ("upkeep", 128, "in flight", upkeepGoal),
                ("upkeep", 256, "in flight", nil), ("refresh", 128, "callers", callersGoal),
            ] {
                let arguments = arguments(url, inFlight) + certificates
                figures.append(
                    Figure(
                        name: "durable refresh\(words), \(inFlight) \(noun)",
                        ours: [verb] + arguments, floor: ["\(others)/token_refresh"] + arguments,
                        promises: ["\(others)/token_refresh_promises"] + arguments,
                        goal: goal.map { .ratioAtMost($0) }, population: scale.refreshes))
            }
        }
        figures.append(
            Figure(
                name: "durable refresh, practice server, 128 callers",
                ours: ["practice", "\(self.home)/practice", practice, "128"]
                    + ["\(scale.refreshes)"]))
        return figures
    }

    private var upkeep: [Figure] {
        [
            Figure(
                name: "idle, \(Report.number(Double(scale.small))) due in an hour",
                ours: ["idle", "\(home)/idle", "\(scale.small)", "\(scale.idleSeconds)"],
                hasTimes: false,
                others: [
                    .init(name: "CPU in a minute", unit: "ms", goal: .valueAtMost(Self.idleCPU))
                ], repetitions: 1),
            Figure(
                name: "sustained for \(scale.sustainedSeconds) s",
                ours: ["sustain", "\(home)/sustained", url + "/short", "\(scale.small / 20 * 21)"]
                    + ["\(scale.sustainedSeconds)"],
                rateGoal: scale.small == 100_000 ? .valueAtLeast(10_000) : nil,
                others: [
                    .init(name: "expired at the end", unit: "tokens", goal: .valueAtMost(0))
                ], repetitions: 1),
            Figure(
                name: "storm, \(Report.number(Double(scale.small))) expire in one second",
                ours: ["storm", "\(home)/storm", practice, "\(Self.stormInFlight)"]
                    + ["\(scale.small)"],
                others: [
                    .init(
                        name: "at a time", unit: "requests",
                        goal: .valueAtMost(Double(Self.stormInFlight)))
                ], repetitions: 1),
        ]
    }

    /// What the practice server takes at one time.
    private static let stormInFlight = 64
    /// Milliseconds of CPU in a minute that count as none.
    private static let idleCPU = 10.0

    /// Its rate is what the lateness figures call full load.
    static let capacityFigure = "durable refresh, 128 in flight"

    /// Lateness at half and at full load.
    func lateness(_ capacity: Double) -> [Figure] {
        [
            lateness("half", perSecond: capacity / 2, goal: .valueAtMost(100)),
            lateness("full", perSecond: capacity, goal: nil),
        ]
    }

    private func lateness(_ words: String, perSecond: Double, goal: Goal?) -> Figure {
        Figure(
            name: "lateness at \(words) load",
            ours: [
                "lateness", "\(home)/lateness", url,
                "\(Int(min(perSecond, scale.duePerSecondMax)))",
            ], hasTimes: false,
            others: [
                .init(name: "p50", unit: "ms"),
                .init(name: "p99", unit: "ms", goal: goal),
                .init(name: "most", unit: "ms"),
                .init(name: "load", unit: "1/s"),
            ], repetitions: 1)
    }

    /// What a read and a refresh cost in vaults of many sizes.
    private var curve: [Figure] {
        let refreshed = (sizes + scale.curve).sorted()
        func refresh(_ size: Int) -> [String] {
            [population(size), url, "128", "\(min(size, scale.refreshes))"]
        }
        return scale.curve.sorted().map { read($0, threads: 1) }
            + refreshed.map { size in
                Figure(
                    name: "durable refresh, 128 in flight, among \(Report.number(Double(size)))",
                    ours: ["upkeep"] + refresh(size),
                    floor: ["\(others)/token_refresh"] + refresh(size) + ["-", "\(size)"],
                    promises: ["\(others)/token_refresh_promises"] + refresh(size),
                    population: size)
            }
    }

    private func count(_ number: Int, _ noun: String) -> String {
        "\(number) \(noun)\(number == 1 ? "" : "s")"
    }
}
