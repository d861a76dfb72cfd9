// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Testing

/// What the README shows works, in a package of its own that depends on this one by URL and
/// version.
@Suite struct ReadmeTests {
    @Test func theProgramBuildsAndRuns() async throws {
        let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("consumer")
        let (status, output) = try await Self.run(script)
        #expect(status == 0)
        // This one, and swift-collections.
        #expect(output.contains("fetched 2 packages"))
        #expect(output.contains("lent 15 bytes"))
        #expect(output.contains("erased 1 key slot"))
        #expect(output.contains("wipes what it frees: 1"))
    }

    /// The tests that the article shows run with all the others: `PlatformTests`.
    @Test func theArticleShowsTestsThatRun() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
        let article = try String(
            contentsOf: root.appending(
                path: "Sources/TokenVault/TokenVault.docc/TestYourPlatform.md"), encoding: .utf8)
        let tests = try String(
            contentsOf: root.appending(path: "Tests/PlatformTests/PlatformTests.swift"),
            encoding: .utf8)
        let block = try #require(article.components(separatedBy: "```swift\n").dropFirst().first)
        let shown = try #require(block.components(separatedBy: "```\n").first)
        let licence = "// SPDX-License-Identifier: Apache-2.0\n\n"
        #expect(tests == licence + shown)
    }

    private static func run(_ script: URL) async throws -> (Int32, String) {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(
                    with: Result {
                        let process = Process()
                        process.executableURL = script
                        let pipe = Pipe()
                        process.standardOutput = pipe
                        try process.run()
                        let output = pipe.fileHandleForReading.readDataToEndOfFile()
                        process.waitUntilExit()
                        return (
                            process.terminationStatus, String(decoding: output, as: UTF8.self)
                        )
                    })
            }
        }
    }
}
