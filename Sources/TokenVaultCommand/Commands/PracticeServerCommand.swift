// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Dispatch
import FoundationEssentials
import Glibc
import ProviderSimulator

/// `tokenvault practice-server`: what `bench` refreshes against, a process of its own so that its
/// CPU time is not counted. Not shown in the help: nobody else has a use for it.
///
/// It prints its address, then a line for each grant (access token and refresh token, which open
/// nothing anywhere), and ends when its standard input does, however its parent ended; then it
/// prints what it has counted.
struct PracticeServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "practice-server", abstract: "The server of `tokenvault bench`.",
        shouldDisplay: false)

    /// Makes records of 1,998 bytes, as the tokens of many providers do.
    private static let tokenBytes = 512
    private static let lifetime = Duration.seconds(86_400)

    @Option(parsing: .unconditional, help: "How many grants to make.")
    var grants: Int

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        var settings = ProviderSimulator.Settings(clients: [
            .init(id: PracticeProcess.clientID, secret: nil, redirectURIs: [])
        ])
        settings.rotation = .rotating(grace: .zero)
        settings.tokenBytes = Self.tokenBytes
        settings.accessLifetime = Self.lifetime
        let simulator = try await ProviderSimulator.start(settings)
        try Outlet.output.line(simulator.baseURL)
        for grant in try simulator.mint(grants) {
            try Outlet.output.line("\(grant.accessToken) \(grant.refreshToken)")
        }
        await Self.endOfInput()
        let counters = try JSONEncoder().encode(simulator.counters)
        try Outlet.output.line(String(decoding: counters, as: UTF8.self))
        await simulator.stop()
    }

    private static func endOfInput() async {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var byte: UInt8 = 0
                while unsafe read(STDIN_FILENO, &byte, 1) > 0 || errno == EINTR {}
                continuation.resume()
            }
        }
    }
}
