// SPDX-License-Identifier: Apache-2.0

import Glibc
import TestSupport
import Testing

@testable import TokenVault

/// What an open, its verification or the log refuses, an audit finds, though every record opens.
@Suite struct AuditRuleTests {
    /// What is done to a closed vault, and touches no record.
    enum Hidden: String, CaseIterable, Sendable {
        case shortFlowKey, fenceOfNothing, doubledSlots, copiedSlot
        case alteredEvent, shortEventKey

        func inflict(on wreck: Wreck) throws {
            switch self {
            case .shortFlowKey:
                try wreck.edit(.flows, [([UInt8](repeating: 7, count: 8), [1, 1, 4])])
            case .fenceOfNothing: try fence(wreck)
            case .doubledSlots:
                let slots = try wreck.home.bytes("SLOTS")
                try wreck.home.overwrite("SLOTS", at: slots.count, slots)
            case .copiedSlot:
                try wreck.home.overwrite("SLOTS", at: 900 * 128, try wreck.slot(Wreck.small[3]))
            case .alteredEvent:
                var (key, value) = try event(wreck)
                value[value.count - 1] ^= 1
                try wreck.edit(.events, [(key, value)])
            case .shortEventKey: try wreck.edit(.events, [([1], [1, 1, 5])])
            }
        }

        /// A fence that is sealed as it should be, of a record that is not there.
        private func fence(_ wreck: Wreck) throws {
            let keyring = try Keyring(wreck.home.path, rootKey: .file(wreck.home.keyFile))
            let store = try Store(wreck.home.path, keyring: keyring, mapBytes: 64 << 20)
            let transaction = try store.lmdb.beginWrite()
            let label = try Fence.label(store.key(.connection, "nobody"))
            let plaintext = try Secret(zeroes: Fence.byteCount)
            let value = try Writer(store: store).seal(
                plaintext.bytes, .fence, generation: 1, lmdbKey: label.bytes,
                key: keyring.batchSealKey)
            try transaction.put(.meta, label.bytes, value.bytes)
            try transaction.commit()
        }

        /// The first entry of the log.
        private func event(_ wreck: Wreck) throws -> ([UInt8], [UInt8]) {
            let lmdb = try LMDB("\(wreck.home.path)/db", mapBytes: 1 << 30, creates: false)
            var (key, value): ([UInt8], [UInt8]) = ([], [])
            try lmdb.beginRead().scan(.events) { (lmdbKey, entry) throws(VaultError) in
                key = (0..<lmdbKey.byteCount).map { lmdbKey.byte(at: $0) }
                value = (0..<entry.byteCount).map { entry.byte(at: $0) }
                return false
            }
            return (key, value)
        }
    }

    @Test(arguments: Hidden.allCases)
    func whatTheOthersRefuseIsFound(_ hidden: Hidden) async throws {
        let wreck = try await Wreck()
        try hidden.inflict(on: wreck)
        let files = try wreck.files()
        let report = try Vault.audit(wreck.home.path, rootKey: .file(wreck.home.keyFile))
        #expect(try wreck.files() == files)
        #expect(!report.isWhole, "\(report)")
        // No record is lost, and all go into a new vault.
        #expect(report.faults.isEmpty && report.opened == wreck.tokens.count + 1)
        let path = "\(wreck.home.path)-new"
        let salvaged = try Vault.salvage(
            wreck.home.path, into: path, rootKey: .file(wreck.home.keyFile))
        #expect(salvaged == report)
        #expect(try Vault.audit(path, rootKey: .file(wreck.home.keyFile)).isWhole)

        let refusal = await code {
            let vault = try wreck.home.open()
            defer { vault.close() }
            try await vault.ready()
            _ = try await vault.log(ConnectionID(Wreck.small[0]))
        }
        #expect(refusal != nil)
        if let obstacle = report.obstacle { #expect(obstacle.code == refusal) }
    }
}
