// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// The end of a record: a fence that nothing but its erasure passes, then the erasure.
@Suite("Any engine: disconnects", .serialized) struct DisconnectConformance {
    @Test("What is fenced says so and is changed no more", arguments: Engine.allCases)
    func fence(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        #expect(try seam.fence("ben").code == .notFound)
        let fenced = try seam.fence("ann").get()
        let version = try seam.version("ann")
        #expect(version.generation > first.generation && version.handle == first.handle)
        #expect(fenced.generation == version.generation && fenced.handle == version.handle)
        try isClosed(seam)
        // Nor after a restart.
        try seam.restart()
        try isClosed(seam)
        #expect(try seam.version("ann").generation == version.generation)
    }

    /// Of `ann` everything is refused but the fence, which changes nothing.
    private func isClosed(_ seam: Seam) throws {
        let version = try seam.version("ann")
        func state() throws -> ConnectionState? {
            guard let opened = try seam.reading.open(seam.key("ann")) else { return nil }
            return ConnectionRecord(fields: opened.takeFields()).state
        }
        #expect(try state() == .disconnecting)
        #expect(try seam.text("ann") == "first")
        for makes in [false, true] {
            let revision = Seam.revision(to: "x", makes: makes)
            #expect(try seam.revise("ann", revision).get().fate == .disconnecting)
        }
        for expectation in [
            Change.Expectation.anything, .absent, .generation(version.generation),
        ] {
            #expect(try seam.put("ann", "x", expectation).code == .disconnecting)
        }
        #expect(try FlowConformance.add(seam, 1, of: "ann").code == .disconnecting)
        let again = try seam.fence("ann").get()
        #expect(again.generation == version.generation && again.handle == version.handle)
        #expect(try seam.version("ann").generation == version.generation)
        #expect(try seam.text("ann") == "first")
    }

    @Test("It holds for what is submitted behind it", arguments: Engine.allCases)
    func behind(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        let key = seam.key("ann")
        let endings = try seam.run([
            Seam.commit { $0.add(.revise(key, Seam.revision(to: "before"))) },
            Seam.commit { $0.add(.fence(key)) },
            Seam.commit { $0.add(.revise(key, Seam.revision(to: "x"))) },
            try seam.putting("ann"),
        ])
        #expect(endings.map(\.code) == [nil, nil, nil, .disconnecting])
        #expect(try endings[2].get().fate == .disconnecting)
        #expect(try seam.text("ann") == "before")
    }

    @Test("What is erased is gone, and the id is free again", arguments: Engine.allCases)
    func erase(_ engine: Engine) throws {
        let seam = try Seam(engine)
        #expect(try seam.erase("ann").code == .notFound)
        let first = try seam.make("ann")
        try seam.make("ben")
        _ = try seam.fence("ann").get()
        let erased = try seam.erase("ann").get()
        #expect(erased.erasedSlots == 1 && erased.erasure != nil)
        #expect(try seam.text("ann") == nil && seam.text("ben") == "first")
        #expect(try seam.reading.version(seam.key("ann")) == nil)
        #expect(try seam.reading.recordCount() == 1)
        #expect(seam.reading.key(of: first.handle) == nil)
        #expect(try seam.erase("ann").code == .notFound)
        #expect(try seam.fence("ann").code == .notFound)
        // Who comes late finds nothing, and makes nothing of what was.
        #expect(try seam.revise("ann", Seam.revision(to: "x")).get().fate == .missing)
        #expect(try seam.put("ann", "x", .generation(first.generation)).code == .notFound)
        #expect(try seam.text("ann") == nil)
        try seam.make("ann", "again")
        #expect(try seam.text("ann") == "again")
        #expect(try seam.revise("ann", Seam.revision(to: "b")).get().fate == .changed)
        #expect(
            try seam.put("ann", "x", .generation(first.generation)).code == .generationChanged)
    }

    @Test("The id is taken again behind the erasure", arguments: Engine.allCases)
    func reconnect(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        _ = try seam.fence("ann").get()
        let key = seam.key("ann")
        let endings = try seam.run([
            try seam.putting("ann", "early", .absent),
            Seam.commit { $0.add(.erase(key)) },
            Seam.commit { $0.add(.revise(key, Seam.revision(to: "x"))) },
            try seam.putting("ann", "late", .absent),
        ])
        #expect(endings.map(\.code) == [.disconnecting, nil, nil, nil])
        #expect(try endings[2].get().fate == .missing)
        #expect(try seam.text("ann") == "late")
        #expect(try seam.version("ann").life > first.life)
    }

    @Test("One that was cut short is handed to the next process", arguments: Engine.allCases)
    func unfinished(_ engine: Engine) throws {
        let seam = try Seam(engine)
        for name in ["ann", "ben", "cid"] { try seam.make(name) }
        for name in ["ann", "ben"] { _ = try seam.fence(name).get() }
        let (ann, ben) = (seam.key("ann"), seam.key("ben"))
        try seam.restart(verifies: false)
        #expect(Set(seam.reading.inheritance().unfinished) == [ann, ben])
        // It is finished before anything else is taken.
        let erasure = Seam.commit { commit in
            commit.isRecovery = true
            commit.add(.erase(ann))
        }
        #expect(try seam.run([erasure])[0].get().erasedSlots == 1)
        #expect(try seam.text("ann") == nil && seam.text("cid") == "first")
        let verified = try seam.verify()
        #expect(verified.fenced == [ben] && verified.recordCount == 2)
        #expect(try seam.erase("ben").code == nil)
        try seam.restart(verifies: false)
        #expect(seam.reading.inheritance().unfinished.isEmpty)
        #expect(try seam.verify().fenced.isEmpty)
        #expect(try seam.text("cid") == "first")
    }
}
