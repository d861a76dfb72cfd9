// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Key slots after a crash, and the writer where no block of the arena is free.
@Suite struct ErasureTests {
    @Test func aSlotWhoseErasureWasCutShortIsGivenOnce() async throws {
        let home = try TestVault()
        try home.create()
        let gone = try ConnectionID("gone")
        let slot: UInt32
        do {
            let vault = try home.open()
            try await vault.put(gone, TokenSet(accessToken: Secret(text: "old")))
            let commit = Commit()
            commit.add(.fence(vault.store.key(.connection, gone.text)))
            slot = try await vault.durable(commit).handle.number
            vault.close()
        }
        // Overwritten and synced; the record that names it is still there.
        try home.overwrite(
            KeySlots.fileName, at: Int(slot) * KeySlots.slotBytes,
            [UInt8](repeating: 0, count: KeySlots.slotBytes))
        let vault = try home.open()
        try await vault.ready()
        #expect(try vault.list().isEmpty)
        let ids = try (0..<4).map { try ConnectionID("new-\($0)") }
        for id in ids { try await vault.put(id, TokenSet(accessToken: Secret(text: id.text))) }
        let slots = try ids.map { try vault.store.version(vault.store.key(.connection, $0.text)) }
        #expect(Set(slots.compactMap { $0?.handle }).count == ids.count)
        for id in ids {
            let token = try await vault.withAccessToken(id) { $0.exposed }
            #expect(token == id.text)
        }
    }

    @Test func theWriterTakesALargerBlockRatherThanWait() throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try vault.readableNow()
        let id = try ConnectionID("late")
        let key = vault.store.key(.connection, id.text)
        var record = try ConnectionRecord(id: id, now: vault.time.now())
        try record.adopt(TokenSet(accessToken: Secret(text: "token")), requestStart: record.issued)
        let plaintext = record.plaintext()
        let commit = Commit()
        commit.add(.put(.connection, key, .absent), plaintext)
        // All but the sixteen largest, as if callers held them until this commit is durable.
        var hoard = BlockHoard.take(
            allOf: SecretArena.classes.map(\.byteCount).dropLast().reversed())
        let took = try elapsedMilliseconds { _ = try Vault.durable(commit, vault.committer) }
        withExtendedLifetime(hoard) {}
        hoard = nil
        #expect(took < Int64(SecretArena.waitMilliseconds) / 2)
        #expect(try vault.list() == [id])
    }
}
