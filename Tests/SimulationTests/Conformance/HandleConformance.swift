// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import TokenVault

/// Handles: one for each record while it lives, and whose it is can be asked.
@Suite("Any engine: handles", .serialized) struct HandleConformance {
    @Test("A record keeps its own while it lives", arguments: Engine.allCases)
    func stable(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let names = (0..<40).map { "c\($0)" }
        var handles: [String: Handle] = [:]
        for name in names { handles[name] = try seam.make(name).handle }
        #expect(Set(handles.values).count == names.count)
        #expect(!handles.values.contains(.none))
        for name in names {
            try seam.put(name, "second")
            _ = try seam.revise(name, Seam.revision(to: "third")).get()
        }
        for name in names.prefix(10) { try seam.disconnect(name) }
        for name in names.prefix(5) { handles[name] = try seam.make(name).handle }
        let living = names.prefix(5) + names.dropFirst(10)
        for name in living {
            let handle = try #require(handles[name])
            #expect(try seam.version(name).handle == handle)
            #expect(seam.reading.key(of: handle) == seam.key(name))
        }
        let present = try living.map { try seam.version($0).handle }
        #expect(Set(present).count == living.count, "no two records share one")
    }

    @Test("What was never given out stands for no record", arguments: Engine.allCases)
    func unknown(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        #expect(seam.reading.key(of: .none) == nil)
        #expect(seam.reading.key(of: Handle(number: 1_000_000)) == nil)
    }

    /// Whoever was told that the record is gone lets go of its handle before anybody else has it.
    @Test("That of an erased record is free when its erasure has ended", arguments: Engine.allCases)
    func reuse(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let old = try seam.make("ann").handle
        _ = try seam.fence("ann").get()
        let (reading, ann) = (seam.reading, seam.key("ann"))
        let owners = Mutex<[RecordKey?]>([])
        let endings = try seam.run([
            Seam.commit { commit in
                commit.add(.erase(ann))
                try seam.addPut("ben", "x", .absent, to: commit)
                commit.completion = { _ in
                    owners.withLock { $0.append(reading.key(of: old)) }
                }
            },
            try seam.putting("ann", "again", .absent),
            try seam.putting("cid", "x", .absent),
        ]).map { try $0.get() }
        #expect(endings.allSatisfy { $0.handle != old })
        #expect(owners.withLock { $0 } == [nil])
    }

    @Test("Most are given again, so that they stay dense", arguments: Engine.allCases)
    func dense(_ engine: Engine) throws {
        let seam = try Seam(engine)
        for _ in 0..<300 {
            try seam.make("ann")
            try seam.disconnect("ann")
        }
        #expect(try seam.make("ann").handle.number < 256)
    }
}
