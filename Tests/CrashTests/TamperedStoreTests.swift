// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Slots and records that somebody changed who has the disk and not the root key. Every change is
/// found, those it does not concern stay readable, and from then on nothing is written.
@Suite struct TamperedStoreTests {
    /// What a change of records may be called.
    static let found: Set<VaultError.Code?> = [.integrityFailed, .authenticationFailed]

    func expectFound(
        _ exhibit: Exhibit, readable: [String], _ what: String
    ) async throws {
        let findings = try await exhibit.findings()
        #expect(Self.found.contains(findings.verdict), "\(what): \(String(describing: findings))")
        #expect(findings.readable == readable, "\(what)")
    }

    @Test func aBitOfASlotCostsOneConnection() async throws {
        let exhibit = try await Exhibit()
        let whole = try exhibit.home.bytes("SLOTS")
        let slot = try #require(exhibit.slots["bob"])
        var random = SeededRandom(variable: "CRASH_SEED")
        for byte in 0..<120 {
            let offset = slot * KeySlots.slotBytes + byte
            let bit = UInt8(1) << UInt8(random.below(8))
            try exhibit.home.overwrite("SLOTS", at: offset, [whole[offset] ^ bit])
            let findings = try await exhibit.findings()
            #expect(findings.verdict == .authenticationFailed, "seed \(random.seed), byte \(byte)")
            #expect(findings.readable == ["ann", "cleo", "dan"], "byte \(byte)")
            try exhibit.home.overwrite("SLOTS", at: offset, [whole[offset]])
        }
        #expect(await exhibit.verdict() == nil)
    }

    @Test func aSlotThatWasZeroedOrSwappedIsFound() async throws {
        let exhibit = try await Exhibit()
        let whole = try exhibit.home.bytes("SLOTS")
        let (ann, bob) = (exhibit.slots["ann"] ?? 0, exhibit.slots["bob"] ?? 0)
        func slot(_ number: Int) -> [UInt8] { Array(whole[number * 128..<number * 128 + 128]) }
        try exhibit.home.overwrite("SLOTS", at: bob * 128, [UInt8](repeating: 0, count: 128))
        try await expectFound(exhibit, readable: ["ann", "cleo", "dan"], "zeroed")
        try exhibit.home.overwrite("SLOTS", at: bob * 128, slot(ann))
        try exhibit.home.overwrite("SLOTS", at: ann * 128, slot(bob))
        try await expectFound(exhibit, readable: ["cleo", "dan"], "swapped")
        // Nothing was zeroed meanwhile, though no record names what the slots say now.
        try exhibit.home.overwrite("SLOTS", at: ann * 128, slot(ann))
        try exhibit.home.overwrite("SLOTS", at: bob * 128, slot(bob))
        #expect(await exhibit.verdict() == nil)
    }

    @Test func aRecordThatWasSwappedReplayedOrDeletedIsFound() async throws {
        let exhibit = try await Exhibit()
        let (ann, bob) = (try exhibit.record("ann"), try exhibit.record("bob"))
        try exhibit.tampering.set(.records, exhibit.key("ann"), bob)
        try exhibit.tampering.set(.records, exhibit.key("bob"), ann)
        try await expectFound(exhibit, readable: ["cleo", "dan"], "swapped")
        try exhibit.tampering.set(.records, exhibit.key("ann"), ann)
        try exhibit.tampering.set(.records, exhibit.key("bob"), nil)
        try await expectFound(exhibit, readable: ["ann", "cleo", "dan"], "deleted")
        try exhibit.tampering.set(.records, exhibit.key("bob"), bob)
        #expect(await exhibit.verdict() == nil)
        // The record of an earlier version, with its slot as it is: only the store MAC tells.
        try await exhibit.change { try await Exhibit.put($0, "bob", "newer") }
        try exhibit.tampering.set(.records, exhibit.key("bob"), bob)
        try await expectFound(exhibit, readable: Exhibit.ids, "replayed")
    }

    @Test func aRecordThatCameBackIsFound() async throws {
        let exhibit = try await Exhibit()
        let bob = try exhibit.record("bob")
        let slots = try exhibit.home.bytes("SLOTS")
        try await exhibit.change { try await $0.disconnect(ConnectionID("bob")) }
        let rest = ["ann", "cleo", "dan"]
        let erased = try exhibit.home.bytes("SLOTS")
        try exhibit.tampering.set(.records, exhibit.key("bob"), bob)
        try await expectFound(exhibit, readable: rest, "without its slot")
        try exhibit.home.overwrite("SLOTS", at: 0, slots)
        try await expectFound(exhibit, readable: Exhibit.ids, "with its slot")
        // In another life of the same id, too.
        try exhibit.home.overwrite("SLOTS", at: 0, erased)
        try exhibit.tampering.set(.records, exhibit.key("bob"), nil)
        try await exhibit.change { try await Exhibit.put($0, "bob", "second life") }
        try exhibit.tampering.set(.records, exhibit.key("bob"), bob)
        try await expectFound(exhibit, readable: rest, "in another life")
    }

