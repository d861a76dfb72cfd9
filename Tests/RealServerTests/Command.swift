// SPDX-License-Identifier: Apache-2.0

import TestSupport

/// A program that is run to its end.
enum Command {
    /// How long one may take, in seconds, before it is killed.
    static let secondsMax = 60.0

    struct Failed: Error {
        let words: [String]
        let status: Int32
        let complaint: String
    }

    /// Runs a program and returns what it prints. `input` is what must not stand in its arguments,
    /// which every process of the machine can read.
    ///
    /// - Throws: `Failed` where its status is not 0.
    static func run(_ words: [String], input: String) async throws -> String {
        let report = try await ChildProcess.run(
            "/usr/bin/env", words, input: input, secondsMax: secondsMax)
        guard report.status == 0 else {
            throw Failed(words: words, status: report.status, complaint: report.complaint)
        }
        return report.text
    }
}
