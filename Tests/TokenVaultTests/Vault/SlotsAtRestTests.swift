// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// While nobody may change a slot nobody waits for room in the arena either: whoever would make
/// some may wait for the writer, and that for the slots.
@Suite struct SlotsAtRestTests {
    @Test func aRecordThatDoesNotOpenIsLookedAtWithoutWaiting() async throws {
        let home = try TestVault()
        try home.create()
        let id = try ConnectionID("ann")
        let before = try home.open()
        try await before.put(id, TokenSet(accessToken: Secret(text: "a token")))
        before.close()
        // It begins with its key, which is all that is read of it without a secret.
        try home.overwrite("SLOTS", at: 0, [UInt8](repeating: 0, count: 128))
        let vault = try home.open { $0.readsUnverified = true }
        defer { vault.close() }
        #expect(await code { try await vault.ready() } == .authenticationFailed)
        let key = vault.store.key(.connection, id.text)
        // Whoever may wait takes none of the largest blocks for a small secret; who may not does.
        let hoard = BlockHoard.take(allOf: [128, 512, 2048, 8192])
        let found = await code { _ = try vault.store.open(key) }
        withExtendedLifetime(hoard) {}
        #expect(found == .authenticationFailed)
    }

    @Test func itMayWaitAgainAfterwards() throws {
        let hoard = BlockHoard.take(allOf: [128, 512])
        func take() -> Bool { (try? Secret(zeroes: 100).count) != nil }
        let taken = WorkerThread.withoutWaitingForSecrets {
            [WorkerThread.withoutWaitingForSecrets(take), take()]
        }
        #expect(taken == [true, true])
        #expect(!take(), "it waits for one of its own size, and in vain")
        withExtendedLifetime(hoard) {}
    }
}
