// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing

@testable import TokenVault

/// The platform stores what it has while as many refreshes as may be are out.
@Suite struct StormTests {
    static let refreshes = 256
    static let inFlight = 128

    /// What a caller met on its way: for how long, in milliseconds, there was no room for it.
    struct Met: Sendable {
        var codes: Set<VaultError.Code> = []
        var longestMilliseconds: Int64 = 0
    }

    /// Puts tokens, and again for as long as there is no room for them.
    func put(_ vault: Vault, _ id: ConnectionID) async -> Met {
        var met = Met()
        let start = SystemTime().now()
        while !Task.isCancelled {
            let failure = await code {
                try await vault.put(
                    id,
                    TokenSet(
                        accessToken: Secret(zeroes: 100), refreshToken: Secret(zeroes: 100)))
            }
            guard let failure else { break }
            met.codes.insert(failure)
            met.longestMilliseconds = SystemTime().now().milliseconds(since: start)
        }
        return met
    }

    /// The second is twice as many as the arena has room for at once.
    @Test(.timeLimit(.minutes(1)), arguments: [1000, 6000])
    func putsWhileManyAreOut(_ callers: Int) async throws {
        let practice = try await Practice { $0.rotation = .rotating(grace: .zero) }
        let vault = try practice.open()
        try await practice.register(vault) {
            $0.concurrentRefreshesMax = Self.inFlight
            $0.refreshesPerSecondMax = 100_000
        }
        let ids = try await practice.seed(vault, Self.refreshes, lifetime: 1)
        practice.provider.resetCounters()
        practice.provider.set(fault: .delayAfter(.milliseconds(300)), replies: Self.refreshes)
        let others = try (0..<callers).map { try ConnectionID("other-\($0)") }
        let loop = Task { try? await vault.run() }
        while practice.provider.counters.peakConcurrentTokenRequests < Self.inFlight / 2 {
            try await Task.sleep(for: .milliseconds(5))
        }
        let met = await withTaskGroup(of: Met.self) { group in
            for id in others { group.addTask { await put(vault, id) } }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for id in ids {
            while try vault.status(id)?.refreshCount == 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
        }
        loop.cancel()
        await loop.value
        // Whoever met a full arena found room as soon as others had ended.
        #expect(met.allSatisfy { $0.codes.isSubset(of: [.tooManySecrets]) })
        #expect(met.allSatisfy { $0.longestMilliseconds < 2000 })
        // Each answer was kept: its refresh token is the one that works.
        practice.provider.set(fault: nil)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in ids { group.addTask { try await vault.refresh(id) } }
            try await group.waitForAll()
        }
        #expect(practice.provider.counters.reuseDetected == 0)
        #expect(practice.provider.counters.refreshes == 2 * Self.refreshes)
        vault.close()
        await practice.provider.stop()
    }
}
