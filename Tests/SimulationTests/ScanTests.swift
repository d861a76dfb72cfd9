// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

/// What happens while the scan at open goes through an older snapshot: reads are served, and what
/// was written since is believed.
@Suite("While the scan runs") struct ScanTests {
    /// The scan comes by in this order. Everything happens when it has read the third.
    static let connectionCount = 5
    static let (before, place, behind) = (1, 2, 3)
    static let touched = [before, behind]

    /// Opens a vault whose connections expire in so many milliseconds, with that happening.
    func rig(
        expiringIn milliseconds: Int64, meanwhile: @escaping (Rig) throws -> Void
    ) throws -> Rig {
        try rig(.populated(Self.connectionCount, expiringIn: milliseconds), meanwhile: meanwhile)
    }

    /// The same with a disk that is there.
    func rig(_ disk: Disk, meanwhile: @escaping (Rig) throws -> Void) throws -> Rig {
        var happened = 0
        let rig = try Rig(disk) { rig, key in
            guard key == Disk.key(Self.place) else { return }
            happened += 1
            let ready = try rig.call { try await $0.ready() }
            try meanwhile(rig)
            #expect(!ready.isDone)
        }
        #expect(happened == 1)
        let ready = try rig.call { try await $0.ready() }
        #expect(ready.isDone && ready.code == nil)
        return rig
    }

    func slot(_ rig: Rig, _ connection: Int) throws -> UInt32 {
        try #require(rig.disk.contents.records[Disk.key(connection)]?.slot)
    }

    func deadline(_ rig: Rig, _ connection: Int) throws -> UnixTime? {
        try rig.vault.refresher.deadline(slot: slot(rig, connection))
    }

    func scheduledCount(_ rig: Rig) -> Int {
        rig.vault.refresher.shared.withLock { $0.upkeep.scheduledCount }
    }

    /// Refreshes all that is due, for half an hour, and tells whose requests went out.
    func requests(_ rig: Rig) throws -> [Int] {
        try rig.start()
        for _ in 0..<30 {
            try rig.flush()
            for held in rig.network.open { try rig.answerWithTokens(held.connection) }
            try rig.advance(milliseconds: 60_000)
        }
        return rig.network.all.map(\.connection)
    }

    @Test("A pair that is stored wins over the older one, whichever the scan has seen")
    func put() throws {
        var planned: [UnixTime?] = []
        let rig = try rig(expiringIn: 600_000) { rig in
            let expiry = UnixTime(milliseconds: rig.clock.now + 7_200_000)
            for connection in Self.touched {
                let put = try rig.call { vault in
                    try await vault.put(
                        Disk.id(connection),
                        TokenSet(
                            accessToken: Secret(text: "a\(connection).7"),
                            refreshToken: Secret(text: "r\(connection).7"),
                            accessTokenExpiry: expiry))
                }
                try rig.flush()
                #expect(put.isDone && put.code == nil)
                try planned.append(deadline(rig, connection))
            }
        }
        #expect(try Self.touched.map { try deadline(rig, $0) } == planned)
        #expect(scheduledCount(rig) == Self.connectionCount)
        #expect(Set(try requests(rig)) == [0, Self.place, 4])
    }

    @Test(
        "A connection that ends is not scheduled, be it only fenced or erased when the scan comes",
        arguments: [false, true])
    func disconnect(_ isErased: Bool) throws {
        var ends: [Errand] = []
        let rig = try rig(expiringIn: 600_000) { rig in
            ends = try Self.touched.map { connection in
                try rig.call { _ = try await $0.disconnect(Disk.id(connection)) }
            }
            if isErased { try rig.flush() } else { rig.flushOnce() }
            #expect(ends.allSatisfy { $0.isDone == isErased })
            #expect(rig.disk.contents.fenced.isEmpty == isErased)
        }
        #expect(scheduledCount(rig) == Self.connectionCount - Self.touched.count)
        try rig.flush()
        #expect(ends.allSatisfy { $0.isDone && $0.code == nil })
        #expect(Self.touched.allSatisfy { rig.disk.contents.records[Disk.key($0)] == nil })
        #expect(Set(try requests(rig)) == [0, Self.place, 4])
    }

    @Test("A token that is fresh is lent at once")
    func freshRead() throws {
        _ = try rig(expiringIn: 600_000) { rig in
            for connection in Self.touched {
                let reader = try rig.call { vault in
                    try await vault.withAccessToken(Disk.id(connection)) {
                        #expect(TokenText($0) == TokenText(.access, connection, 1))
                    }
                }
                #expect(reader.isDone && reader.code == nil)
            }
            #expect(rig.network.all.isEmpty)
        }
    }

    enum Answer: CaseIterable {
        case duringTheScan, afterTheScan
    }

    @Test("A token that has expired is refreshed for its reader, once", arguments: Answer.allCases)
    func staleRead(_ answer: Answer) throws {
        var readers: [Errand] = []
        func answerAll(_ rig: Rig) throws {
            for connection in Self.touched { try rig.answerWithTokens(connection) }
            try rig.flush()
            #expect(readers.allSatisfy { $0.isDone && $0.code == nil })
        }
        let rig = try rig(expiringIn: -1000) { rig in
            readers = try Self.touched.map { connection in
                try rig.call { vault in
                    try await vault.withAccessToken(Disk.id(connection)) {
                        #expect(TokenText($0) == TokenText(.access, connection, 2))
                    }
                }
            }
            try rig.flush()
            #expect(rig.network.open.map(\.connection) == Self.touched)
            if answer == .duringTheScan { try answerAll(rig) }
        }
        if answer == .afterTheScan { try answerAll(rig) }
        #expect(try requests(rig).filter(Self.touched.contains) == Self.touched)
        #expect(rig.network.all.count == Self.connectionCount)
    }

