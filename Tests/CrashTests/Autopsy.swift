// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Opens a vault after its process was killed and says what should not be.
struct Autopsy {
    let home: TestVault

    /// Every violation, in words; an empty list where all is well. What was in doubt is settled in
    /// the journal, and where tokens are left of it, they are refreshed: a lost reply must recover.
    func violations(_ journal: inout Journal) async throws -> [String] {
        var found = journal.errors
        journal.forgetErrors()
        let vault: Vault
        do {
            vault = try home.open()
            try await vault.ready()
        } catch {
            return found + ["does not open: \(error)"]
        }
        defer { vault.close() }
        found += try orphans(vault)
        let disk = try vault.disk
        let transaction = try disk.beginRead()
        let root = try disk.root(transaction)
        if root.generation < journal.generationMax { found.append("generations went back") }
        for id in 0..<Journal.ids {
            let stored = try stored(vault, id)
            if let objection = journal.objection(id, stored) { found.append(objection) }
            let wasInDoubt = journal.doubts[id] != nil
            journal.settle(id, stored)
            guard wasInDoubt, case .present = stored else { continue }
            do {
                try await vault.refresh(ConnectionID("c\(id)"))
            } catch {
                found.append("c\(id) does not recover: \(error)")
            }
            journal.settle(id, try self.stored(vault, id))
        }
        return found + (try await probe(vault))
    }

    /// The vault still takes, gives and erases.
    private func probe(_ vault: Vault) async throws -> [String] {
        let id = try ConnectionID("probe")
        try await vault.put(id, TokenSet(accessToken: Secret(text: "probe")))
        let token = try await vault.withAccessToken(id) { $0.exposed }
        let isGone = try await vault.delete(id)
        return token == "probe" && isGone ? [] : ["connects no longer work"]
    }

    private func stored(_ vault: Vault, _ id: Int) throws -> Journal.Stored {
        let key = vault.store.key(.connection, "c\(id)")
        guard let opened = try vault.store.open(key) else { return .absent }
        let generation = opened.version.generation
        let record = ConnectionRecord(fields: opened.takeFields())
        if record.state == .disconnecting { return .disconnecting }
        guard let tokens = try record.tokens() else { return .configured }
        let refresh: String
        switch tokens.refreshToken {
        case .none: refresh = "-"
        case .some(let token): refresh = token.exposed
        }
        return .present(
            Journal.Version(
                generation: generation, access: tokens.accessToken.exposed, refresh: refresh))
    }

    /// Slots that are not zero though no record names them, and fences that were left. The slots of
    /// a commit that was cut off are left alone until ROOT is well past them.
    private func orphans(_ vault: Vault) throws -> [String] {
        let disk = try vault.disk
        let transaction = try disk.beginRead()
        let root = try disk.root(transaction)
        var live: Set<UInt32> = []
        try transaction.scan(.records) { (_, value) throws(VaultError) in
            live.insert(try SealedRecord.header(of: value).slot)
            return true
        }
        var found: [String] = []
        for slot in 0..<UInt32(disk.slots.slotCount)
        where !live.contains(slot) && !disk.slots.isFree(slot) {
            if case .life(let life) = try disk.slots.content(slot),
                life.generation + StoreCheck.orphanGenerations >= root.generation
            {
                continue
            }
            found.append("slot \(slot) is an orphan")
        }
        try transaction.scan(.meta) { (key, _) throws(VaultError) in
            if key.byteCount == 33 { found.append("a fence was left") }
            return true
        }
        return found
    }
}

extension Vault {
    /// The store, as it is on disk.
    var disk: Store { get throws { try #require(store as? Store) } }
}
