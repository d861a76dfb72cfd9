// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// What ends with a vault, or with whoever waits for it.
@Suite struct VaultClosingTests {
    private let home: TestVault

    init() throws {
        home = try TestVault()
        try home.create()
    }

    @Test func eventsEndWithTheVault() async throws {
        let vault = try home.open()
        let before = vault.events()
        vault.close()
        for await event in before { Issue.record("\(event)") }
        for await event in vault.events() { Issue.record("\(event)") }
        for await progress in vault.verification() { Issue.record("\(progress)") }
    }

    @Test(.timeLimit(.minutes(1)))
    func runEndsWithTheVault() async throws {
        let vault = try home.open()
        try await vault.ready()
        let runs = (0..<3).map { _ in Task { try await vault.run() } }
        while vault.refresher.shared.withLock({ $0.runners }) < 3 { await Task.yield() }
        vault.close()
        for run in runs { try await run.value }
        #expect(await code { try await vault.run() } == .closed)
    }

    @Test(.timeLimit(.minutes(1)))
    func runEndsWhereItsTaskIsCancelled() async throws {
        let vault = try home.open()
        let run = Task { try await vault.run() }
        while vault.refresher.shared.withLock({ $0.runners }) < 1 { await Task.yield() }
        run.cancel()
        try await run.value
        #expect(vault.refresher.shared.withLock { $0.runners } == 0)
        vault.close()
    }
}
