// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import Synchronization
import TestSupport
import Testing

@testable import TokenVault

/// What a host says of how a vault is opened, seen at a provider.
@Suite struct SettingsTests {
    private final class Heard: Sendable {
        let lines = Mutex<[String]>([])
    }

    @Test func refreshesAreToldWhereSomebodyWantsToKnow() async throws {
        for isTold in [false, true] {
            let heard = Heard()
            let practice = try await Practice()
            let vault = try practice.open {
                $0.tellsRefreshes = isTold
                $0.logsRefreshes = isTold
                $0.log = { event in heard.lines.withLock { $0.append("\(event)") } }
            }
            let events = vault.events()
            try await practice.register(vault)
            let id = try ConnectionID("anna")
            try await practice.connect(vault, id)
            try await vault.refresh(id)
            try await vault.reportRejected(id)
            vault.close()
            var kinds: [VaultEvent.Kind] = []
            for await event in events { kinds.append(event.kind) }
            let expected: [VaultEvent.Kind] =
                isTold
                ? [.connectStarted, .connected, .refreshed, .tokenRejected, .refreshed]
                : [.connectStarted, .connected, .tokenRejected]
            #expect(kinds == expected)
            // The log has the same, one line for each.
            #expect(heard.lines.withLock { $0 } == expected.map { "\($0) connection anna" })
            // The one on disk has the same.
            let next = try practice.open()
            #expect(try await next.log(id).map(\.kind) == expected)
            #expect(try await next.events(after: nil).events.map(\.event.kind) == expected)
            next.close()
            await practice.provider.stop()
        }
    }

    @Test func aRequestEndsAtTheDeadlineThatIsSaid() async throws {
        let practice = try await Practice()
        let vault = try practice.open { $0.deadlines.token = .seconds(1) }
        try await practice.register(vault)
        let id = try ConnectionID("anna")
        try await practice.connect(vault, id)
        practice.provider.set(fault: .delayBefore(.seconds(4)), replies: 1)
        let start = ContinuousClock.now
        let end = await code { try await vault.refresh(id) }
        #expect(end == .answerOutstanding)
        #expect((1..<4).contains(start.duration(to: .now).components.seconds))
        // The answer is listened for further, and used.
        try await vault.refresh(id, awaitsLateAnswer: true)
        #expect(try vault.status(id)?.refreshCount == 1)
        vault.close()
        await practice.provider.stop()
    }

    @Test func aDeadlineOutOfRangeIsItsEnd() {
        var deadlines = Vault.Deadlines()
        #expect(deadlines.tokenMilliseconds == TransportRequest.deadlineMillisecondsDefault)
        deadlines.token = .seconds(900)
        deadlines.revocation = .milliseconds(1)
        deadlines.close = .seconds(-1)
        #expect(deadlines.tokenMilliseconds == 15_000)
        #expect(deadlines.revocationMilliseconds == 1000)
        #expect(deadlines.closeMilliseconds == 0)
    }
}
