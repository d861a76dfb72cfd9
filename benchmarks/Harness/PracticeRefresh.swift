// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// Durable refreshes against the practice server, which rotates: an old refresh token that is
/// presented again ends its grant, and that ends the benchmark.
struct PracticeRefresh {
    let home: String
    /// The practice server's executable.
    let program: String
    let inFlight: Int
    let refreshes: Int

    /// By as many callers as are to be in flight.
    func measureCallers() async throws -> Measurement {
        let server = try makeServer()
        defer { server.stop() }
        let vault = try await open(server, expiry: nil)
        let ids = try (0..<refreshes).map(Population.id)
        let measurement = try await Measurement(of: refreshes) {
            try await Population.share(0..<refreshes, among: inFlight) { number in
                try await vault.refresh(ids[number])
            }
        }
        _ = try check(vault, ids, server)
        vault.close()
        return measurement
    }

    /// By the vault itself, when everything expires in the same second. After the two times, the
    /// most requests that the server was answering at one moment.
    func measureStorm() async throws -> String {
        let server = try makeServer()
        defer { server.stop() }
        let vault = try await open(server, expiry: Population.now())
        let ids = try (0..<refreshes).map(Population.id)
        // Else it would answer each before it sees the next.
        try server.delay(milliseconds: Self.delayMilliseconds)
        let upkeep = Task { try await vault.run() }
        let measurement = try await Measurement(of: refreshes) {
            try await TokenRefresh.wait(vault, ids, since: ids.map { _ in 0 })
        }
        upkeep.cancel()
        _ = try await upkeep.value
        let peak = try check(vault, ids, server)
        vault.close()
        return "\(measurement) \(peak)"
    }

    private static let delayMilliseconds = 5

    private func makeServer() throws -> PracticeServer {
        try Population(home: home).create()
        return try PracticeServer(program, home: home)
    }

    /// A vault with a connection for each of as many grants.
    private func open(_ server: PracticeServer, expiry: UnixTime?) async throws -> Vault {
        let population = Population(home: home)
        let vault = try await population.open()
        let application = try await population.register(
            in: vault, url: "\(server.url)/token", inFlight: inFlight)
        let grants = try server.mint(refreshes)
        try await Population.share(0..<refreshes, among: Population.writersMax) { number in
            let access = [UInt8](grants[number].accessToken.utf8)
            let refresh = [UInt8](grants[number].refreshToken.utf8)
            let accessToken = try unsafe Secret(copying: access.span.bytes)
            let refreshToken = try unsafe Secret(copying: refresh.span.bytes)
            try await vault.put(
                Population.id(number),
                TokenSet(
                    accessToken: accessToken, refreshToken: refreshToken,
                    accessTokenExpiry: expiry?.adding(
                        milliseconds: Int64(number * 1000 / refreshes))),
                application: application)
        }
        return vault
    }

    /// None lost, none doubled, none presented again; returns the most requests at one moment.
    private func check(
        _ vault: Vault, _ ids: [ConnectionID], _ server: PracticeServer
    ) throws -> Int {
        try TokenRefresh.expectOneEach(vault, ids, since: ids.map { _ in 0 })
        let counters = try server.counters()
        guard counters["refreshes"] == refreshes, counters["tokenRequests"] == refreshes,
            counters["refreshesFailed"] == 0, counters["reuseDetected"] == 0,
            counters["peakConcurrentRefreshesOfOneGrant"] == 1,
            let peak = counters["peakConcurrentTokenRequests"]
        else { throw BenchmarkFailure("the practice server counts otherwise: \(counters)") }
        return peak
    }
}

/// The practice server as a process of its own.
private struct PracticeServer {
    let url: String
    private let process: Process
    private let header: String

    struct Grant: Decodable, Sendable {
        let accessToken: String
        let refreshToken: String
    }

    init(_ program: String, home: String) throws {
        let key = "\(UInt64.random(in: .min ... .max))"
        header = "X-Control-Key: \(key)"
        try "\(key)\n".write(toFile: "\(home)/control.key", atomically: true, encoding: .utf8)
        try "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".write(
            toFile: "\(home)/client.secret", atomically: true, encoding: .utf8)
        process = Process()
        let pipe = Pipe()
        process.executableURL = URL(filePath: program)
        process.arguments = [
            "--control-key-file", "\(home)/control.key", "--client-id", "benchmark",
            "--client-secret-file", "\(home)/client.secret", "--rotation", "strict",
        ]
        process.standardOutput = pipe
        try process.run()
        var line = ""
        while !line.hasSuffix("\n") {
            guard let byte = try pipe.fileHandleForReading.read(upToCount: 1), !byte.isEmpty else {
                throw BenchmarkFailure("the practice server does not start")
            }
            line += String(decoding: byte, as: UTF8.self)
        }
        url = String(line.trimmingPrefix("listening on ").dropLast())
    }

    func stop() {
        process.terminate()
        process.waitUntilExit()
    }

    func mint(_ count: Int) throws -> [Grant] {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        let lines = try control(["--request", "POST"], "grants?count=\(count)")
        let grants = try lines.split(separator: "\n").map { line in
            try decoder.decode(Grant.self, from: Data(line.utf8))
        }
        guard grants.count == count else { throw BenchmarkFailure("too few grants") }
        return grants
    }

    /// Lets every answer take so long from now on.
    func delay(milliseconds: Int) throws {
        _ = try control(
            ["--data", "{\"kind\":\"delay_before\",\"milliseconds\":\(milliseconds)}"], "fault")
    }

    func counters() throws -> [String: Int] {
        try JSONDecoder().decode([String: Int].self, from: Data(control([], "counters").utf8))
    }

    private func control(_ options: [String], _ path: String) throws -> String {
        try Program.text(
            ["curl", "--disable", "--noproxy", "*", "--silent", "--fail", "--header", header]
                + options + ["\(url)/control/\(path)"])
    }
}
