// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing

@testable import TokenVault

/// The refresh loop against a practice server that lies, stalls and breaks off.
@Suite struct UpkeepTests {
    @Test func refreshesInTimeAndOnce() async throws {
        let practice = try await Practice {
            $0.rotation = .rotating(grace: .zero)
            $0.accessLifetime = .seconds(6)
        }
        let vault = try practice.open()
        try await practice.register(vault)
        let ids = try await practice.seed(vault, 60, lifetime: 2)
        let loop = Task { try? await vault.run() }
        for _ in 0..<12 {
            try await Task.sleep(for: .milliseconds(1000))
            for id in ids { _ = try await vault.token(id) }
        }
        let counters = practice.provider.counters
        #expect(counters.reuseDetected == 0)
        #expect(counters.peakConcurrentRefreshesOfOneGrant == 1)
        #expect(counters.refreshes >= 60)
        // Six seconds of life, a quarter of margin, a tenth of jitter: 3.9 to 4.5 s apart. Twice as
        // often would be a storm; the bound leaves room for a slow machine.
        #expect(counters.refreshes <= 60 * 6)
        let token = try await vault.token(ids[7])
        #expect(try await practice.accepts(token))
        loop.cancel()
        await loop.value
        vault.close()
        await practice.provider.stop()
    }

    @Test(arguments: [
        ProviderSimulator.Fault.htmlPage, .notJSON, .closedWithoutReply, .truncatedJSON,
        .status(500, retryAfter: nil),
        .status(403, retryAfter: nil), .redirect(to: "/elsewhere"),
    ])
    func aBadAnswerLosesNothing(_ fault: ProviderSimulator.Fault) async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let id = try ConnectionID("victim")
        try await practice.register(vault)
        try await practice.connect(vault, id)
        let before = try await vault.token(id)
        practice.provider.set(fault: fault, replies: 1)
        let started = ContinuousClock.now
        let failure = await code { try await vault.refresh(id) }
        #expect(started.duration(to: .now) < .seconds(20))
        #expect(
            [.answerLost, .providerBusy, .providerAnswerUnreadable, .providerRefused]
                .contains(failure))
        // Nothing was lost: the old token is lent, and the grant lives.
        #expect(try await vault.token(id) == before)
        try await vault.refresh(id)
        let token = try await vault.token(id)
        #expect(try await practice.accepts(token))
        vault.close()
        await practice.provider.stop()
    }

    @Test func aDripIsCutOff() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        let id = try ConnectionID("slow")
        // A provider with a grace: what is late is asked for again.
        try await practice.register(vault) { $0.reuseGraceSeconds = 60 }
        try await practice.connect(vault, id)
        practice.provider.set(fault: .oneByteASecond, replies: 1)
        let started = ContinuousClock.now
        #expect(await code { try await vault.refresh(id) } == .deadlineExceeded)
        #expect(started.duration(to: .now) < .seconds(18))
        try await vault.refresh(id)
        vault.close()
        await practice.provider.stop()
    }

    @Test func anAttemptInDoubtComesFirst() async throws {
        let practice = try await Practice { $0.rotation = .rotating(grace: .seconds(60)) }
        let id = try ConnectionID("doubt")
        do {
            let vault = try practice.open()
            try await practice.register(vault) { $0.reuseGraceSeconds = 60 }
            try await practice.connect(vault, id)
            // The process ends after the batch was recorded and before the answer was.
            let key = vault.store.key(.connection, id.text)
            let generation = try #require(try vault.store.version(key)?.generation)
            let commit = Commit()
            commit.add(
                .beginBatch([AttemptRecord(key: key, generation: generation)], vault.time.now()))
            _ = try await vault.durable(commit)
            vault.close()
        }
        practice.provider.resetCounters()
        let vault = try practice.open()
        let loop = Task { try? await vault.run() }
        while practice.provider.counters.refreshes == 0 {
            try await Task.sleep(for: .milliseconds(10))
        }
        #expect(try await vault.log(id).contains { $0.kind == .attemptInDoubt })
        loop.cancel()
        await loop.value
        vault.close()
        // The doubt is settled: the next open finds none.
        let again = try practice.open()
        try await again.ready()
        #expect(try await again.log(id).count(where: { $0.kind == .attemptInDoubt }) == 1)
        await practice.provider.stop()
    }
}
