// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

/// A program that was started. Its output goes to files: a pipe that nobody reads would block it.
final class Running: Sendable {
    enum Input {
        case text(String)
        /// `type` gives it.
        case open
    }

    struct Output: Sendable {
        let status: Int32
        let text: String
        let errors: String

        /// Each line as a JSON object.
        func objects() throws -> [[String: any Sendable]] {
            try text.split(separator: "\n").map { line in
                let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
                return try #require(value as? [String: any Sendable])
            }
        }
    }

    private let process: ChildProcess
    private let input: PipeEnd
    private let output: URL
    private let errors: URL

    var identifier: Int32 { process.identifier }
    var isRunning: Bool { process.isRunning }

    init(
        _ words: [String], in folder: URL, input given: Input, environment: [String: String]
    ) throws {
        let name = UUID().uuidString
        output = folder.appending(path: "\(name).out")
        errors = folder.appending(path: "\(name).err")
        let pipe = try PipeEnd.pair()
        input = pipe.writing
        process = try ChildProcess(
            "/usr/bin/env", words,
            environment: ProcessInfo.processInfo.environment.merging(environment) { $1 },
            directory: folder.path, input: .pipe(pipe.reading), output: .file(output.path),
            errors: .file(errors.path))
        if case .text(let text) = given {
            try type(text)
            input.close()
        }
    }

    func type(_ text: String) throws { try input.write(text) }

    func signal(_ number: Int32) { process.signal(number) }

    func terminate() { process.terminate() }

    /// The first line of the output that fits, or of what is on stderr, once it is there.
    func line(ofErrors: Bool = false, _ fits: (String) -> Bool) async throws -> String {
        let file = ofErrors ? errors : output
        for _ in 0..<1000 {
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            if let line = lines.map(String.init).first(where: fits) { return line }
            guard process.isRunning else { break }
            try await Task.sleep(for: .milliseconds(20))
        }
        let text = try String(contentsOf: errors, encoding: .utf8)
        Issue.record("the line did not come: \(text)")
        throw CocoaError(.fileReadUnknown)
    }

    /// Waits for its end, as often as it is asked. Its output must hold no token, but where that is
    /// the point.
    func end(showsToken: Bool = false) async -> Output {
        let status = await process.end().status
        let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
        let complaint = (try? String(contentsOf: errors, encoding: .utf8)) ?? ""
        #expect(showsToken || !text.contains(Workbench.marker))
        #expect(!complaint.contains(Workbench.marker))
        #expect(!(text + complaint).contains(Workbench.clientSecret))
        return Output(status: status, text: text, errors: complaint)
    }
}
