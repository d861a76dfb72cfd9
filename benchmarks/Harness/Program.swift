// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A process that does something and prints what it measured.
struct Program {
    /// The program and its arguments.
    let command: [String]
    /// What it says besides goes here, and is told where it fails.
    let errors: String

    /// Runs it. Each line that it prints is one repetition: numbers, as many as `columns`.
    func measure(columns: Int) throws -> [[Double]] {
        let rows = try Self.text(command, errors: errors).split(separator: "\n").map { line in
            line.split(separator: " ").map { Double($0) ?? .nan }
        }
        let isWhole = rows.allSatisfy { row in
            row.count == columns && row.allSatisfy { $0.isFinite && $0 >= 0 }
        }
        guard !rows.isEmpty, isWhole else {
            throw BenchmarkFailure("not \(columns) numbers: \(command.joined(separator: " "))")
        }
        return rows
    }

    /// Runs a program, found by `PATH` where its name has no slash, and returns what it prints.
    static func text(_ command: [String], errors: String? = nil) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = pipe
        if let errors {
            // What is there already is emptied and kept: `createFile` puts a new file in its place,
            // and root has the right to do so with /dev/null.
            let files = FileManager.default
            if !files.fileExists(atPath: errors) {
                _ = files.createFile(atPath: errors, contents: nil)
            }
            let file = FileHandle(forWritingAtPath: errors)
            try? file?.truncate(atOffset: 0)
            process.standardError = file
        }
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            let words = errors.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } ?? ""
            throw BenchmarkFailure("failed: \(command.joined(separator: " "))\n\(words)")
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// This executable.
    static func own() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }
}
