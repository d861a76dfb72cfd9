// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The limit of open flows: counted, refused to whoever is beyond it and to nobody else, and given
/// free by those that expire.
@Suite struct FlowLimitTests {
    static let start = UnixTime(seconds: 1_800_000_000)
    static let lifetime: Int64 = 600_000

    let home: TestVault
    let vault: Vault
    let connection: RecordKey

    init() async throws {
        home = try TestVault()
        try home.create()
        vault = try home.open()
        let id = try ConnectionID("anna")
        try await vault.put(id, TokenSet(accessToken: Secret(text: "token")))
        connection = vault.store.key(.connection, id.text)
    }

    static func key(_ number: Int) throws -> RecordKey {
        let text = try Secret(integer: UInt64(number))
        return RecordKey(hashing: text.bytes)
    }

    func flow(_ number: Int, now: UnixTime, lifetime: Int64 = lifetime) throws -> Commit {
        let commit = Commit()
        let expires = now.adding(milliseconds: lifetime)
        var fields = try Fields()
        try fields.set(FlowTag.expires, time: expires)
        let plaintext = try fields.secret.copy()
        commit.add(
            .addFlow(try Self.key(number), of: connection, now: now, expires: expires), plaintext)
        return commit
    }

    func add(
        _ number: Int, now: UnixTime, lifetime: Int64 = lifetime, to vault: Vault
    ) async throws {
        let commit = try flow(number, now: now, lifetime: lifetime)
        _ = try await vault.durable(commit)
    }

    /// Opens as many flows as there may be; the first ten expire first, a millisecond apart.
    func fill() async throws {
        for number in 0..<10 {
            try await add(
                number, now: Self.start.adding(milliseconds: Int64(number)), to: vault)
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 10..<StoreLimits.flowsMax {
                group.addTask {
                    try await add(
                        number, now: Self.start, lifetime: 6 * Self.lifetime, to: vault)
                }
            }
            try await group.waitForAll()
        }
    }

    func count(_ vault: Vault) throws -> Int {
        try #require(vault.store as? Store).beginRead().count(.flows)
    }

    /// How many transactions the database has seen, from its meta pages.
    func transactions() throws -> UInt64 {
        let bytes = try home.bytes("db/data.mdb")
        let span = bytes.span
        return [144, 4096 + 144].map { unsafe span.bytes.integer(at: $0) }.max() ?? 0
    }

    @Test func whoIsBeyondTheLimitIsRefusedAloneAndSpendsNobodysTime() async throws {
        try await fill()
        #expect(try count(vault) == StoreLimits.flowsMax)
        let now = Self.start
        let before = try transactions()
        // All but the last wait for company, and so come in few transactions.
        let results = Monitor<[Bool]>([])
        for number in 0..<200 {
            let isFlow = number % 2 == 0
            let commit = isFlow ? try flow(20_000 + number, now: now) : Commit()
            if !isFlow {
                commit.add(.event(EventEntry(time: now, key: connection, code: 1)))
            }
            commit.isPatient = number < 199
            commit.completion = { result in
                let isLimit: Bool
                switch result {
                case .success: isLimit = false
                case .failure(let error): isLimit = error.code == .limitExceeded
                }
                results.withLock { $0.append(isLimit == isFlow) }
                results.signal()
            }
            vault.committer.submit(commit)
        }
        let all = results.wait(until: { $0.count == 200 }, then: { $0 })
        #expect(all.allSatisfy { $0 })
        #expect(try count(vault) == StoreLimits.flowsMax)
        // A group that is given up goes on alone, one transaction each.
        #expect(try transactions() - before < 50)
    }

    @Test func oneThatTakesThePlaceOfAnotherIsNoMore() async throws {
        try await fill()
        let commit = Commit()
        commit.add(.takeFlow(try Self.key(20)))
        let other = try Fields()
        commit.add(
            .addFlow(
                try Self.key(30_000), of: connection, now: Self.start,
                expires: Self.start.adding(milliseconds: Self.lifetime)), try other.secret.copy())
        _ = try await vault.durable(commit)
        #expect(try count(vault) == StoreLimits.flowsMax)
    }

    @Test func thoseThatHaveExpiredLeaveByTheirOwnTime() async throws {
        try await fill()
        let refusal = await code { try await add(20_000, now: Self.start, to: vault) }
        #expect(refusal == .limitExceeded)
        // The first three have expired, and make room.
        let now = Self.start.adding(milliseconds: Self.lifetime + 2)
        try await add(20_000, now: now, to: vault)
        #expect(try count(vault) == StoreLimits.flowsMax - 2)
        for number in 0..<10 {
            let isThere = try vault.store.openFlow(Self.key(number)) != nil
            #expect(isThere == (number > 2))
        }
        // One that was taken is not counted among those that expire.
        let taken = Commit()
        taken.add(.takeFlow(try Self.key(3)))
        _ = try await vault.durable(taken)
        for number in 1...3 { try await add(20_000 + number, now: now, to: vault) }
        #expect(try count(vault) == StoreLimits.flowsMax)
        let again = await code { try await add(20_004, now: now, to: vault) }
        #expect(again == .limitExceeded)
    }

    @Test func theScanAtOpenKnowsWhenTheyExpire() async throws {
        try await fill()
        vault.close()
        let again = try home.open()
        try await again.ready()
        let refusal = await code { try await add(20_000, now: Self.start, to: again) }
        #expect(refusal == .limitExceeded)
        let late = Self.start.adding(milliseconds: 7 * Self.lifetime)
        try await add(20_000, now: late, to: again)
        // So many at a time, the oldest first.
        #expect(try count(again) == StoreLimits.flowsMax - Writer.droppedFlowsMax + 1)
        #expect(try again.store.openFlow(Self.key(7)) == nil)
        let ninth = try again.store.openFlow(Self.key(8)) != nil
        #expect(ninth)
        // Of a connection that is gone they expire at once.
        _ = try await again.delete(ConnectionID("anna"))
        again.close()
        let last = try home.open()
        try await last.put(ConnectionID("anna"), TokenSet(accessToken: Secret(text: "token")))
        let before = try count(last)
        try await add(30_000, now: Self.start, to: last)
        #expect(try count(last) == before - Writer.droppedFlowsMax + 1)
    }
}

/// When flows expire, without the flows.
@Suite struct FlowScheduleTests {
    @Test func givesThoseThatHaveExpiredOnceInTheirOrder() throws {
        var schedule = FlowSchedule()
        var random = SeededRandom(variable: "FLOW_SEED")
        var expected: [Int: UnixTime] = [:]
        var next = 0
        for moment in 0..<2000 {
            let now = UnixTime(seconds: Int64(moment))
            for _ in 0..<random.below(5) {
                let expires = now.adding(milliseconds: Int64(random.below(100_000)))
                schedule.add(try FlowLimitTests.key(next), expires: expires)
                expected[next] = expires
                next += 1
            }
            if random.chance(70), let taken = expected.keys.min() {
                schedule.remove(try FlowLimitTests.key(taken))
                expected[taken] = nil
            }
            let due = try Set(
                expected.filter { $0.value <= now }.keys.map(FlowLimitTests.key))
            #expect(schedule.hasExpired(now) == !due.isEmpty)
            var popped: Set<RecordKey> = []
            while let key = schedule.popExpired(now) {
                #expect(popped.insert(key).inserted, "twice; seed \(random.seed)")
            }
            #expect(popped == due, "seed \(random.seed)")
            expected = expected.filter { $0.value > now }
        }
    }
}
