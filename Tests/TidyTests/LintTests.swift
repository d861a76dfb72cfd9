// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@Suite("The formatter agrees")
struct LintTests {
    @Test("swift format lint --strict finds nothing")
    func lint() throws {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "swift", "format", "lint", "--strict", "--recursive",
            "Package.swift", "Sources", "Tests", "benchmarks",
        ]
        process.currentDirectoryURL = Tree.root
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            Issue.record(Comment(rawValue: String(line)))
        }
        #expect(process.terminationStatus == 0)
    }
}
