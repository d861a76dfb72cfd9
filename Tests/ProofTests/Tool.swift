// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// One of the forensic tools, run to its end: a program with a JSON object on its output.
struct Tool {
    /// What a tool said.
    struct Report: Sendable {
        let status: Int32
        let text: Data
        let complaint: String

        func decoded<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            try #require(
                try? JSONDecoder().decode(type, from: text),
                "\(String(decoding: text.prefix(2000), as: UTF8.self))\(complaint)")
        }
    }

    /// The folder of the package.
    private static let package = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// Runs a script of `Tests/Forensics`.
    static func run(
        _ script: String, _ arguments: [String], input: String = ""
    ) async throws -> Report {
        let python = package.appending(path: ".build/forensics-venv/bin/python")
        let file = package.appending(path: "Tests/Forensics/\(script)")
        let report = try await ChildProcess.run(
            python.path, ["-B", file.path] + arguments, input: input)
        return Report(status: report.status, text: report.output, complaint: report.complaint)
    }

    /// An executable of this package, beside the bundle that these tests were built into.
    static func executable(_ name: String) throws -> String {
        let places =
            CommandLine.arguments.map { URL(filePath: $0).deletingLastPathComponent() }
            + [package.appending(path: ".build/debug")]
        let paths = places.map { $0.appending(path: name).path }
        return try #require(paths.first(where: FileManager.default.isExecutableFile))
    }

    /// A secret as the tools take it: `MASKHEX` and `MASKEDHEX`, so that no argument shows it.
    static func masked(_ secret: String) -> (mask: String, masked: String) {
        let bytes = Array(secret.utf8)
        let mask = bytes.map { _ in UInt8.random(in: .min ... .max) }
        return (hex(mask), hex(zip(bytes, mask).map { $0 ^ $1 }))
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}
