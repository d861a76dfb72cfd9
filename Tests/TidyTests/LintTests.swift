// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@Suite("The formatter agrees")
struct LintTests {
    @Test("swift format lint --strict finds nothing")
    func lint() throws {
        let report = try ChildProcess.run(
            "/usr/bin/env",
            [
                "swift", "format", "lint", "--strict", "--recursive",
                "Package.swift", "Sources", "Tests", "benchmarks",
            ], directory: Tree.root.path)
        for line in (report.text + report.complaint).split(separator: "\n") {
            Issue.record(Comment(rawValue: String(line)))
        }
        #expect(report.status == 0)
    }
}
