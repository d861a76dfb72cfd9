// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// The vault left to itself: `run` with tokens that live 14 seconds, so that each connection is due
/// again every 9.8 on average. 105,000 connections make 10,700 refreshes a second.
struct SustainedRefresh {
    let home: String
    /// Of the server, with a reply that names the short lifetime.
    let url: String
    let connections: Int
    let seconds: Int

    /// The most refreshes at one time.
    private static let inFlight = 256
    static let lifetimeMilliseconds: Int64 = 14_000
    /// From one refresh to the next, on average.
    private static let roundMilliseconds: Int64 = 9800
    /// Puts that a slow disk manages in a millisecond.
    private static let putsPerMillisecondMin: Int64 = 5
    /// Until everything has been refreshed at least once.
    private static let settlingSeconds: UInt32 = 30

    /// The two times of a refresh, and how many connections had an expired token at the end.
    func measure() async throws -> String {
        let population = Population(home: home)
        try population.create()
        let vault = try await population.open()
        let application = try await population.register(
            in: vault, url: url, inFlight: Self.inFlight)
        try await put(vault, application)
        let server = try FixedServer(url: url)
        let upkeep = Task { try await vault.run() }
        Self.rest(Self.settlingSeconds)
        let window = try FixedServer(url: url)
        let total = await Measurement(of: 1) { Self.rest(UInt32(seconds)) }
        let refreshes = try window.requests()
        upkeep.cancel()
        _ = try await upkeep.value
        let end = Population.now()
        // What is out is answered before it is closed.
        vault.close()
        guard refreshes > 0 else { throw BenchmarkFailure("nothing was refreshed") }
        let expired = try await check(server, end)
        let each = Measurement(
            cpu: total.cpu / Double(refreshes), wall: total.wall / Double(refreshes))
        return "\(each) \(expired)"
    }

    /// Due at any time of the first round with equal chance, and so of every later one.
    private func put(_ vault: Vault, _ application: ApplicationID) async throws {
        let order = TokenRead.shuffled(connections)
        let first = Population.now().adding(
            milliseconds: 2000 + Int64(connections) / Self.putsPerMillisecondMin)
        try await Population.share(0..<connections, among: Population.writersMax) { number in
            let place = Self.roundMilliseconds * Int64(order[number]) / Int64(order.count)
            let now = Population.now()
            // Margin and jitter take 0.3 of a lifetime, on average.
            let lifetime = first.adding(milliseconds: place).milliseconds(since: now) * 10 / 7
            try await Population.put(
                number, in: vault, application,
                expiry: now.adding(milliseconds: max(lifetime, 0)))
        }
    }

    private static func rest(_ seconds: UInt32) { sleep(seconds) }

    /// None lost, none doubled: as many refreshes are stored as the server has answered, and each
    /// connection had its share. Returns how many had expired at `end`.
    private func check(_ server: borrowing FixedServer, _ end: UnixTime) async throws -> Int {
        let vault = try await Population(home: home).open()
        defer { vault.close() }
        var (stored, expired) = (0, 0)
        for number in 0..<connections {
            guard let status = try vault.status(Population.id(number)),
                let expiry = status.accessTokenExpiry, status.reason == nil
            else { throw BenchmarkFailure("a connection that was lost") }
            guard status.refreshCount > 0 else {
                throw BenchmarkFailure("a connection that was forgotten")
            }
            stored += Int(status.refreshCount)
            if expiry < end { expired += 1 }
        }
        // The window asked for the count twice.
        try server.expect(stored + 2)
        return expired
    }
}
