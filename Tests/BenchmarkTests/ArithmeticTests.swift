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
            name: "f", ours: [], floor: ["floor"], promises: ["promises"], goal: .ratioAtMost(2),
            others: [.init(name: "extra", unit: "ms", goal: .valueAtMost(5))])
        // The ratios are 2, 1 and 4; the ratio of the medians would be 3.
        let rows = figure.rows(of: [
            .init(ours: [20, 200, 7], floor: [10, 100], promises: [20, 100]),
            .init(ours: [30, 100, 6], floor: [30, 400], promises: [60, 400]),
            .init(ours: [40, 1000, 4], floor: [10, 500], promises: [16, 250]),
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
        let promises = try #require(rows[0].promisesRatio)
        #expect((promises.least, promises.median, promises.most) == (0.5, 1, 2.5))
        let cost = try #require(rows[0].promisesCost)
        #expect((cost.least, cost.median, cost.most) == (1.6, 2, 2))
        #expect(rows[0].promises?.median == 20)
        #expect(rows[1].promisesCost?.most == 2)
        #expect(rows[1].isGoalMet == nil)
        #expect(rows[2].ours.median == 6)
        #expect(rows[2].isGoalMet == false)
    }

    @Test("Without a floor there is no ratio, and without a second one no cost of promises")
    func floorless() {
        let alone = Figure(name: "f", ours: []).rows(of: [.init(ours: [20, 200])])
        #expect(alone[0].ours.median == 20)
        #expect(alone[0].ratio == nil && alone[0].promises == nil)
        let one = Figure(name: "f", ours: [], floor: ["floor"])
            .rows(of: [.init(ours: [20, 200], floor: [10, 100])])
        #expect(one[0].ratio?.median == 2)
        #expect(one[0].promisesRatio == nil && one[0].promisesCost == nil)
    }

    @Test("The sides of a figure run in turn, and each keeps its numbers", arguments: [1, 2, 3])
    func sides(repetitions: Int) throws {
        let figure = Figure(
            name: "f", ours: ["6 8\\n"], floor: ["printf", "2 4\\n"],
            promises: ["printf", "3 8\\n"])
        let row = try figure.measure(
            repetitions: repetitions, errors: "/dev/null", program: "printf")[0]
        #expect(row.ours.least == 6 && row.ours.most == 6)
        #expect(row.ratio?.median == 3)
        #expect(row.promisesRatio?.median == 2)
        #expect(row.promisesCost?.median == 1.5)
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
