// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Durable refreshes against a server with a fixed reply, each of a connection of its own: attempts
/// recorded first, and nobody told before the new tokens are on disk.
struct TokenRefresh {
    let home: String
    let url: String
    let inFlight: Int
    let refreshes: Int

    func measure() async throws -> Measurement {
        let population = Population(home: home)
        let vault = try await population.open()
        _ = try await population.register(in: vault, url: url)
        let ids = try (0..<refreshes).map(Population.id)
        let before = try counts(vault, ids)
        let measurement = try await Measurement(of: refreshes) {
            try await Population.share(0..<refreshes, among: inFlight) { number in
                try await vault.refresh(ids[number])
            }
        }
        // None lost, none doubled.
        guard try counts(vault, ids) == before.map({ $0 + 1 }) else {
            throw BenchmarkFailure("a connection that was not refreshed exactly once")
        }
        vault.close()
        return measurement
    }

    private func counts(_ vault: Vault, _ ids: [ConnectionID]) throws -> [UInt64] {
        try ids.map { id in
            guard let status = try vault.status(id) else {
                throw BenchmarkFailure("no connection \(id)")
            }
            return status.refreshCount
        }
    }
}
