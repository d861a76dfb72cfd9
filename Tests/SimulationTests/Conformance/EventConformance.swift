// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import TokenVault

/// The log, as the suites read it.
enum ConformanceEvents {
    /// All entries' codes, read so many at a time.
    static func codes(_ seam: Seam, atMost limit: Int = 1000) throws -> [UInt16] {
        var codes: [UInt16] = []
        var next: UInt64? = 0
        while let first = next {
            try #require(codes.count <= StoreLimits.eventsMax, "it goes round")
            next = try seam.reading.scanEvents(from: first, atMost: limit) { codes.append($1.code) }
        }
        return codes
    }
}

/// The log: in the order of commits, page by page, and never longer than it may be.
@Suite("Any engine: the log", .serialized) struct EventConformance {
    private func entry(_ seam: Seam, _ code: UInt16) -> EventEntry {
        EventEntry(
            time: Seam.now.adding(milliseconds: Int64(code)), key: seam.key("ann"), code: code,
            number: -Int64(code))
    }

    @Test("Entries are read as they were written, the oldest first", arguments: Engine.allCases)
    func order(_ engine: Engine) throws {
        let seam = try Seam(engine)
        #expect(try ConformanceEvents.codes(seam).isEmpty)
        for code in 0..<9 as Range<UInt16> {
            _ = try seam.run { commit in
                commit.add(.event(entry(seam, 2 * code)))
                commit.add(.event(entry(seam, 2 * code + 1)))
            }.get()
        }
        func check() throws {
            var entries: [EventEntry] = []
            #expect(try seam.reading.scanEvents(from: 0, atMost: 18) { entries.append($1) } == nil)
            #expect(entries.map(\.code) == Array(0..<18))
            #expect(entries.map(\.number) == (0..<18).map { -$0 })
            #expect(entries.allSatisfy { $0.key == seam.key("ann") })
            #expect(entries[3].time == Seam.now.adding(milliseconds: 3))
            for limit in [1, 7, 17, 18, 19] {
                #expect(try ConformanceEvents.codes(seam, atMost: limit) == Array(0..<18))
            }
        }
        try check()
        try seam.restart()
        try check()
    }

    @Test("What a revision did not change is not told of", arguments: Engine.allCases)
    func revisions(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        func tell(_ name: String, _ code: UInt16, _ revision: Revision) throws {
            _ = try seam.run { commit in
                commit.add(.revise(seam.key(name), revision))
                commit.add(.event(entry(seam, code)))
            }.get()
        }
        let leaving = Revision(addedBytesMax: 200) { (_, _) throws(VaultError) in .leave }
        try tell("ann", 1, Seam.revision(to: "second"))
        try tell("ann", 2, leaving)
        try tell("ben", 3, Seam.revision(to: "x"))
        try tell("ben", 4, Seam.revision(to: "made", makes: true))
        _ = try seam.fence("ann").get()
        try tell("ann", 5, Seam.revision(to: "x"))
        #expect(try ConformanceEvents.codes(seam) == [1, 4])
    }

    @Test(
        "A reader goes on where it was, whatever is written meanwhile", arguments: Engine.allCases)
    func pages(_ engine: Engine) throws {
        let seam = try Seam(engine)
        for code in 0..<6 as Range<UInt16> {
            _ = try seam.run { $0.add(.event(entry(seam, code))) }.get()
        }
        var codes: [UInt16] = []
        let next = try #require(
            try seam.reading.scanEvents(from: 0, atMost: 4) { codes.append($1.code) })
        _ = try seam.run { $0.add(.event(entry(seam, 6))) }.get()
        #expect(try seam.reading.scanEvents(from: next, atMost: 9) { codes.append($1.code) } == nil)
        #expect(codes == Array(0...6))
        #expect(try seam.reading.scanEvents(from: next + 99, atMost: 9) { _, _ in } == nil)
    }

    @Test("The oldest go where there are too many", arguments: Engine.allCases)
    func limit(_ engine: Engine) throws {
        let seam = try Seam(engine, isRoomy: true)
        let perCommit: UInt64 = 20
        let extra: UInt64 = 60
        let all = StoreLimits.eventsMax + extra
        func write(_ numbers: Range<UInt64>) throws {
            let commits = stride(from: numbers.lowerBound, to: numbers.upperBound, by: 20).map {
                first in
                Seam.commit { commit in
                    for number in first..<min(first + perCommit, numbers.upperBound) {
                        commit.add(
                            .event(
                                EventEntry(
                                    time: Seam.now, key: seam.key("ann"), code: 1,
                                    number: Int64(number))))
                    }
                }
            }
            for ending in try seam.run(commits) { _ = try ending.get() }
        }
        try write(0..<StoreLimits.eventsMax)
        var first: Int64?
        let next = try #require(
            try seam.reading.scanEvents(from: 0, atMost: 100) { first = first ?? $1.number })
        #expect(first == 0)
        try write(StoreLimits.eventsMax..<all)
        var (count, last) = (0, Int64?.none)
        first = nil
        _ = try seam.reading.scanEvents(from: 0, atMost: .max) { (_, entry) in
            first = first ?? entry.number
            last = entry.number
            count += 1
        }
        #expect(count == Int(StoreLimits.eventsMax))
        #expect(first == Int64(extra) && last == Int64(all - 1))
        // A page that was begun before some went does not skip any of the others.
        first = nil
        _ = try seam.reading.scanEvents(from: next, atMost: 1) { first = $1.number }
        #expect(first == 100)
    }
}
