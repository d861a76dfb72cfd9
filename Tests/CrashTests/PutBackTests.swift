// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Somebody kept parts of a vault and puts them back, or alters what stands in the clear: no slot
/// of a connection that lives is overwritten, whatever is opened meanwhile.
@Suite struct PutBackTests {
    /// The bytes of slots that hold a connection's key.
    func held(_ exhibit: Exhibit, _ slots: [Int]) throws -> [[UInt8]] {
        let bytes = try exhibit.home.bytes("SLOTS")
        return slots.map {
            Array(bytes[$0 * KeySlots.slotBytes..<($0 + 1) * KeySlots.slotBytes])
        }
    }

    /// Puts a connection and returns its slot.
    func put(_ exhibit: Exhibit, _ name: String) async throws -> Int {
        var slot: UInt32?
        try await exhibit.change { vault in
            try await Exhibit.put(vault, name, "token of \(name)")
            slot = try vault.store.version(vault.store.key(.connection, name))?.handle.number
        }
        return Int(try #require(slot))
    }

    func token(_ exhibit: Exhibit, _ name: String) async throws -> String {
        let vault = try exhibit.home.open()
        defer { vault.close() }
        return try await vault.withAccessToken(ConnectionID(name)) { $0.exposed }
    }

    /// What the open makes of a database that was copied during bob's disconnect; afterwards the
    /// current one is put in its place again.
    func verdictDuringDisconnect(
        _ exhibit: Exhibit, then body: () async throws -> [Int]
    ) async throws -> VaultError.Code? {
        try await exhibit.beginDisconnect("bob")
        let copy = try exhibit.tampering.database()
        // The open finishes the disconnect.
        #expect(await exhibit.verdict() == nil)
        let slots = try await body() + [exhibit.slot("ann")]
        let (current, keys) = (try exhibit.tampering.database(), try held(exhibit, slots))
        try exhibit.tampering.replaceDatabase(copy)
        let verdict = await exhibit.verdict()
        #expect(try held(exhibit, slots) == keys)
        #expect(await exhibit.verdict() == verdict)
        #expect(try held(exhibit, slots) == keys)
        try exhibit.tampering.replaceDatabase(current)
        #expect(await exhibit.verdict() == nil)
        return verdict
    }

    @Test func aDatabaseCopiedDuringADisconnectErasesNoNewOwnerOfTheSlot() async throws {
        let exhibit = try await Exhibit()
        let verdict = try await verdictDuringDisconnect(exhibit) {
            let slot = try await put(exhibit, "eve")
            #expect(slot == exhibit.slot("bob"))
            return [slot]
        }
        #expect(TamperedStoreTests.found.contains(verdict))
        #expect(try await token(exhibit, "eve") == "token of eve")
        #expect(try await token(exhibit, "ann") == "token of ann")
    }

    @Test func aDatabaseCopiedDuringADisconnectErasesNoNewLifeElsewhere() async throws {
        let exhibit = try await Exhibit()
        _ = try await verdictDuringDisconnect(exhibit) {
            let first = try await put(exhibit, "eve")
            let second = try await put(exhibit, "bob")
            try await exhibit.change { _ = try await $0.delete(ConnectionID("eve")) }
            #expect(first == exhibit.slot("bob") && second != first)
            return [second]
        }
        #expect(try await token(exhibit, "bob") == "token of bob")
    }

    @Test func anOlderDatabaseIsFoundWhereNoCrashExplainsIt() async throws {
        let exhibit = try await Exhibit()
        let copy = try exhibit.tampering.database()
        try await exhibit.change { vault in
            for _ in 0...StoreCheck.orphanGenerations {
                try await Exhibit.put(vault, "ann", "token of ann")
            }
        }
        let slot = try await put(exhibit, "eve")
        let (current, keys) = (try exhibit.tampering.database(), try held(exhibit, [slot]))
        try exhibit.tampering.replaceDatabase(copy)
        #expect(await exhibit.verdict() == .integrityFailed)
        #expect(try held(exhibit, [slot]) == keys)
        try exhibit.tampering.replaceDatabase(current)
        #expect(try await token(exhibit, "eve") == "token of eve")
    }

    @Test func anOldFenceAndItsRecordEraseNothing() async throws {
        let exhibit = try await Exhibit()
        try await exhibit.beginDisconnect("bob")
        let fence = try #require(try exhibit.tampering.value(.meta, exhibit.fence("bob")))
        let record = try exhibit.record("bob")
        #expect(await exhibit.verdict() == nil)
        let slots = [try await put(exhibit, "eve"), try await put(exhibit, "bob")]
        let (current, keys) = (try exhibit.tampering.database(), try held(exhibit, slots))
        for isWithRecord in [true, false] {
            try exhibit.tampering.set(.meta, exhibit.fence("bob"), fence)
            if isWithRecord { try exhibit.tampering.set(.records, exhibit.key("bob"), record) }
            #expect(TamperedStoreTests.found.contains(await exhibit.verdict()))
            #expect(try held(exhibit, slots) == keys)
            try exhibit.tampering.replaceDatabase(current)
        }
        #expect(try await token(exhibit, "bob") == "token of bob")
        #expect(try await token(exhibit, "eve") == "token of eve")
    }

    /// An application of which a record is in the vault, and its LMDB key.
    func addApplication(_ exhibit: Exhibit) async throws -> [UInt8] {
        var key: [UInt8] = []
        try await exhibit.change { vault in
            let url = "https://provider.example/token"
            try await vault.put(
                Application(
                    id: ApplicationID("app"),
                    provider: Provider(
                        name: "p", authorizationEndpoint: url, tokenEndpoint: url),
                    clientID: "client", clientSecret: Secret(text: "secret"),
                    redirectURI: "https://platform.example/callback"))
            key = vault.store.key(.application, "app").bytes.copied
        }
        return key
    }

    @Test func anApplicationWhoseSlotNumberWasAlteredTakesNobodysSlotWithIt() async throws {
        let exhibit = try await Exhibit()
        let key = try await addApplication(exhibit)
        let record = try #require(try exhibit.tampering.value(.records, key))
        let slots = try exhibit.home.bytes("SLOTS")
        for number in [UInt32(exhibit.slot("ann")), 0xFFFF_FF00, 1023, .max] {
            var altered = record
            for index in 0..<4 {
                altered[8 + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
            }
            // While the vault is closed, and while it is open and verified.
            try exhibit.tampering.set(.records, key, altered)
            #expect(TamperedStoreTests.found.contains(await exhibit.verdict()), "\(number)")
            try exhibit.tampering.set(.records, key, record)
            try await exhibit.change { vault in
                #expect(try exhibit.tampering.change(record, to: altered) > 0)
                let refusal = await code { try await vault.removeApplication(ApplicationID("app")) }
                #expect(refusal == .authenticationFailed, "\(number)")
                try exhibit.tampering.change(altered, to: record)
            }
            #expect(try exhibit.home.bytes("SLOTS") == slots, "\(number)")
        }
        try await exhibit.change { try await $0.removeApplication(ApplicationID("app")) }
        #expect(try exhibit.home.bytes("SLOTS").count == slots.count)
        #expect(try await exhibit.findings().readable == Exhibit.ids)
    }

    @Test func aFlippedKindMakesNoDisconnectClaimWhatItDidNotDo() async throws {
        let exhibit = try await Exhibit()
        let record = try exhibit.record("bob")
        var altered = record
        altered[2] = SealedRecord.Kind.application.rawValue
        let keys = try held(exhibit, [exhibit.slot("bob")])
        try await exhibit.change { vault in
            #expect(try exhibit.tampering.change(record, to: altered) > 0)
            let refusal = await code { _ = try await vault.disconnect(ConnectionID("bob")) }
            #expect(refusal == .authenticationFailed)
            #expect(try held(exhibit, [exhibit.slot("bob")]) == keys)
            try exhibit.tampering.change(altered, to: record)
            let receipt = try await vault.disconnect(ConnectionID("bob"))
            #expect(receipt.erasedSlots == 1)
        }
        #expect(try held(exhibit, [exhibit.slot("bob")])[0].allSatisfy { $0 == 0 })
        #expect(try await exhibit.findings().readable == ["ann", "cleo", "dan"])
    }

    @Test func aDisconnectThatWasCutShortAfterItsSlotIsFinishedAndErasesNothingMore() async throws {
        let exhibit = try await Exhibit()
        try await exhibit.beginDisconnect("bob")
        for byte: UInt8 in [0, 7] {
            let copy = try exhibit.tampering.database()
            try exhibit.home.overwrite(
                "SLOTS", at: exhibit.slot("bob") * KeySlots.slotBytes,
                [UInt8](repeating: byte, count: KeySlots.slotBytes))
            let findings = try await exhibit.findings()
            #expect(findings.verdict == nil && findings.readable == ["ann", "cleo", "dan"])
            #expect(try exhibit.tampering.value(.records, exhibit.key("bob")) == nil)
            #expect(try exhibit.tampering.value(.meta, exhibit.fence("bob")) == nil)
            #expect(try held(exhibit, [exhibit.slot("bob")])[0].allSatisfy { $0 == 0 })
            try exhibit.tampering.replaceDatabase(copy)
        }
        // Of a version that the fence does not name it is damage.
        let fence = try #require(try exhibit.tampering.value(.meta, exhibit.fence("bob")))
        let record = try exhibit.record("bob")
        for offset in [8, 16] {
            var altered = record
            altered[offset] ^= 1
            try exhibit.tampering.set(.records, exhibit.key("bob"), altered)
            #expect(TamperedStoreTests.found.contains(await exhibit.verdict()))
        }
        try exhibit.tampering.set(.records, exhibit.key("bob"), record)
        try exhibit.tampering.set(.meta, exhibit.fence("bob"), Array(fence.dropLast()))
        #expect(TamperedStoreTests.found.contains(await exhibit.verdict()))
    }
}
