// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

/// `OneRefresh.md` against a refresh that a debugger follows: every function that it names, in its
/// order, on the thread that it names.
@Suite("One refresh", .timeLimit(.minutes(3))) struct RefreshTraceTests {
    /// A row of one of the page's tables of steps.
    struct Row: Equatable, CustomStringConvertible {
        let function: String
        /// "the caller's" for any thread that is none of the vault's.
        let thread: String

        var description: String { "\(function) on \(thread)" }
    }

    struct Trace: Decodable {
        /// Functions that the program does not have.
        let missing: [String]
        /// Pairs of function and thread, in the order in which they were first entered.
        let entered: [[String]]

        var rows: [Row] {
            entered.compactMap { pair in
                guard let function = pair.first, let thread = pair.last else { return nil }
                let isOurs = thread.hasPrefix("vault-")
                return Row(function: function, thread: isOurs ? thread : "the caller's")
            }
        }
    }

    let page: String

    init() throws {
        let package = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        page = try String(
            contentsOf: package.appending(
                path: "Sources/TokenVault/TokenVault.docc/OneRefresh.md"), encoding: .utf8)
    }

    /// The rows below a heading, up to the next.
    private func rows(_ heading: String) throws -> [Row] {
        let section = try #require(
            page.split(separator: "\n## ").first { $0.hasPrefix(heading) })
        return section.matches(of: /\| `([^`]+)` \| ([^|`]+) \|\n/).map {
            Row(function: String($0.output.1), thread: String($0.output.2))
        }
    }

    private func trace(_ kind: String, _ functions: [String]) async throws -> Trace {
        let report = try await Tool.run(
            "refresh_trace.py",
            [
                "--server", Tool.executable("provider-simulator"),
                "--subject", Tool.executable("proof-subject"), kind,
            ], input: functions.joined(separator: "\n"))
        try #require(report.status == 0)
        return try report.decoded()
    }

    private func follow(_ kind: String, _ rows: [Row]) async throws {
        try #require(rows.count > 20)
        let trace = try await trace(kind, rows.map(\.function))
        #expect(trace.missing == [])
        #expect(trace.rows == rows)
    }

    @Test("One that is due takes the ten steps")
    func due() async throws {
        let rows = try rows("The ten steps")
        try await follow("--due", rows)
        for step in 1...10 {
            #expect(page.contains("\n| \(step) "), "a row of step \(step)")
            #expect(page.contains("\n\(step). **"), "a paragraph of step \(step)")
        }
    }

    @Test("One that is asked for begins and ends with its caller")
    func asked() async throws {
        let own = try rows("When somebody asks")
        let ten = try rows("The ten steps")
        let (first, last) = (own.prefix { $0.thread == "the caller's" }, own.suffix(1))
        try #require(own.count == first.count + last.count)
        try await follow("--asked", Array(first) + ten.dropFirst() + Array(last))
    }

    @Test("Every function that the page names exists")
    func names() async throws {
        let named = Set(page.matches(of: /`([A-Z]\w+\.\w+\([^`]*\))`/).map { String($0.output.1) })
        try #require(named.count > 30)
        let functions = ["Refresher.nothing(_:)"] + named.sorted()
        #expect(try await trace("--due", functions).missing == ["Refresher.nothing(_:)"])
    }
}
