// SPDX-License-Identifier: Apache-2.0

import Foundation
import TokenVault

/// A vault that refreshes, `run` active, with nothing due for an hour: the CPU time of the whole
/// process, in milliseconds a minute.
struct Idleness {
    let home: String
    let connections: Int
    let seconds: Int

    /// So that, margin and jitter taken off, the first is due in an hour.
    private static let lifetimeMilliseconds: Int64 = 4_200_000

    func measure() async throws -> Double {
        let population = Population(home: home)
        try population.create()
        let vault = try await population.open()
        let application = try await population.register(in: vault, url: "http://127.0.0.1:1/token")
        let expiry = Population.now().adding(milliseconds: Self.lifetimeMilliseconds)
        try await Population.share(0..<connections, among: Population.writersMax) { number in
            try await Population.put(number, in: vault, application, expiry: expiry)
        }
        guard
            let due = try vault.status(Population.id(0))?.nextRefresh?
                .milliseconds(since: Population.now()), (3_500_000...4_000_000).contains(due)
        else { throw BenchmarkFailure("not due in an hour") }
        let upkeep = Task { try await vault.run() }
        // What starting costs is not idleness.
        sleep(2)
        let measurement = await Measurement(of: 1) { sleep(UInt32(seconds)) }
        upkeep.cancel()
        _ = try await upkeep.value
        vault.close()
        return measurement.cpu / 1e6 * 60 / Double(seconds)
    }
}
