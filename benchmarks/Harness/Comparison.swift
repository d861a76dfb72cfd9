// SPDX-License-Identifier: Apache-2.0

import Foundation

/// One figure beside its floor: both sides in turn, each repetition a process of its own.
struct Comparison {
    let name: String
    /// The highest ratio of CPU times that will do.
    let goal: Double
    /// Arguments of this executable.
    let ours: [String]
    /// A program and its arguments.
    let floor: [String]

    static let repetitions = 5

    /// Runs both sides alternately, so that what else the machine does weighs on both.
    func measure() throws -> [(ours: Measurement, floor: Measurement)] {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return try (0..<Self.repetitions).map { round in
            if round % 2 == 0 {
                let first = try run([program] + ours)
                return (first, try run(floor))
            }
            let first = try run(floor)
            return (try run([program] + ours), first)
        }
    }

    private func run(_ command: [String]) throws -> Measurement {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0,
            let measurement = Measurement(String(decoding: output, as: UTF8.self))
        else { throw BenchmarkFailure("failed: \(command.joined(separator: " "))") }
        return measurement
    }
}

/// The table for people, on standard output, and the lines for programs.
struct Report {
    private let file: FileHandle

    init(path: String) throws {
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let file = FileHandle(forWritingAtPath: path)
        else { throw BenchmarkFailure("cannot write \(path)") }
        self.file = file
        print(
            Self.row(
                "per operation", "vault, us of CPU", "floor, us of CPU", "ratio", "goal",
                "vault, 1/s", "floor, 1/s"))
    }

    private struct Line: Encodable {
        let name: String
        let value, least, most: Double
        let unit: String
        let floor, floorLeast, floorMost, ratio: Double
    }

    /// Measures, and reports at once. The ratio is the median of the rounds' own.
    mutating func add(_ comparison: Comparison) throws {
        let rounds = try comparison.measure()
        let ours = Spread(rounds.map(\.ours.cpu))
        let floor = Spread(rounds.map(\.floor.cpu))
        let ratio = Spread(rounds.map { $0.ours.cpu / $0.floor.cpu })
        let rate = Spread(rounds.map { 1e9 / $0.ours.wall })
        let floorRate = Spread(rounds.map { 1e9 / $0.floor.wall })
        let rateRatio = Spread(rounds.map { $0.floor.wall / $0.ours.wall })
        try write("\(comparison.name), CPU", "ns", ours, floor, ratio)
        try write("\(comparison.name), rate", "1/s", rate, floorRate, rateRatio)
        print(
            Self.row(
                comparison.name, ours.inThousands, floor.inThousands,
                String(format: "%.2f", ratio.median), String(format: "%.2f", comparison.goal),
                String(format: "%.0f", rate.median), String(format: "%.0f", floorRate.median)))
    }

    private func write(
        _ name: String, _ unit: String, _ ours: Spread, _ floor: Spread, _ ratio: Spread
    ) throws {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = .sortedKeys
        let line = Line(
            name: name, value: ours.median, least: ours.least, most: ours.most, unit: unit,
            floor: floor.median, floorLeast: floor.least, floorMost: floor.most,
            ratio: ratio.median)
        try file.write(contentsOf: encoder.encode(line) + Data("\n".utf8))
    }

    private static func row(_ cells: String...) -> String {
        zip(cells, [31, 25, 25, 6, 6, 11, 0]).map { cell, width in
            cell.padding(toLength: max(width, cell.count), withPad: " ", startingAt: 0)
        }.joined(separator: " ")
    }
}
