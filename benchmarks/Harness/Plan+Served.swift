// SPDX-License-Identifier: Apache-2.0

extension Plan {
    /// Fresh tokens of a serving process whose other callers wait, by this version of the command
    /// and by those that stand beside it.
    var served: [Figure] {
        commands.split(separator: ":").enumerated().map { place, command in
            let (callers, idle) = (Self.servedCallers, Self.servedIdle)
            return Figure(
                name: "token of serve\(place == 0 ? "" : " before"), "
                    + "\(Report.number(callers)) wait, \(Report.number(idle)) are silent",
                ours: [
                    "serve", "\(home)/served", String(command), "\(Int(callers))",
                    "\(Int(idle))", "\(scale.servedReads)",
                ], hasTimes: false,
                others: [
                    .init(name: "p50", unit: "ms"),
                    .init(
                        name: "most", unit: "ms",
                        goal: place == 0 ? .valueAtMost(Self.servedMilliseconds) : nil),
                    .init(
                        name: "without an answer", unit: "",
                        goal: place == 0 ? .valueAtMost(0) : nil),
                    .init(name: "callers let in", unit: ""),
                    .init(name: "silent sockets let in", unit: ""),
                ], repetitions: 1)
        }
    }

    private static let servedCallers = 1000.0
    private static let servedIdle = 500.0
    /// What a fresh token may take.
    private static let servedMilliseconds = 50.0
}
