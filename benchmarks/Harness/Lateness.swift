// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// How late refreshes begin while so many fall due each second: the start of the request, which the
/// new expiry tells because the fixed reply always names the same lifetime, minus the moment that
/// the schedule showed before. Both to the millisecond, on the vault's own clock.
struct Lateness {
    let home: String
    let url: String
    /// What falls due each second.
    let perSecond: Int

    /// The most refreshes at one time.
    private static let inFlight = 256
    /// How long things fall due.
    private static let spreadSeconds = 14.0
    /// Jitter takes up to 2/15 of the wait from every deadline, and so crowds them.
    private static let crowding = 7.5 * 0.143_100_8
    /// Puts that a slow disk manages in a second.
    private static let putsPerSecondMin = 4000.0
    /// How long before the first window everything must be there.
    private static let readyMilliseconds: Int64 = 2000
    /// Each of so many windows is a repetition.
    private static let windowCount = 5
    private static let windowMilliseconds: Int64 = 1000

    private var density: Double { Double(perSecond) / Self.crowding }
    private var connections: Int { Int(density * Self.spreadSeconds) }
    /// From the first put to the first deadline, jitter aside.
    private var leadMilliseconds: Int64 {
        Int64(12_000 + Double(connections) / Self.putsPerSecondMin * 1000)
    }

    /// A line for each window: p50, p99 and most in milliseconds, and what fell due each second.
    func measure() async throws -> String {
        let population = Population(home: home)
        try population.create()
        let vault = try await population.open()
        let application = try await population.register(
            in: vault, url: url, inFlight: Self.inFlight)
        let start = Population.now()
        try await put(vault, application, start)
        let ids = try (0..<connections).map(Population.id)
        let due = try ids.map { id in
            guard let due = try vault.status(id)?.nextRefresh else {
                throw BenchmarkFailure("a connection that is not in the schedule")
            }
            return due
        }
        let ready = Population.now().adding(milliseconds: Self.readyMilliseconds)
        guard ready < start.adding(milliseconds: leadMilliseconds) else {
            throw BenchmarkFailure("the disk is too slow: due before all was put")
        }
        let server = try FixedServer(url: url)
        let none = ids.map { _ in UInt64(0) }
        let upkeep = Task { try await vault.run() }
        try await TokenRefresh.wait(vault, ids, since: none, step: 1)
        upkeep.cancel()
        _ = try await upkeep.value
        try server.expect(connections)
        try TokenRefresh.expectOneEach(vault, ids, since: none)
        let lines = try windows(vault, ids, due, start)
        vault.close()
        return lines.joined(separator: "\n")
    }

    private func put(
        _ vault: Vault, _ application: ApplicationID, _ start: UnixTime
    ) async throws {
        let (lead, density) = (leadMilliseconds, density)
        try await Population.share(0..<connections, among: Population.writersMax) { number in
            let now = Population.now()
            let wanted = start.adding(milliseconds: lead + Int64(Double(number) / density * 1000))
            // The margin is a quarter of the lifetime.
            let lifetime = wanted.milliseconds(since: now) * 4 / 3
            try await Population.put(
                number, in: vault, application, expiry: now.adding(milliseconds: lifetime))
        }
    }

    private func windows(
        _ vault: Vault, _ ids: [ConnectionID], _ due: [UnixTime], _ start: UnixTime
    ) throws -> [String] {
        var late: [[Double]] = Array(repeating: [], count: Self.windowCount)
        let first = start.adding(milliseconds: leadMilliseconds)
        for (id, due) in zip(ids, due) {
            guard let expiry = try vault.status(id)?.accessTokenExpiry else {
                throw BenchmarkFailure("no connection \(id)")
            }
            let began = expiry.adding(milliseconds: -Population.lifetimeMilliseconds)
            guard began >= due else { throw BenchmarkFailure("a refresh before it was due") }
            let since = due.milliseconds(since: first)
            guard since >= 0, since / Self.windowMilliseconds < Self.windowCount else { continue }
            late[Int(since / Self.windowMilliseconds)].append(
                Double(began.milliseconds(since: due)))
        }
        return try late.map { window in
            guard window.count >= 100 else { throw BenchmarkFailure("a window with nothing due") }
            let sorted = window.sorted()
            let perSecond = Double(window.count) * 1000 / Double(Self.windowMilliseconds)
            let ninetyNine = sorted[(sorted.count * 99 + 99) / 100 - 1]
            return "\(Spread(window).median) \(ninetyNine) \(sorted[sorted.count - 1]) \(perSecond)"
        }
    }
}
