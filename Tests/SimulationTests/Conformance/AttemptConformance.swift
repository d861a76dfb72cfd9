// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// Attempts: on record before their first byte is sent, until their batch is done with.
@Suite("Any engine: attempts", .serialized) struct AttemptConformance {
    private func begin(
        _ seam: Seam, _ names: [String], _ time: UnixTime = Seam.now
    ) throws -> UInt64 {
        let attempts = names.map { AttemptRecord(key: seam.key($0), generation: 5) }
        return try seam.run { $0.add(.beginBatch(attempts, time)) }.get().batch
    }

    private func end(_ seam: Seam, _ batch: UInt64, _ names: [String]) throws {
        _ = try seam.run { commit in
            for name in names { commit.add(.endAttempt(batch: batch, seam.key(name))) }
        }.get()
    }

    private func inherited(_ seam: Seam) -> [InheritedAttempt] {
        seam.reading.inheritance().attempts
    }

    @Test("The next process inherits what did not end", arguments: Engine.allCases)
    func inheritance(_ engine: Engine) throws {
        let seam = try Seam(engine)
        #expect(inherited(seam).isEmpty)
        let later = Seam.now.adding(milliseconds: 1500)
        let first = try begin(seam, ["ann", "ben"])
        let second = try begin(seam, ["cid"], later)
        let third = try begin(seam, ["ann"], later)
        #expect(first < second && second < third)
        try end(seam, second, ["cid"])
        try seam.restart(verifies: false)
        let found = inherited(seam)
        #expect(found.map(\.batch) == [first, first, third], "the oldest first")
        #expect(
            Set(found.prefix(2).map(\.attempt.key)) == [seam.key("ann"), seam.key("ben")])
        #expect(found[2].attempt == AttemptRecord(key: seam.key("ann"), generation: 5))
        #expect(found.map(\.recorded) == [Seam.now, Seam.now, later])
        // Numbers go on, and what was inherited is ended as what is one's own.
        try seam.verify()
        #expect(try begin(seam, ["dan"]) > third)
        try end(seam, first, ["ann", "ben"])
        try seam.restart()
        #expect(Set(inherited(seam).map(\.attempt.key)) == [seam.key("ann"), seam.key("dan")])
    }

    /// Its record is written once and removed once: those of it that ended come back with the rest.
    @Test("A batch is inherited as a whole until all of it ended", arguments: Engine.allCases)
    func whole(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let batch = try begin(seam, ["ann", "ben", "cid"])
        try end(seam, batch, ["ann", "cid"])
        try seam.restart()
        #expect(inherited(seam).count == 3)
        try end(seam, batch, ["ben"])
        try seam.restart()
        #expect(inherited(seam).count == 3, "they are to be ended anew")
        try end(seam, batch, ["ben", "ann"])
        try end(seam, batch, ["cid"])
        try seam.restart()
        #expect(inherited(seam).isEmpty)
    }

    @Test("It ends with the result that it brought, or not at all", arguments: Engine.allCases)
    func result(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        let batch = try begin(seam, ["ann"])
        func finish(_ revision: Revision) throws -> Seam.Ending {
            try seam.run { commit in
                commit.add(.revise(seam.key("ann"), revision))
                commit.add(.endAttempt(batch: batch, seam.key("ann")))
            }
        }
        let failing = Revision(addedBytesMax: 200) { (_, _) throws(VaultError) in
            throw VaultError(.backingOff, .vault)
        }
        #expect(try finish(failing).code == .backingOff)
        try seam.restart()
        #expect(inherited(seam).count == 1)
        #expect(try finish(Seam.revision(to: "refreshed")).get().fate == .changed)
        try seam.restart()
        #expect(inherited(seam).isEmpty)
        #expect(try seam.text("ann") == "refreshed")
    }

    @Test("One that is unknown, or ended before, is no error", arguments: Engine.allCases)
    func unknown(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let batch = try begin(seam, ["ann", "ben"])
        try end(seam, batch, ["ann", "ann", "cid"])
        try end(seam, batch + 1000, ["ann"])
        try seam.restart()
        #expect(inherited(seam).count == 2)
        // Nor does it matter whether there is such a record.
        #expect(try seam.reading.recordCount() == 0)
    }

    @Test("A batch has so many attempts at most", arguments: Engine.allCases)
    func limit(_ engine: Engine) throws {
        let seam = try Seam(engine)
        let names = (0...StoreLimits.batchAttemptsMax).map { "c\($0)" }
        let attempts = names.map { AttemptRecord(key: seam.key($0), generation: 1) }
        let ending = try seam.run { $0.add(.beginBatch(attempts, Seam.now)) }
        guard case .failure(let error) = ending else {
            Issue.record("too many were recorded")
            return
        }
        #expect(error.code == .limitExceeded && error.number == StoreLimits.batchAttemptsMax)
        _ = try begin(seam, Array(names.dropLast()))
        try seam.restart()
        #expect(Set(inherited(seam).map(\.attempt.key)).count == StoreLimits.batchAttemptsMax)
    }
}
