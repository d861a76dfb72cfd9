// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import tokenvault_bench

/// What the benchmarks make of the numbers that processes print.
@Suite("The benchmarks' arithmetic")
struct ArithmeticTests {
    @Test(
        "A median is the middle, or between the two in the middle",
        arguments: [([3], 3), ([5, 1, 3], 3), ([4, 1, 3, 2], 2.5)] as [([Double], Double)])
    func median(values: [Double], expected: Double) {
        let spread = Spread(values)
        #expect(spread.median == expected)
        #expect(spread.least == values.min())
        #expect(spread.most == values.max())
    }

    @Test("A ratio is the median of the rounds' own, a rate that of wall times the other way round")
    func ratios() throws {
        let figure = Figure(
            name: "f", ours: [], floor: ["floor"], goal: .ratioAtMost(2),
            others: [.init(name: "extra", unit: "ms", goal: .valueAtMost(5))])
        // The ratios are 2, 1 and 4; the ratio of the medians would be 3.
        let rows = figure.rows(of: [
            (ours: [20, 200, 7], floor: [10, 100]), (ours: [30, 100, 6], floor: [30, 400]),
            (ours: [40, 1000, 4], floor: [10, 500]),
        ])
        #expect(rows.map(\.name) == ["f, CPU", "f, rate", "f, extra"])
        let cpu = try #require(rows[0].ratio)
        #expect((cpu.least, cpu.median, cpu.most) == (1, 2, 4))
        #expect(rows[0].ours.median == 30)
        #expect(rows[0].floor?.median == 10)
        #expect(rows[0].isGoalMet == true)
        #expect(rows[1].ours.median == 1e9 / 200)
        let rate = try #require(rows[1].ratio)
        #expect((rate.least, rate.median, rate.most) == (0.5, 0.5, 4))
        #expect(rows[1].isGoalMet == nil)
        #expect(rows[2].ours.median == 6)
        #expect(rows[2].isGoalMet == false)
    }

    @Test("A goal is met at its limit and not beyond")
    func goals() {
        #expect(Goal.ratioAtMost(1.3).isMet(value: 9, ratio: 1.3))
        #expect(!Goal.ratioAtMost(1.3).isMet(value: 1, ratio: 1.31))
        #expect(!Goal.ratioAtMost(1.3).isMet(value: 1, ratio: nil))
        #expect(Goal.valueAtMost(100).isMet(value: 100, ratio: nil))
        #expect(!Goal.valueAtMost(100).isMet(value: 100.1, ratio: nil))
        #expect(Goal.valueAtLeast(10_000).isMet(value: 10_000, ratio: nil))
        #expect(!Goal.valueAtLeast(10_000).isMet(value: 9999, ratio: nil))
    }

    @Test(
        "Numbers have three digits and thousands apart",
        arguments: [
            (0.0, "0"), (1.234, "1.23"), (12.34, "12.3"), (99.96, "100"), (1234.4, "1,234"),
            (1_000_000, "1,000,000"), (14, "14"),
        ])
    func numbers(value: Double, text: String) {
        #expect(Report.number(value) == text)
    }

    @Test("What is no row of numbers, or comes from a process that failed, is no measurement")
    func programs() throws {
        func rows(_ words: String...) throws -> [[Double]] {
            try Program(command: words, errors: "/dev/null").measure(columns: 2)
        }
        #expect(try rows("printf", "1.5 2\\n3 4\\n") == [[1.5, 2], [3, 4]])
        for words in ["1", "1 2 3", "1 x", "nan 1", "-1 2", ""] {
            #expect(throws: BenchmarkFailure.self) { try rows("printf", "%s\\n", words) }
        }
        #expect(throws: BenchmarkFailure.self) { try rows("sh", "-c", "echo 1 2; exit 1") }
        // Where the words go stays what it is.
        let null = try FileManager.default.attributesOfItem(atPath: "/dev/null")
        #expect(null[.type] as? FileAttributeType == .typeCharacterSpecial)
    }

    @Test("The order that looks random holds every number once, and is the floors' own")
    func order() {
        #expect(TokenRead.shuffled(1000).sorted() == Array(0..<1000))
        // What shuffled_numbers of floors/floor.c gives.
        #expect(TokenRead.shuffled(8) == [2, 1, 3, 6, 7, 0, 4, 5])
        #expect(TokenRead.shuffled(1) == [0])
    }
}
