// SPDX-License-Identifier: Apache-2.0

import TokenVault

/// Access tokens of random connections, lent by `withAccessToken`: what a platform does before
/// every call of a provider's API. It also looks the expiry up and wipes, which the floor does not.
struct TokenRead {
    let home: String
    let connections: Int
    let threads: Int
    let reads: Int

    func measure() async throws -> Measurement {
        let vault = try await Population(home: home).open()
        // Walked in order: the caller's ids are in the cache, the vault's records are not.
        let ids = try Self.shuffled(connections).map(Population.id)
        try await run(vault, ids, reads / 4)
        let measurement = try await Measurement(of: reads / threads * threads) {
            try await run(vault, ids, reads)
        }
        vault.close()
        return measurement
    }

    private func run(_ vault: Vault, _ ids: [ConnectionID], _ reads: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for thread in 0..<threads {
                group.addTask {
                    let start = ids.count / threads * thread
                    for read in 0..<reads / threads {
                        let id = ids[(start + read) % ids.count]
                        let count = try await vault.withAccessToken(id) { $0.secret.count }
                        guard count == Population.accessTokenBytes else {
                            throw BenchmarkFailure("not the token that was put")
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Numbers from 0 in an order that looks random, the floors' own.
    static func shuffled(_ count: Int) -> [Int] {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15
        var numbers = Array(0..<count)
        for last in numbers.indices.dropFirst().reversed() {
            numbers.swapAt(last, Int(nextRandom(&state) % UInt64(last + 1)))
        }
        return numbers
    }

    /// xorshift64, as in the floors.
    static func nextRandom(_ state: inout UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
