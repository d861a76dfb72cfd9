// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// Durable refreshes against a server with a fixed reply, each of a connection of its own: attempts
/// recorded first, and nobody told before the new tokens are on disk.
struct TokenRefresh {
    let home: String
    let url: String
    let inFlight: Int
    let refreshes: Int
    var certificates: String?

    /// By as many callers as are to be in flight, each of which waits for its refresh.
    func measureCallers() async throws -> Measurement {
        let vault = try await Population(home: home).open(certificates: certificates)
        _ = try await Population(home: home).register(in: vault, url: url, inFlight: inFlight)
        let ids = try (0..<refreshes).map(Population.id)
        let before = try Population.refreshCounts(vault, ids)
        let server = try FixedServer(url: url)
        let measurement = try await Measurement(of: refreshes) {
            try await Population.share(0..<refreshes, among: inFlight) { number in
                try await vault.refresh(ids[number])
            }
        }
        try server.expect(refreshes)
        try Self.expectOneEach(vault, ids, since: before)
        vault.close()
        return measurement
    }

    /// By the vault itself: everything is due when `run` begins, and the time ends when everything
    /// is refreshed.
    func measureUpkeep() async throws -> Measurement {
        let vault = try await Population(home: home).open(certificates: certificates)
        let application = try await Population(home: home).register(
            in: vault, url: url, inFlight: inFlight)
        let past = Population.now().adding(milliseconds: -Int64(refreshes) - 1000)
        try await Population.share(0..<refreshes, among: Population.writersMax) { number in
            try await Population.put(
                number, in: vault, application, expiry: past.adding(milliseconds: Int64(number)))
        }
        let ids = try (0..<refreshes).map(Population.id)
        let before = try Population.refreshCounts(vault, ids)
        let server = try FixedServer(url: url)
        let upkeep = Task { try await vault.run() }
        let measurement = try await Measurement(of: refreshes) {
            try await Self.wait(vault, ids, since: before)
        }
        upkeep.cancel()
        _ = try await upkeep.value
        try server.expect(refreshes)
        try Self.expectOneEach(vault, ids, since: before)
        vault.close()
        return measurement
    }

    /// Of so many one is looked at while the others are waited for: a look costs CPU time too.
    static let sampleStep = 64
    /// The most that may still be out when the last sample is refreshed.
    private static let stragglersMax = 1024
    private static let waitSecondsMax = 600.0

    /// Until all are refreshed, where they are due in the order of their numbers; in any other,
    /// `step` is 1.
    static func wait(
        _ vault: Vault, _ ids: [ConnectionID], since before: [UInt64], step: Int = sampleStep
    ) async throws {
        let deadline = Measurement.nanoseconds(CLOCK_MONOTONIC) + waitSecondsMax * 1e9
        let tail = max(0, ids.count - stragglersMax)
        let samples = Array(stride(from: 0, to: tail, by: step)) + Array(tail..<ids.count)
        for sample in samples {
            while try vault.status(ids[sample])?.refreshCount == before[sample] {
                guard Measurement.nanoseconds(CLOCK_MONOTONIC) < deadline else {
                    throw BenchmarkFailure("a connection that was due and is not refreshed")
                }
                usleep(10_000)
            }
        }
    }

    /// None lost, none doubled.
    static func expectOneEach(
        _ vault: Vault, _ ids: [ConnectionID], since before: [UInt64]
    ) throws {
        guard try Population.refreshCounts(vault, ids) == before.map({ $0 + 1 }) else {
            throw BenchmarkFailure("a connection that was not refreshed exactly once")
        }
    }
}
