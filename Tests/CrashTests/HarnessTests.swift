// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The judge of the kill tests is judged: what is wrong on purpose must be reported.
@Suite struct HarnessTests {
    /// A vault that was killed a few times, and a connection that is in it.
    func scene() async throws -> (KillTests.Scene, Int) {
        let scene = try await KillTests.Scene()
        for round in 0..<3 {
            let (_, violations) = try await scene.kill(
                seed: UInt64(round), .within(.refresh, writes: 3, skips: 2))
            #expect(violations == [])
        }
        let present = scene.journal.known.firstIndex { $0.generation > 0 }
        return (scene, try #require(present))
    }

    @Test func aWriteThatNeverHappenedIsMissed() async throws {
        let (scene, id) = try await scene()
        defer { scene.server.stop() }
        let claimed = Journal.Version(
            generation: scene.journal.generationMax + 1000, access: "never", refresh: "never")
        scene.journal.acknowledge(id, .put, writes: 2, claimed)
        let violations = try await Autopsy(home: scene.home).violations(&scene.journal)
        #expect(violations.contains { $0.hasPrefix("c\(id) is present") })
        #expect(violations.contains("generations went back"))
    }

    @Test func aDisconnectThatNeverHappenedIsNoticed() async throws {
        let (scene, id) = try await scene()
        defer { scene.server.stop() }
        scene.journal.acknowledge(
            id, .disconnect, writes: 6,
            Journal.Version(generation: 0, access: "-", refresh: "-"))
        let violations = try await Autopsy(home: scene.home).violations(&scene.journal)
        #expect(violations.count == 1)
        #expect(violations.first?.hasSuffix("not absent") == true)
    }

    @Test func aSlotThatCameBackIsZeroedAndARecordThatCameBackIsFound() async throws {
        let (scene, id) = try await scene()
        defer { scene.server.stop() }
        let tampering = Tampering(home: scene.home)
        let slots = try scene.home.bytes("SLOTS")
        let vault = try scene.home.open()
        let key = vault.store.key(.connection, "c\(id)").bytes.copied
        vault.close()
        let record = try #require(try tampering.value(.records, key))
        let again = try scene.home.open()
        try await again.disconnect(ConnectionID("c\(id)"))
        again.close()
        scene.journal.settle(id, .absent)
        // The slot alone is no more than what a crash leaves; it goes when ROOT is well past it.
        try scene.home.overwrite("SLOTS", at: 0, slots)
        #expect(try await Autopsy(home: scene.home).violations(&scene.journal) == [])
        #expect(try scene.home.bytes("SLOTS") == slots)
        let later = try scene.home.open()
        for _ in 0...StoreCheck.orphanGenerations { try await Exhibit.put(later, "later", "x") }
        try await later.delete(ConnectionID("later"))
        later.close()
        #expect(try await Autopsy(home: scene.home).violations(&scene.journal) == [])
        #expect(try scene.home.bytes("SLOTS") != slots)
        try scene.home.overwrite("SLOTS", at: 0, slots)
        try tampering.set(.records, key, record)
        let violations = try await Autopsy(home: scene.home).violations(&scene.journal)
        #expect(violations == ["does not open: integrityFailed (store)"])
    }
}