    /// Whatever comes first learns of it, be it for another connection: nothing is lent, nothing is
    /// said to be missing, and nothing is taken.
    @Test func theFirstCallLearnsOfIt() async throws {
        let exhibit = try await Exhibit()
        let whole = try exhibit.tampering.database()
        let bob = try exhibit.record("bob")
        try await exhibit.change { try await Exhibit.put($0, "bob", "newer") }
        let newer = try exhibit.tampering.database()
        let calls: [(Vault) async throws -> Void] = [
            { try await $0.withAccessToken(ConnectionID("bob")) { _ in } },
            { _ = try $0.get(ConnectionID("bob")) },
            { _ = try $0.status(ConnectionID("ann")) },
            { _ = try $0.list() },
            { _ = try $0.applications() },
            { _ = try await $0.log(ConnectionID("ann")) },
            { try await Exhibit.put($0, "bob", "mine") },
            { _ = try await $0.disconnect(ConnectionID("bob")) },
            { try await $0.reportUse(ConnectionID("ann")) },
            { try await $0.run() },
        ]
        for call in calls {
            for record in [bob, nil] {
                try exhibit.tampering.set(.records, exhibit.key("bob"), record)
                let before = try exhibit.tampering.database()
                do {
                    let vault = try exhibit.home.open()
                    defer { vault.close() }
                    #expect(await code { try await call(vault) } == .integrityFailed)
                }
                #expect(try exhibit.tampering.database() == before)
                try exhibit.tampering.replaceDatabase(newer)
            }
        }
        try exhibit.tampering.replaceDatabase(whole)
        #expect(try await exhibit.findings().readable == Exhibit.ids)
    }

    @Test func everyBitOfARecordCounts() async throws {
        let exhibit = try await Exhibit()
        let bob = try exhibit.record("bob")
        var random = SeededRandom(variable: "CRASH_SEED")
        // Of a newer format HEADER alone tells.
        let found = Self.found.union([.recordDamaged, .limitExceeded])
        var damaged: [[UInt8]] = (0..<64).map { _ in
            var bytes = bob
            bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
            return bytes
        }
        damaged += (0..<24).map { index in
            var bytes = bob
            bytes[index] ^= 1
            return bytes
        }
        damaged += [0, 1, 63, 64, bob.count - 1].map { Array(bob[..<$0]) }
        damaged += [1, 510, 60_000, 200_000].map { bob + [UInt8](repeating: 0, count: $0) }
        for (index, bytes) in damaged.enumerated() {
            try exhibit.tampering.set(.records, exhibit.key("bob"), bytes)
            let findings = try await exhibit.findings()
            #expect(found.contains(findings.verdict), "seed \(random.seed), change \(index)")
            #expect(findings.readable == ["ann", "cleo", "dan"], "change \(index)")
        }
        try exhibit.tampering.set(.records, exhibit.key("bob"), bob)
        for key in [[1], [UInt8](repeating: 0, count: 32), exhibit.key("bob") + [0]] {
            try exhibit.tampering.set(.records, key, bob)
            let verdict = await exhibit.verdict()
            #expect(found.contains(verdict), "\(key.count)")
            try exhibit.tampering.set(.records, key, nil)
        }
        #expect(await exhibit.verdict() == nil)
    }

    @Test func rootCannotBeReplacedDeletedOrReplayed() async throws {
        let exhibit = try await Exhibit()
        let key = Array("ROOT".utf8)
        let root = try #require(try exhibit.tampering.value(.meta, key))
        try await exhibit.change { try await Exhibit.put($0, "bob", "newer") }
        let newer = try #require(try exhibit.tampering.value(.meta, key))
        var bent = newer
        bent[60] ^= 1
        for (name, value) in [("replayed", root), ("bent", bent), ("short", [1, 2])] {
            try exhibit.tampering.set(.meta, key, value)
            #expect(Self.found.contains(await exhibit.verdict()), "\(name)")
        }
        try exhibit.tampering.set(.meta, key, nil)
        #expect(Self.found.contains(await exhibit.verdict()))
        try exhibit.tampering.set(.meta, key, newer)
        #expect(await exhibit.verdict() == nil)
    }

    @Test func anOldFenceEndsNoNewLife() async throws {
        let exhibit = try await Exhibit()
        let fence = [UInt8(ascii: "F")] + exhibit.key("bob")
        try await exhibit.beginDisconnect("bob")
        let old = try #require(try exhibit.tampering.value(.meta, fence))
        // The open finishes that disconnect; then the id lives again.
        try await exhibit.change { try await Exhibit.put($0, "bob", "token of bob") }
        try exhibit.tampering.set(.meta, fence, old)
        #expect(Self.found.contains(await exhibit.verdict()))
        try exhibit.tampering.set(.meta, fence, nil)
        #expect(try await exhibit.findings().readable == Exhibit.ids)
        // Nor does one that names nobody.
        try exhibit.tampering.set(.meta, [UInt8(ascii: "F")] + exhibit.key("ann"), old)
        #expect(Self.found.contains(await exhibit.verdict()))
    }

    @Test func flowsAndEventsThatWereChangedAreNotBelieved() async throws {
        let exhibit = try await Exhibit()
        let keys = try exhibit.tampering.keys(.events)
        let first = try #require(keys.first)
        var entry = try #require(try exhibit.tampering.value(.events, first))
        entry[50] ^= 1
        try exhibit.tampering.set(.events, first, entry)
        let vault = try exhibit.home.open()
        try await vault.ready()
        #expect(
            await code { _ = try await vault.log(ConnectionID("ann")) } == .authenticationFailed)
    }
}
