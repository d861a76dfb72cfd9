// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import TokenVault

/// Commits: all of one or nothing, in their order, each told once how it ended.
@Suite("Any engine: commits", .serialized) struct CommitConformance {
    @Test("All of its changes are made, or none of them", arguments: Engine.allCases)
    func atomicity(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        func changes(_ expected: UInt64) throws -> Seam.Ending {
            try seam.run { commit in
                try seam.addPut("ben", "new", .absent, to: commit)
                commit.add(.event(EventEntry(time: Seam.now, key: seam.key("ben"), code: 1)))
                try seam.addPut("ann", "second", .generation(expected), to: commit)
            }
        }
        #expect(try changes(first.generation + 9).code == .generationChanged)
        #expect(try seam.text("ann") == "first" && seam.text("ben") == nil)
        #expect(try seam.reading.lastGeneration() == first.generation)
        #expect(try ConformanceEvents.codes(seam).isEmpty)
        #expect(try changes(first.generation).code == nil)
        #expect(try seam.text("ann") == "second" && seam.text("ben") == "new")
        #expect(try ConformanceEvents.codes(seam) == [1])
    }

    @Test("Nor what came before a change that cannot be made", arguments: Engine.allCases)
    func late(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let first = try seam.make("ann")
        let commit = try seam.putting("ann", "second")
        commit.add(.event(EventEntry(time: Seam.now, key: seam.key("ann"), code: 1)))
        commit.add(
            .beginBatch([AttemptRecord(key: seam.key("ann"), generation: 1)], Seam.now))
        // Without a plaintext.
        commit.add(.put(.connection, seam.key("ben"), .anything))
        let other = Seam.commit { $0.add(.revise(seam.key("ann"), Seam.revision(to: "third"))) }
        let endings = try seam.run([commit, other])
        #expect(endings.map(\.code) == [.invalidArgument, nil])
        #expect(try seam.text("ann") == "third" && seam.text("ben") == nil)
        #expect(try endings[1].get().generation > first.generation)
        #expect(try ConformanceEvents.codes(seam).isEmpty)
        try seam.restart()
        #expect(seam.reading.inheritance().attempts.isEmpty)
    }

    @Test("One that is refused hinders no other", arguments: Engine.allCases)
    func neighbours(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let commits = try (0..<4).map { number in
            try seam.putting(number < 2 ? "ann" : "ben", "x", .absent)
        }
        #expect(
            try seam.run(commits).map(\.code) == [nil, .alreadyExists, nil, .alreadyExists])
        #expect(try seam.reading.recordCount() == 2)
    }

    @Test("They are made and end in the order of submission", arguments: Engine.allCases)
    func order(_ engine: Engine) throws {
        let seam = try Seam(engine, isRoomy: true)
        try seam.make("ann")
        let ended = Mutex<[Int]>([])
        let reading = seam.reading
        let key = seam.key("ann")
        let early = Mutex(0)
        // More than any engine makes durable at once.
        let commits = (0..<600).map { number in
            Seam.commit { commit in
                commit.add(.revise(key, Seam.revision(to: "\(number)")))
                commit.completion = { result in
                    ended.withLock { $0.append(number) }
                    guard case .success(let committed) = result else { return }
                    // By then it can be read.
                    let found = (try? reading.version(key))?.generation ?? 0
                    if found < committed.generation { early.withLock { $0 += 1 } }
                }
            }
        }
        let generations = try seam.run(commits).map { try $0.get().generation }
        #expect(ended.withLock { $0 } == Array(0..<600))
        #expect(early.withLock { $0 } == 0)
        #expect(zip(generations, generations.dropFirst()).allSatisfy { $0 < $1 })
        #expect(try seam.text("ann") == "599")
    }

    @Test("Until the store is verified it takes none", arguments: Engine.allCases)
    func unverified(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        try seam.restart(verifies: false)
        #expect(try seam.put("ann", "second").code == .notVerified)
        #expect(try seam.text("ann") == "first")
        // Of those that are to finish a disconnect, only what was begun.
        let erasure = Seam.commit { commit in
            commit.isRecovery = true
            commit.add(.erase(seam.key("ann")))
        }
        #expect(try seam.run([erasure])[0].code == .authenticationFailed)
        #expect(try seam.text("ann") == "first")
        try seam.verify()
        #expect(try seam.put("ann", "second").code == nil)
    }

    @Test("Once they are refused each ends with that error", arguments: Engine.allCases)
    func refusal(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        // One that is made at this moment, and one that waits.
        let endings = try refuseMeanwhile(seam)
        #expect(endings.map(\.code) == [nil, .storageFailed])
        seam.committing.refuse(VaultError(.integrityFailed, .store))
        #expect(try seam.put("ann", "third").code == .storageFailed, "the first reason stays")
        #expect(try seam.erase("ann").code == .storageFailed)
        #expect(try seam.text("ann") == "second")
    }

    private func refuseMeanwhile(_ seam: Seam) throws -> [Seam.Ending] {
        let committing = seam.committing
        let follower = Seam.commit { $0.add(.revise(seam.key("ann"), Seam.revision(to: "x"))) }
        let followed = Seam.Endings([follower])
        let first = Seam.commit { commit in
            commit.add(
                .revise(
                    seam.key("ann"),
                    Revision(addedBytesMax: 200) { (record, _) throws(VaultError) in
                        try record.fields.set(ConnectionTag.requestedScope, text: "second")
                        committing.submit(follower)
                        committing.refuse(VaultError(.storageFailed, .store))
                        return .change
                    }))
        }
        let ending = try seam.run([first])
        seam.engine.work { followed.areAll }
        return try ending + followed.all()
    }

    @Test("A store that is refused before it is verified says why", arguments: Engine.allCases)
    func refusedUnverified(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        try seam.restart(verifies: false)
        seam.committing.refuse(VaultError(.integrityFailed, .store))
        #expect(try seam.put("ann", "second").code == .integrityFailed)
    }

    @Test("At the end all that waits is made, and what follows from it", arguments: Engine.allCases)
    func end(_ engine: Engine) throws {
        let seam = try Seam(engine, isRoomy: true)
        try seam.make("ann")
        try endWhileMuchWaits(seam)
        #expect(try seam.put("ann", "late").code == .closed)
        try seam.engine.start()
        try seam.verify()
        #expect(try seam.text("ann") == "follower")
    }

    private func endWhileMuchWaits(_ seam: Seam) throws {
        let (key, committing) = (seam.key("ann"), seam.committing)
        let follower = Seam.commit { $0.add(.revise(key, Seam.revision(to: "follower"))) }
        let commits = (0..<300).map { number in
            Seam.commit { $0.add(.revise(key, Seam.revision(to: "\(number)"))) }
        }
        commits[299].completion = { _ in committing.submit(follower) }
        let (endings, followed) = (Seam.Endings(commits), Seam.Endings([follower]))
        for commit in commits { committing.submit(commit) }
        seam.engine.end()
        #expect(try endings.all().allSatisfy { $0.code == nil })
        #expect(try followed.all()[0].code == nil)
    }
}
