// SPDX-License-Identifier: Apache-2.0

import ProviderSimulator
import TestSupport
import Testing

@testable import TokenVault

/// Access tokens that are held across `await`, and what is said of their use.
@Suite struct LentTokenTests {
    private let id: ConnectionID

    init() throws { id = try ConnectionID("customer-7/practice") }

    private func connected(
        _ body: (Practice, Vault) async throws -> Void
    ) async throws {
        let practice = try await Practice { $0.rotation = .rotating(grace: .zero) }
        let vault = try practice.open()
        try await practice.register(vault)
        try await practice.connect(vault, id)
        try await body(practice, vault)
        vault.close()
        await practice.provider.stop()
    }

    @Test func isUsedAcrossAnAwaitAndWipedAtItsEnd() async throws {
        try await connected { practice, vault in
            let open = SecretArena.shared.openSecretCount
            do {
                let token = try await vault.accessToken(id)
                #expect(SecretArena.shared.openSecretCount == open + 1)
                #expect(token.secret.capacity == SecretArena.blockBytes(for: token.secret.count))
                #expect(try await practice.accepts(token.exposed))
                let status = try #require(try vault.status(id))
                #expect(token.connection == id)
                #expect(token.generation == status.generation)
                #expect(token.expiry != nil && token.expiry == status.accessTokenExpiry)
            }
            #expect(SecretArena.shared.openSecretCount == open)
            #expect(SecretArena.shared.freeBlocksAreZero())
            let isAccepted = try await vault.withAccessToken(id) { token in
                try await practice.accepts(token.exposed)
            }
            #expect(isAccepted)
        }
    }

    @Test func aReportSaysWhichTokenItIsOf() async throws {
        try await connected { practice, vault in
            let old = try await vault.accessToken(id)
            try await vault.reportRejected(old)
            #expect(practice.provider.counters.refreshes == 1)
            // It was replaced: another report of it costs nothing.
            try await vault.reportRejected(old)
            #expect(practice.provider.counters.refreshes == 1)
            let new = try await vault.accessToken(id)
            #expect(new.generation > old.generation)
            #expect(try vault.status(id)?.tokenRejected == nil)
            // A use of the old one that is told late mends nothing of the new one.
            #expect(try await vault.noteRejected(id, generation: new.generation))
            try await vault.reportUse(old)
            #expect(try vault.status(id)?.tokenRejected != nil)
            try await vault.reportUse(new)
            #expect(try vault.status(id)?.light == .green)
        }
    }

    @Test func aCallThatWorksIsAUse() async throws {
        try await connected { practice, vault in
            var isAccepted = false
            let use = try await vault.withBearer(id) { header in
                #expect(header.exposed.hasPrefix("Bearer "))
                isAccepted = try await practice.accepts(String(header.exposed.dropFirst(7)))
                return isAccepted ? .ok : .rejected
            }
            #expect(use == .ok && isAccepted)
            #expect(try vault.status(id)?.light == .green)
            #expect(practice.provider.counters.refreshes == 0)
        }
    }

    @Test func aRejectedTokenIsRefreshedOnceAndTriedOnceMore() async throws {
        try await connected { practice, vault in
            var headers: [String] = []
            let use = try await vault.withBearer(id) { header in
                headers.append(header.exposed)
                return headers.count == 1 ? .rejected : .ok
            }
            #expect(use == .ok)
            #expect(headers.count == 2 && headers[0] != headers[1])
            #expect(practice.provider.counters.refreshes == 1)
            #expect(try vault.status(id)?.light == .green)
        }
    }

    @Test func whatIsAlwaysRejectedIsRefreshedOnceForEachCall() async throws {
        try await connected { practice, vault in
            var calls = 0
            for number in 1...3 {
                calls = 0
                let use = try await vault.withBearer(id) { _ in
                    calls += 1
                    return .rejected
                }
                #expect(use == .rejected)
                // From the second time on the refresh comes before the call.
                #expect(calls == (number == 1 ? 2 : 1))
                #expect(practice.provider.counters.refreshes == number)
                let status = try #require(try vault.status(id))
                #expect(status.light == .red && status.reason == .tokenRejected)
            }
        }
    }

    @Test func anErrorOfTheCallIsReportedWithItsNumber() async throws {
        try await connected { practice, vault in
            do throws(VaultError) {
                #expect(try await vault.withBearer(id) { _ in .failed(503) } == .failed(503))
            } catch {
                Issue.record(error)
            }
            let status = try #require(try vault.status(id))
            #expect(status.reason == .useFailed && status.reasonNumber == 503)
            // What the body throws comes through, and says nothing of the token.
            let end = await #expect(throws: CancellationError.self) {
                try await vault.withBearer(id) { _ in throw CancellationError() }
            }
            #expect(end != nil)
            #expect(try vault.status(id)?.reasonNumber == 503)
            #expect(practice.provider.counters.refreshes == 0)
        }
    }

    @Test func aTokenThatNoHeaderMayHaveIsRefused() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.put(id, TokenSet(accessToken: Secret(text: "a\r\nX-Admin: 1")))
        var isCalled = false
        let end = await code {
            try await vault.withBearer(id) { _ in
                isCalled = true
                return .ok
            }
        }
        #expect(end == .invalidArgument && !isCalled)
    }
}
