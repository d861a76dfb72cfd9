// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing

/// What the README shows works, in a package of its own that depends on this one by URL and
/// version.
@Suite struct ReadmeTests {
    /// Its call is answered by the practice server, which takes living access tokens alone; once
    /// with one, and once with one that the server never issued.
    @Test func theProgramBuildsAndRuns() async throws {
        let provider = try await ProviderSimulator.start(
            ProviderSimulator.Settings(
                clients: [.init(id: "client-1", secret: nil, redirectURIs: [])]))
        let token = try #require(try provider.mint(1).first).accessToken
        let report = try await ChildProcess.run(
            Self.folder.appendingPathComponent("consumer").path, [provider.baseURL],
            input: "\(token)\n")
        let output = report.text
        await provider.stop()
        #expect(report.status == 0, "\(report.complaint)")
        // This one, and swift-collections.
        #expect(output.contains("fetched 2 packages"))
        #expect(output.contains("used: ok\nerased 1 key slot"))
        #expect(output.contains("with another token: Error"))
        #expect(provider.counters.userinfoAccepted == 1)
        #expect(provider.counters.userinfoRefused == 1)
        #expect(output.contains("wipes what it frees: 1"))
        #expect(output.hasSuffix(Self.newcomer), "\(output)")
    }

    /// What the compiler makes of `newcomer/Newcomer.swift` says in each place what was caught.
    private static let newcomer = """
        create: true
        create: false
        switch: no key
        retry: after 1
        ternary: true
        guard: none
        open else create: created
        wait: locked for 0.04 seconds
        service: 1
        service: is running
        task: 0
        passphrase: created
        passphrase: another
        whole life: 15 0
        whole life: not found
        shelf: false true
        closure: [true, false]
        typed: not found
        typed: not found
        typed: not found

        """

    /// The tests that the article shows run with all the others: `PlatformTests`.
    @Test func theArticleShowsTestsThatRun() throws {
        let root = Self.folder.appending(path: "../..")
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

    #if compiler(>=6.3) && compiler(<6.3.2)
    /// What `VaultError` says of the compiler: with one that does not crash, that has to go, and
    /// `create` and `open` may say what they throw.
    @Test func theCompilerCrashesOnAConditionOverAType() async throws {
        let program = """
            enum Failure: Error { case one, two }
            func fail() throws(Failure) {}
            func run() throws {
                var runs = 0
                do { try fail() } catch let error where error == .one { runs += 1 }
                print(runs)
            }

            """
        for (work, isDone) in [("-typecheck", true), ("-emit-sil", false)] {
            let compile = "swiftc \(work) - >/dev/null 2>&1"
            let report = try await ChildProcess.run(
                "/bin/sh", ["-c", "ulimit -t 60; ulimit -c 0; \(compile)"], input: program)
            #expect((report.status == 0) == isDone)
        }
    }
    #endif

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
}