    @Test("What a refresh met meanwhile is not forgotten", arguments: Self.touched)
    func delayed(_ connection: Int) throws {
        var planned: UnixTime?
        let rig = try rig(expiringIn: -1000) { rig in
            _ = try rig.call { try await $0.refresh(Disk.id(connection)) }
            try rig.flush()
            try rig.answer(connection, TransportReply(status: 500, body: nil))
            try rig.flush()
            planned = try deadline(rig, connection)
            #expect(planned != nil && planned != UnixTime(milliseconds: rig.clock.now))
        }
        #expect(try deadline(rig, connection) == planned)
    }

    @Test("One in doubt that is asked for already is not asked for again")
    func doubt() throws {
        let disk = try Disk.populated(Self.connectionCount, expiringIn: 7_200_000)
        try disk.changeProvider { $0.rotation = .never }
        do {
            let rig = try Rig(disk)
            _ = try rig.call { try await $0.refresh(Disk.id(Self.behind)) }
            try rig.flush()
            try rig.answer(Self.behind, TransportReply(failure: .deadlineExceeded))
            try rig.flush()
            rig.store.die()
        }
        #expect(disk.doubts.map(\.attempt.key) == [Disk.key(Self.behind)])
        let rig = try rig(disk) { rig in
            _ = try rig.call { try await $0.refresh(Disk.id(Self.behind)) }
            try rig.flush()
            #expect(rig.network.open.map(\.connection) == [Self.behind])
        }
        try rig.answerWithTokens(Self.behind)
        try rig.flush()
        #expect(try requests(rig).filter { $0 == Self.behind }.count == 1)
        #expect(disk.doubts.isEmpty)
    }

    /// A disk with a connection that says that it is being disconnected, and whose fence is lost.
    func diskWithoutFence() throws -> Disk {
        let disk = try Disk.populated(Self.connectionCount, expiringIn: 7_200_000)
        let rig = try Rig(disk)
        _ = try rig.call { _ = try await $0.disconnect(Disk.id(Self.place)) }
        rig.flushOnce()
        rig.store.die()
        #expect(disk.contents.fenced.remove(Disk.key(Self.place)) != nil)
        return disk
    }

    @Test("A disconnect whose fence is lost is finished")
    func lostFence() throws {
        let rig = try rig(diskWithoutFence()) { _ in }
        try rig.flush()
        #expect(rig.disk.contents.records[Disk.key(Self.place)] == nil)
        #expect(rig.disk.contents.records.count == Self.connectionCount)
    }

    @Test("What was disconnected and stored anew since the scan read it is not erased")
    func storedAnew() throws {
        let rig = try rig(diskWithoutFence()) { rig in
            let end = try rig.call { _ = try await $0.disconnect(Disk.id(Self.place)) }
            try rig.flush()
            #expect(end.isDone && end.code == nil)
            let put = try rig.call { vault in
                try await vault.put(
                    Disk.id(Self.place), TokenSet(accessToken: Secret(text: "a2.7")))
            }
            try rig.flush()
            #expect(put.isDone && put.code == nil)
        }
        try rig.flush()
        #expect(rig.disk.contents.records[Disk.key(Self.place)] != nil)
        #expect(rig.disk.contents.records.count == Self.connectionCount + 1)
    }

    @Test("A moment without a free slot is no damage: the scan begins anew")
    func anew() throws {
        let rig = try Rig(
            .populated(3), scanErrors: [VaultError(.tooManySecrets, .store)])
        let ready = try rig.call { try await $0.ready() }
        #expect(ready.isDone && ready.code == nil)
        #expect(scheduledCount(rig) == 3)
        let disconnect = try rig.call { _ = try await $0.disconnect(Disk.id(0)) }
        try rig.flush()
        #expect(disconnect.isDone && disconnect.code == nil)
    }

    @Test("A store that does not match its MAC takes no change")
    func damaged() throws {
        let rig = try Rig(.populated(3), scanErrors: [VaultError(.integrityFailed, .store)])
        let ready = try rig.call { try await $0.ready() }
        #expect(ready.code == .integrityFailed)
        let disconnect = try rig.call { _ = try await $0.disconnect(Disk.id(0)) }
        try rig.flush()
        #expect(disconnect.code == .integrityFailed)
    }

    @Test(
        "One in doubt that was asked for during the scan, and put off, is not asked again at once")
    func doubtPutOff() throws {
        let disk = try Disk.populated(Self.connectionCount, expiringIn: 3_600_000)
        try disk.changeProvider { $0.rotation = .never }
        do {
            let rig = try Rig(disk)
            _ = try rig.call { try await $0.refresh(Disk.id(1)) }
            try rig.flush()
            rig.store.die()
        }
        #expect(disk.doubts.count == 1)
        let rig = try rig(disk) { rig in
            let caller = try rig.call { try await $0.refresh(Disk.id(1)) }
            try rig.flush()
            try rig.answer(1, TransportReply(status: 403, body: nil))
            try rig.flush()
            #expect(caller.isDone)
        }
        #expect(disk.count(.attemptInDoubt) == 0)
        try rig.start()
        try rig.flush()
        #expect(rig.network.open.isEmpty)
        #expect(try rig.untilNext(1) >= RefreshPolicy.refusedMilliseconds)
    }
}
