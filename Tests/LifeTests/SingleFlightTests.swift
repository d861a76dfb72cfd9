// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing
import TokenVaultTesting

@testable import TokenVault

/// However many ask, one request is sent; and what answers after a disconnect is not stored.
@Suite struct SingleFlightTests {
    /// A connected connection whose token has expired.
    func expired(
        _ rotation: ProviderSimulator.Rotation = .rotating(grace: .zero)
    ) async throws -> (Practice, Vault, ConnectionID) {
        let practice = try await Practice { $0.rotation = rotation }
        let clock = TestClock()
        let vault = try practice.open(clock)
        let id = try ConnectionID("busy")
        try await practice.register(vault)
        try await practice.connect(vault, id)
        practice.provider.resetCounters()
        clock.advance(by: .seconds(3600))
        return (practice, vault, id)
    }

    @Test func tenThousandCallersCauseOneRequest() async throws {
        let (practice, vault, id) = try await expired()
        practice.provider.set(fault: .delayAfter(.milliseconds(300)), replies: 1)
        let tokens = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<10_000 { group.addTask { try await vault.token(id) } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(tokens.count == 1)
        #expect(practice.provider.counters.tokenRequests == 1)
        #expect(practice.provider.counters.reuseDetected == 0)
        await practice.provider.stop()
    }

    @Test func aCancelledCallerCancelsNobodyElse() async throws {
        let (practice, vault, id) = try await expired()
        practice.provider.set(fault: .delayAfter(.seconds(3)), replies: 1)
        let first = Task { await code { _ = try await vault.token(id) } }
        while practice.provider.counters.tokenRequests == 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        first.cancel()
        #expect(await first.value == .cancelled)
        let others = Task {
            try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<999 { group.addTask { try await vault.token(id) } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
        }
        #expect(try await others.value.count == 1)
        #expect(practice.provider.counters.tokenRequests == 1)
        await practice.provider.stop()
    }

    @Test func aFailureIsShared() async throws {
        let (practice, vault, id) = try await expired()
        practice.provider.set(fault: .delayBefore(.milliseconds(300)), replies: 1)
        practice.provider.set(fault: .status(503, retryAfter: nil), replies: 1)
        let codes = await withTaskGroup(of: VaultError.Code?.self) { group in
            for _ in 0..<1000 {
                group.addTask { await code { _ = try await vault.token(id) } }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        // Callers that came after the failure started the next request: none of them was told no.
        #expect(codes.allSatisfy { $0 == nil || $0 == .providerBusy })
        #expect(practice.provider.counters.tokenRequests <= 2)
        #expect(practice.provider.counters.peakConcurrentRefreshesOfOneGrant <= 1)
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        await practice.provider.stop()
    }

    @Test func aDisconnectEndsTheAttempt() async throws {
        let (practice, vault, id) = try await expired()
        practice.provider.set(fault: .delayAfter(.milliseconds(700)), replies: 1)
        let callers = Task {
            await withTaskGroup(of: VaultError.Code?.self) { group in
                for _ in 0..<1000 {
                    group.addTask { await code { _ = try await vault.token(id) } }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        while practice.provider.counters.tokenRequests == 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        let receipt = try await vault.disconnect(id)
        #expect(receipt.isEveryAnswerIn)
        let codes = await callers.value
        #expect(codes.allSatisfy { $0 == .disconnecting || $0 == .notFound })
        #expect(practice.provider.counters.tokenRequests == 1)
        // What came late was revoked beside what was stored: two pairs, two tokens each.
        #expect(try await vault.log(id).contains { $0.kind == .lateAnswer })
        #expect(try vault.status(id) == nil)
        #expect(practice.provider.counters.revocationRequests == 4)
        await practice.provider.stop()
    }

    /// With the data key, what LMDB has not overwritten yet could be read.
    @Test func aDisconnectWipesTheDataKeyOfARequestThatIsOut() async throws {
        for isOrphaned in [false, true] {
            let (practice, vault, id) = try await expired()
            practice.provider.set(fault: .delayAfter(.seconds(2)), replies: 1)
            let caller = Task { await code { _ = try await vault.token(id) } }
            while practice.provider.counters.tokenRequests == 0 {
                try await Task.sleep(for: .milliseconds(5))
            }
            let refresher = vault.refresher
            let kept = try #require(
                refresher.shared.withLock { $0.upkeep.attempts.all.first?.kept })
            let store = try #require(vault.store as? Store)
            let key = store.key(.connection, id.text)
            let version = try #require(try store.version(key))
            if isOrphaned {
                let end = await refresher.orphan(key, handle: version.handle, milliseconds: 0)
                #expect(end != nil)
            }
            let transaction = try store.beginRead()
            guard let value = try transaction.get(.records, key.bytes) else {
                throw VaultError(.notFound, .store)
            }
            let isThere = try kept.take(SealedRecord.header(of: value), value) != nil
            #expect(isThere != isOrphaned)
            _ = await caller.value
            await practice.provider.stop()
        }
    }

    @Test func aLateAnswerIsNeverStoredInTheNextLife() async throws {
        let (practice, vault, id) = try await expired()
        practice.provider.set(fault: .delayAfter(.seconds(12)), replies: 1)
        let caller = Task { await code { _ = try await vault.token(id) } }
        while practice.provider.counters.tokenRequests == 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        let receipt = try await vault.disconnect(id)
        #expect(!receipt.isEveryAnswerIn)
        #expect(await caller.value == .disconnecting)
        try await practice.connect(vault, id)
        let token = try await vault.token(id)
        let generation = try #require(try vault.status(id)).generation
        while try await !vault.log(id).contains(where: { $0.kind == .lateAnswer }) {
            try await Task.sleep(for: .milliseconds(50))
        }
        #expect(try await vault.token(id) == token)
        #expect(try vault.status(id)?.generation == generation)
        #expect(try await practice.accepts(token))
        await practice.provider.stop()
    }

    @Test func aWriteInBetweenDoesNotLoseTheRotatedToken() async throws {
        let (practice, vault, id) = try await expired()
        practice.provider.set(fault: .delayAfter(.milliseconds(400)), replies: 1)
        let caller = Task { try await vault.token(id) }
        while practice.provider.counters.tokenRequests == 0 {
            try await Task.sleep(for: .milliseconds(5))
        }
        try await vault.reportUse(id)
        let token = try await caller.value
        #expect(try await practice.accepts(token))
        try await vault.refresh(id)
        #expect(practice.provider.counters.reuseDetected == 0)
        await practice.provider.stop()
    }
}
