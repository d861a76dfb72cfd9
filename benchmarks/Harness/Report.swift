// SPDX-License-Identifier: Apache-2.0

import Foundation

/// The table for people, on standard output, and the lines for programs.
struct Report {
    private let file: FileHandle
    private var metCount = 0
    private var missed: [String] = []

    /// - Parameter other: what stands beside the vault, a floor or a peer.
    init(path: String, other: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw BenchmarkFailure("cannot write \(path)") }
        self.file = file
        say(
            Self.row(
                "", "vault", other, "ratio", "same promises", "ratio to it", "over \(other)",
                "goal", "met"))
    }

    /// A floor and its ratio are null where there is none.
    private struct Line: Encodable {
        let row: Figure.Row

        private enum Key: String, CodingKey {
            case name, value, least, most, unit, floor, ratio, promises, goal, met
            case floorLeast = "floor_least"
            case floorMost = "floor_most"
            case ratioLeast = "ratio_least"
            case ratioMost = "ratio_most"
            case promisesLeast = "promises_least"
            case promisesMost = "promises_most"
            case promisesRatio = "promises_ratio"
            case promisesRatioLeast = "promises_ratio_least"
            case promisesRatioMost = "promises_ratio_most"
            case promisesCost = "promises_cost"
            case promisesCostLeast = "promises_cost_least"
            case promisesCostMost = "promises_cost_most"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(row.name, forKey: .name)
            try container.encode(row.unit, forKey: .unit)
            let spreads: [(Spread?, Key, Key, Key)] = [
                (row.ours, .value, .least, .most),
                (row.floor, .floor, .floorLeast, .floorMost),
                (row.ratio, .ratio, .ratioLeast, .ratioMost),
                (row.promises, .promises, .promisesLeast, .promisesMost),
                (row.promisesRatio, .promisesRatio, .promisesRatioLeast, .promisesRatioMost),
                (row.promisesCost, .promisesCost, .promisesCostLeast, .promisesCostMost),
            ]
            for (spread, median, least, most) in spreads {
                try container.encode(spread?.median, forKey: median)
                try container.encode(spread?.least, forKey: least)
                try container.encode(spread?.most, forKey: most)
            }
            try container.encode(row.goal.map(Report.text), forKey: .goal)
            try container.encode(row.isGoalMet, forKey: .met)
        }
    }

    /// Reports at once.
    mutating func add(_ row: Figure.Row) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        try file.write(contentsOf: encoder.encode(Line(row: row)) + Data("\n".utf8))
        if let isMet = row.isGoalMet {
            if isMet { metCount += 1 } else { missed.append(row.name) }
        }
        say(
            Self.row(
                row.name, Self.text(row.ours, row.unit), row.floor.map { Self.text($0, row.unit) },
                row.ratio.map { Self.text($0, "") }, row.promises.map { Self.text($0, row.unit) },
                row.promisesRatio.map { Self.text($0, "") },
                row.promisesCost.map { Self.text($0, "") }, row.goal.map(Self.text),
                row.isGoalMet.map { $0 ? "yes" : "NO" }))
    }

    /// The goals, counted.
    func finish() {
        let words = missed.isEmpty ? "" : ": " + missed.joined(separator: "; ")
        say("goals met \(metCount), missed \(missed.count)\(words)")
    }

    /// Whoever reads along sees each figure when it is there.
    private func say(_ line: String) {
        FileHandle.standardOutput.write(Data("\(line)\n".utf8))
    }

    private static func text(_ goal: Goal) -> String {
        switch goal {
        case .ratioAtMost(let most): "ratio <= \(most)"
        case .valueAtMost(let most): "<= \(number(most))"
        case .valueAtLeast(let least): ">= \(number(least))"
        }
    }

    /// "2,912 [2,804 .. 3,120] ns".
    private static func text(_ spread: Spread, _ unit: String) -> String {
        let range = "[\(number(spread.least)) .. \(number(spread.most))]"
        return "\(number(spread.median)) \(range)" + (unit.isEmpty ? "" : " \(unit)")
    }

    /// Three digits at least, thousands apart.
    static func number(_ value: Double) -> String {
        if value < 99.95, value != value.rounded() {
            return String(format: value < 9.995 ? "%.2f" : "%.1f", value)
        }
        var digits = Array(String(Int(value.rounded())))
        for place in stride(from: digits.count - 3, to: 0, by: -3) {
            digits.insert(",", at: place)
        }
        return String(digits)
    }

    private static func row(_ cells: String?...) -> String {
        zip(cells, [51, 36, 34, 21, 34, 21, 21, 13, 0]).map { cell, width in
            let cell = cell ?? ""
            return cell.padding(toLength: max(width, cell.count), withPad: " ", startingAt: 0)
        }.joined(separator: " ")
    }
}

extension Figure.Row {
    /// Nil where there is no goal.
    var isGoalMet: Bool? {
        goal.map { $0.isMet(value: ours.median, ratio: ratio?.median) }
    }
}
