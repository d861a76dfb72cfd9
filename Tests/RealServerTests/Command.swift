// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation

/// A program that is run to its end.
enum Command {
    /// How long one may take, in seconds, before it is killed.
    static let secondsMax = 60.0

    struct Failed: Error {
        let words: [String]
        let status: Int32
    }

    /// Runs a program and returns what it prints. `input` is what must not stand in its arguments,
    /// which every process of the machine can read.
    ///
    /// - Throws: `Failed` where its status is not 0.
    static func run(_ words: [String], input: String, in folder: URL) async throws -> String {
        // Waiting for a process blocks its thread, and tasks have few of them.
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(with: Result { try wait(words, input, folder) })
            }
        }
    }

    private static func wait(
        _ words: [String], _ input: String, _ folder: URL
    ) throws -> String {
        // A file and no pipe: to write to a program that has ended already would be fatal.
        let file = folder.appending(path: UUID().uuidString)
        try Data(input.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = words
        process.standardInput = try FileHandle(forReadingFrom: file)
        process.standardOutput = output
        try process.run()
        let identifier = process.processIdentifier
        let limit = DispatchWorkItem { kill(identifier, SIGKILL) }
        DispatchQueue.global().asyncAfter(deadline: .now() + secondsMax, execute: limit)
        let text = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        limit.cancel()
        guard process.terminationStatus == 0 else {
            throw Failed(words: words, status: process.terminationStatus)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
