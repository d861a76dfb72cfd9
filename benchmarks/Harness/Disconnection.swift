// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Disconnects at a provider that has no revocation endpoint: the fence, the key slot overwritten
/// and synced twice, the record deleted. So many at a time.
struct Disconnection {
    let home: String
    let disconnects: Int
    let atOnce: Int

    func measure() async throws -> Measurement {
        let population = Population(home: home)
        let vault = try await population.open()
        let application = try await population.register(in: vault, url: "http://127.0.0.1:1/token")
        let ids = try (0..<disconnects).map(Population.id)
        let measurement = try await Measurement(of: disconnects) {
            try await Population.share(0..<disconnects, among: atOnce) { number in
                let receipt = try await vault.disconnect(ids[number])
                guard receipt.erasedSlots == 1, receipt.refreshToken == .unsupported else {
                    throw BenchmarkFailure("a disconnect that erased nothing")
                }
            }
        }
        for id in ids {
            guard try vault.status(id) == nil else {
                throw BenchmarkFailure("a connection that is still there")
            }
        }
        // As it was found, for the next.
        let expiry = Population.now().adding(milliseconds: Population.lifetimeMilliseconds)
        try await Population.share(0..<disconnects, among: Population.writersMax) { number in
            try await Population.put(number, in: vault, application, expiry: expiry)
        }
        vault.close()
        return measurement
    }
}
