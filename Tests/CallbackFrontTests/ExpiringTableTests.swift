// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import CallbackFront

@Suite struct ExpiringTableTests {
    private let start = ContinuousClock.now

    @Test func entriesEnd() {
        var table = ExpiringTable<Int, String>(countMax: 10, lifetime: .seconds(600))
        let inserted = table.insert("a", for: 1, now: start)
        #expect(inserted)
        #expect(table.peek(1, now: start + .seconds(599)) == "a")
        #expect(table.peek(1, now: start + .seconds(600)) == nil)
        let late = table.take(1, now: start + .seconds(600))
        #expect(late == nil)
    }

    @Test func oneCallerTakes() {
        var table = ExpiringTable<Int, String>(countMax: 10, lifetime: .seconds(600))
        _ = table.insert("a", for: 1, now: start)
        let (first, second) = (table.take(1, now: start), table.take(1, now: start))
        #expect(first == "a")
        #expect(second == nil)
    }

    @Test func isBounded() {
        var table = ExpiringTable<Int, Int>(countMax: 100, lifetime: .seconds(600))
        for key in 0..<100 {
            let fits = table.insert(key, for: key, now: start)
            #expect(fits)
        }
        let more = table.insert(100, for: 100, now: start + .seconds(1))
        #expect(!more)
        _ = table.take(50, now: start)
        let again = table.insert(101, for: 101, now: start + .seconds(1))
        #expect(again)
        let later = table.insert(102, for: 102, now: start + .seconds(600))
        #expect(later)
        #expect(table.count == 2)
    }

    @Test func forgetsWhatWasTaken() {
        var table = ExpiringTable<Int, Int>(countMax: 100, lifetime: .seconds(600))
        for key in 0..<100_000 {
            _ = table.insert(key, for: key, now: start)
            _ = table.take(key, now: start)
        }
        #expect(table.count == 0)
        #expect(table.keysHeld < 200)
    }
}
