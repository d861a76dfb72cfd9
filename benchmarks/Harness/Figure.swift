// SPDX-License-Identifier: Apache-2.0

/// What a value should be.
enum Goal {
    /// Ours over the floor's.
    case ratioAtMost(Double)
    case valueAtMost(Double)
    case valueAtLeast(Double)

    func isMet(value: Double, ratio: Double?) -> Bool {
        switch self {
        case .ratioAtMost(let most): ratio.map { $0 <= most } ?? false
        case .valueAtMost(let most): value <= most
        case .valueAtLeast(let least): value >= least
        }
    }
}

/// One thing that is measured, by a process of its own each time, beside a floor where it has one.
struct Figure {
    let name: String
    /// Arguments of this executable.
    let ours: [String]
    /// A program and its arguments.
    var floor: [String]?
    /// Of the CPU time of an operation.
    var goal: Goal?
    /// Of the operations a second, wall time.
    var rateGoal: Goal?
    /// Whether our side prints the two times of an operation first. The floor prints nothing else.
    var hasTimes = true
    /// What our side prints after them.
    var others: [Value] = []
    /// How often; nil is as often as the scale says.
    var repetitions: Int?
    /// The vault that has to be there, by its number of connections.
    var population: Int?

    /// A number besides the two times.
    struct Value {
        let name: String
        let unit: String
        var goal: Goal?
    }

    /// The repetitions of one value.
    struct Row {
        let name: String
        let unit: String
        let ours: Spread
        var floor: Spread?
        var ratio: Spread?
        var goal: Goal?
    }

    /// Runs both sides in turn, so that what else the machine does weighs on both.
    func measure(repetitions: Int, errors: String) throws -> [Row] {
        let own = try Program(command: [Program.own()] + ours, errors: errors)
        let other = floor.map { Program(command: $0, errors: errors) }
        let columns = (hasTimes ? 2 : 0) + others.count
        var rounds: [(ours: [Double], floor: [Double])] = []
        for round in 0..<(self.repetitions ?? repetitions) {
            let early = try round % 2 == 1 ? other?.measure(columns: 2) : nil
            let mine = try own.measure(columns: columns)
            let theirs = try early ?? other?.measure(columns: 2) ?? []
            for (index, line) in mine.enumerated() {
                rounds.append((line, theirs.indices.contains(index) ? theirs[index] : []))
            }
        }
        return rows(of: rounds)
    }

    /// The ratio is the median of the rounds' own.
    func rows(of rounds: [(ours: [Double], floor: [Double])]) -> [Row] {
        var rows: [Row] = []
        if hasTimes {
            let hasFloor = floor != nil
            rows.append(
                Row(
                    name: "\(name), CPU", unit: "ns", ours: Spread(rounds.map { $0.ours[0] }),
                    floor: hasFloor ? Spread(rounds.map { $0.floor[0] }) : nil,
                    ratio: hasFloor ? Spread(rounds.map { $0.ours[0] / $0.floor[0] }) : nil,
                    goal: goal))
            rows.append(
                Row(
                    name: "\(name), rate", unit: "1/s",
                    ours: Spread(rounds.map { 1e9 / $0.ours[1] }),
                    floor: hasFloor ? Spread(rounds.map { 1e9 / $0.floor[1] }) : nil,
                    ratio: hasFloor ? Spread(rounds.map { $0.floor[1] / $0.ours[1] }) : nil,
                    goal: rateGoal))
        }
        let first = hasTimes ? 2 : 0
        for (index, other) in others.enumerated() {
            rows.append(
                Row(
                    name: "\(name), \(other.name)", unit: other.unit,
                    ours: Spread(rounds.map { $0.ours[first + index] }), goal: other.goal))
        }
        return rows
    }
}
