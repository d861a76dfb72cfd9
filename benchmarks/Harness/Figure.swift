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

/// One thing that is measured, by a process of its own each time, beside its floors where it has
/// any.
struct Figure {
    let name: String
    /// Arguments of this executable.
    let ours: [String]
    /// A program and its arguments.
    var floor: [String]?
    /// Another, which promises what the library does: what ours costs more than that is its own,
    /// what that costs more than the floor is the promises'.
    var promises: [String]?
    /// Of the CPU time of an operation.
    var goal: Goal?
    /// Of the operations a second, wall time.
    var rateGoal: Goal?
    /// Whether our side prints the two times of an operation first. The floors print nothing else.
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
        /// Ours over the floor's.
        var ratio: Spread?
        /// Of the floor with the promises.
        var promises: Spread?
        /// Ours over that one's.
        var promisesRatio: Spread?
        /// That one's over the first floor's.
        var promisesCost: Spread?
        var goal: Goal?
    }

    /// What each side printed in one repetition.
    struct Round {
        var ours: [Double]
        var floor: [Double] = []
        var promises: [Double] = []
    }

    /// Runs the sides in turn, so that what else the machine does weighs on all.
    ///
    /// - Parameter program: what takes our arguments; nil is this executable.
    func measure(
        repetitions: Int, errors: String, program: String? = nil
    ) throws -> [Row] {
        let columns = (hasTimes ? 2 : 0) + others.count
        let commands = [[try program ?? Program.own()] + ours, floor, promises]
        let sides = commands.enumerated().compactMap { side, command in
            command.map { (side, Program(command: $0, errors: errors), side == 0 ? columns : 2) }
        }
        var rounds: [Round] = []
        for round in 0..<(self.repetitions ?? repetitions) {
            var lines = [[[Double]]](repeating: [], count: commands.count)
            for turn in sides.indices {
                let (side, program, columns) = sides[(turn + round) % sides.count]
                lines[side] = try program.measure(columns: columns)
            }
            for (index, line) in lines[0].enumerated() {
                let others = lines[1...].map { $0.indices.contains(index) ? $0[index] : [] }
                rounds.append(Round(ours: line, floor: others[0], promises: others[1]))
            }
        }
        return rows(of: rounds)
    }

    func rows(of rounds: [Round]) -> [Row] {
        var rows: [Row] = []
        if hasTimes {
            rows.append(row("CPU", "ns", goal, rounds) { $0[0] })
            rows.append(row("rate", "1/s", rateGoal, rounds) { 1e9 / $0[1] })
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

    /// A ratio is the median of the rounds' own.
    private func row(
        _ kind: String, _ unit: String, _ goal: Goal?, _ rounds: [Round],
        _ value: ([Double]) -> Double
    ) -> Row {
        let ours = rounds.map { value($0.ours) }
        let floor = floor.map { _ in rounds.map { value($0.floor) } }
        let promises = promises.map { _ in rounds.map { value($0.promises) } }
        func ratio(_ above: [Double]?, _ below: [Double]?) -> Spread? {
            guard let above, let below else { return nil }
            return Spread(zip(above, below).map { $0 / $1 })
        }
        return Row(
            name: "\(name), \(kind)", unit: unit, ours: Spread(ours), floor: floor.map(Spread.init),
            ratio: ratio(ours, floor), promises: promises.map(Spread.init),
            promisesRatio: ratio(ours, promises), promisesCost: ratio(promises, floor), goal: goal)
    }
}
