// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Pending authorizations: taken once, gone with their connection, dropped when they have expired.
@Suite("Any engine: flows", .serialized) struct FlowConformance {
    private static let lifetime: Int64 = 600_000

    static func key(_ seam: Seam, _ number: Int) throws -> RecordKey {
        let state = try Secret(integer: UInt64(number))
        return seam.reading.flowKey(state: state.bytes)
    }

    private static func change(
        _ seam: Seam, _ number: Int, of name: String, now: UnixTime, _ commit: Commit
    ) throws {
        let expires = now.adding(milliseconds: lifetime)
        var fields = try Fields()
        try fields.set(FlowTag.expires, time: expires)
        try fields.set(FlowTag.requestedScope, text: "flow \(number)")
        let plaintext = try fields.secret.copy()
        commit.add(
            .addFlow(try key(seam, number), of: seam.key(name), now: now, expires: expires),
            plaintext)
    }

    static func add(
        _ seam: Seam, _ number: Int, of name: String, now: UnixTime = Seam.now
    ) throws -> Seam.Ending {
        try seam.run { try change(seam, number, of: name, now: now, $0) }
    }

    private func take(_ seam: Seam, _ number: Int) throws -> Seam.Ending {
        let key = try Self.key(seam, number)
        return try seam.run { $0.add(.takeFlow(key)) }
    }

    private func text(_ seam: Seam, _ number: Int) throws -> String? {
        guard let fields = try seam.reading.openFlow(Self.key(seam, number)) else { return nil }
        return fields.text(FlowTag.requestedScope)
    }

    @Test(
        "One that was added is read as often as asked, and taken once", arguments: Engine.allCases)
    func once(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        #expect(try text(seam, 1) == nil && take(seam, 1).code == .notFound)
        _ = try Self.add(seam, 1, of: "ann").get()
        _ = try Self.add(seam, 2, of: "ann").get()
        #expect(try text(seam, 1) == "flow 1" && text(seam, 1) == "flow 1")
        try seam.restart()
        #expect(try text(seam, 1) == "flow 1")
        let key = try Self.key(seam, 1)
        let both = (0..<2).map { _ in Seam.commit { $0.add(.takeFlow(key)) } }
        #expect(try seam.run(both).map(\.code) == [nil, .notFound])
        #expect(try text(seam, 1) == nil && text(seam, 2) == "flow 2")
        #expect(try take(seam, 1).code == .notFound)
        // The record of its connection is none of its business.
        #expect(try seam.text("ann") == "first")
    }

    @Test("It belongs to one life of a connection", arguments: Engine.allCases)
    func connection(_ engine: Engine) throws {
        let seam = try Seam(engine)
        #expect(try Self.add(seam, 1, of: "ann").code == .notFound)
        try seam.make("ann")
        _ = try Self.add(seam, 1, of: "ann").get()
        try seam.put("ann", "second")
        #expect(try text(seam, 1) == "flow 1", "a new version is the same life")
        try seam.disconnect("ann")
        #expect(try text(seam, 1) == nil)
        try seam.make("ben")
        #expect(try text(seam, 1) == nil, "whoever has its handle now")
        try seam.make("ann")
        #expect(try text(seam, 1) == nil)
        _ = try Self.add(seam, 2, of: "ann").get()
        #expect(try text(seam, 2) == "flow 2")
        try seam.restart()
        #expect(try text(seam, 1) == nil && text(seam, 2) == "flow 2")
    }

    @Test("New ones drop those that have expired", arguments: Engine.allCases)
    func expiry(_ engine: Engine) throws {
        let seam = try Seam(engine)
        try seam.make("ann")
        for number in 0..<4 {
            let now = Seam.now.adding(milliseconds: Int64(number) * 1000)
            _ = try Self.add(seam, number, of: "ann", now: now).get()
        }
        let late = Seam.now.adding(milliseconds: Self.lifetime + 1000)
        _ = try Self.add(seam, 10, of: "ann", now: late).get()
        let texts = try (0..<4).map { try text(seam, $0) }
        #expect(texts == [nil, nil, "flow 2", "flow 3"])
        #expect(try take(seam, 0).code == .notFound)
    }

    @Test("There are so many at most, until some expire or are taken", arguments: Engine.allCases)
    func limit(_ engine: Engine) throws {
        let seam = try Seam(engine, isRoomy: true)
        try seam.make("ann")
        let perCommit = 50
        for first in stride(from: 0, to: StoreLimits.flowsMax, by: perCommit) {
            let ending = try seam.run { commit in
                for number in first..<first + perCommit {
                    try Self.change(seam, number, of: "ann", now: Seam.now, commit)
                }
            }
            _ = try ending.get()
        }
        let ending = try Self.add(seam, 100_000, of: "ann")
        guard case .failure(let error) = ending else {
            Issue.record("too many were added")
            return
        }
        #expect(error.code == .limitExceeded && error.number == StoreLimits.flowsMax)
        #expect(try text(seam, 100_000) == nil && text(seam, 9_999) == "flow 9999")
        _ = try take(seam, 5).get()
        #expect(try Self.add(seam, 100_000, of: "ann").code == nil)
        #expect(try Self.add(seam, 100_001, of: "ann").code == .limitExceeded)
        let late = Seam.now.adding(milliseconds: Self.lifetime)
        #expect(try Self.add(seam, 100_001, of: "ann", now: late).code == nil)
        #expect(try text(seam, 100_001) == "flow 100001")
    }
}
