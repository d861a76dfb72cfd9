// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import TokenVault

/// A revision edits the newest version of a connection, and says what became of it.
@Suite("Any engine: revisions", .serialized) struct RevisionConformance {
    private static let plan = Plan(
        queue: 3, due: Seam.now, death: Seam.now.adding(milliseconds: 90_000))

    /// Notes what the edit was shown, and decides so.
    private final class Shown: Sendable {
        private let versions = Mutex<[(generation: UInt64, text: String?)]>([])

        var generations: [UInt64] { versions.withLock { $0.map(\.generation) } }
        var texts: [String?] { versions.withLock { $0.map(\.text) } }

        func revision(
            makes: Bool = false, _ text: String, _ decision: Revision.Decision
        ) -> Revision {
            let isLeft = if case .leave = decision { true } else { false }
            let plan: Plan?? = if case .replan(let plan) = decision { plan } else { nil }
            return Revision(addedBytesMax: 200, new: makes ? Seam.newRecord : nil) {
                [self] (record, version) throws(VaultError) in
                let found = record.requestedScope
                versions.withLock { $0.append((version.generation, found)) }
                try record.fields.set(ConnectionTag.requestedScope, text: text)
                if isLeft { return .leave }
                if let plan { return .replan(plan) }
                return .change
            }
        }
    }

    @Test("A change is written as a new version", arguments: Engine.allCases)
    func change(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let (first, shown) = (try seam.make("ann"), Shown())
        let committed = try seam.revise("ann", shown.revision("second", .change)).get()
        #expect(shown.generations == [first.generation] && shown.texts == ["first"])
        #expect(committed.fate == .changed && committed.plan == nil)
        let second = try seam.version("ann")
        #expect(committed.generation == second.generation && committed.handle == second.handle)
        #expect(second.generation > first.generation && second.handle == first.handle)
        #expect(try seam.text("ann") == "second")
    }

    @Test("A plan travels with the write and comes back", arguments: Engine.allCases)
    func plan(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        let planned = try seam.revise("ann", Shown().revision("a", .replan(Self.plan))).get()
        #expect(planned.fate == .changed && planned.plan == Self.plan)
        let unplanned = try seam.revise("ann", Shown().revision("b", .replan(nil))).get()
        #expect(unplanned.fate == .changed && unplanned.plan == nil)
        #expect(try seam.text("ann") == "b")
        let new = Shown().revision(makes: true, "c", .replan(Self.plan))
        #expect(try seam.revise("ben", new).get().plan == Self.plan)
    }

    @Test("What is left alone stays as it was", arguments: Engine.allCases)
    func leave(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        let left = try seam.revise("ann", Shown().revision("second", .leave)).get()
        #expect(left.fate == .left && left.plan == nil)
        #expect(try seam.text("ann") == "first")
        #expect(try seam.version("ann").generation == first.generation)
        // Nor is one made then.
        let new = Shown().revision(makes: true, "second", .leave)
        #expect(try seam.revise("ben", new).get().fate == .left)
        #expect(try seam.text("ben") == nil && seam.reading.recordCount() == 1)
    }

    @Test("One that is not there is missing, or made", arguments: Engine.allCases)
    func missing(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let shown = Shown()
        let missing = try seam.revise("ann", shown.revision("x", .change)).get()
        #expect(missing.fate == .missing && shown.generations.isEmpty)
        #expect(try seam.text("ann") == nil)
        let made = try seam.revise("ann", shown.revision(makes: true, "made", .change)).get()
        #expect(made.fate == .changed && shown.generations == [0] && shown.texts == ["new"])
        let version = try seam.version("ann")
        #expect(made.generation == version.generation && made.handle == version.handle)
        #expect(try seam.text("ann") == "made")
        // Of one that is there no other is made.
        _ = try seam.revise("ann", shown.revision(makes: true, "again", .change)).get()
        #expect(shown.texts == ["new", "made"] && shown.generations.last == version.generation)
    }

    @Test("An edit that throws changes nothing, of its commit alone", arguments: Engine.allCases)
    func failing(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        try seam.make("ben")
        let failing = Revision(addedBytesMax: 200) { (record, _) throws(VaultError) in
            try record.fields.set(ConnectionTag.requestedScope, text: "half")
            throw VaultError(.backingOff, .vault)
        }
        let failingToMake = Revision(
            addedBytesMax: 200,
            new: { () throws(VaultError) in throw VaultError(.cancelled, .vault) },
            { (_, _) throws(VaultError) in .change })
        let entry = EventEntry(time: Seam.now, key: seam.key("ann"), code: 7)
        let endings = try seam.run([
            Seam.commit { $0.add(.revise(seam.key("ben"), Seam.revision(to: "before"))) },
            Seam.commit { commit in
                commit.add(.revise(seam.key("ann"), failing))
                commit.add(.event(entry))
                commit.add(.fence(seam.key("ben")))
            },
            Seam.commit { $0.add(.revise(seam.key("cid"), failingToMake)) },
            Seam.commit { $0.add(.revise(seam.key("ben"), Seam.revision(to: "after"))) },
        ])
        #expect(endings.map(\.code) == [nil, .backingOff, .cancelled, nil])
        #expect(try seam.text("ann") == "first" && seam.text("cid") == nil)
        #expect(try seam.version("ann").generation == first.generation)
        #expect(try seam.text("ben") == "after")
        #expect(try seam.reading.scanEvents(from: 0, atMost: 1) { _, _ in } == nil)
    }

    @Test("It finds what the commit before it left", arguments: Engine.allCases)
    func order(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let shown = Shown()
        let key = seam.key("ann")
        let endings = try seam.run([
            Seam.commit { $0.add(.revise(key, shown.revision("lost", .change))) },
            Seam.commit { $0.add(.revise(key, shown.revision(makes: true, "a", .change))) },
            Seam.commit { $0.add(.revise(key, shown.revision("b", .change))) },
            Seam.commit { $0.add(.revise(key, shown.revision("left", .leave))) },
            Seam.commit { $0.add(.revise(key, shown.revision("c", .change))) },
        ]).map { try $0.get() }
        #expect(endings.map(\.fate) == [.missing, .changed, .changed, .left, .changed])
        #expect(shown.texts == ["new", "a", "b", "b"])
        let generations = endings.map(\.generation)
        #expect(shown.generations == [0, generations[1], generations[2], generations[2]])
        #expect(try seam.version("ann").generation == generations[4])
    }

    @Test("An edit may read other records", arguments: Engine.allCases)
    func reads(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        try seam.make("ben", "other")
        let (reading, ben) = (seam.reading, seam.key("ben"))
        _ = try seam.revise(
            "ann",
            Revision(addedBytesMax: 200) { (record, _) throws(VaultError) in
                guard let other = try reading.open(ben) else { return .leave }
                let text = other.fields.text(ConnectionTag.requestedScope)
                try record.fields.set(ConnectionTag.requestedScope, text: text)
                return .change
            }
        ).get()
        #expect(try seam.text("ann") == "other")
    }
}
