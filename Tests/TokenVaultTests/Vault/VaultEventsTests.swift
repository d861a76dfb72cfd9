// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Events by cursor: in order, none left out, and an end of the log that is told.
@Suite struct VaultEventsTests {
    private func tokens(_ expiry: UnixTime? = nil) throws -> TokenSet {
        TokenSet(accessToken: try Secret("access"), accessTokenExpiry: expiry)
    }

    /// Writes entries of a connection that is not there.
    private func write(_ vault: Vault, _ count: Int) async throws {
        try await vault.ready()
        let key = vault.store.key(.connection, "gone")
        for start in stride(from: 0, to: count, by: 1000) {
            let commit = Commit()
            for _ in start..<min(start + 1000, count) {
                commit.add(.event(EventEntry(time: vault.time.now(), key: key, kind: .connected)))
            }
            _ = try await vault.durable(commit)
        }
    }

    @Test func aCursorGoesOnWhereItStoppedAfterARestartToo() async throws {
        let test = try TestVault()
        try test.create()
        var vault = try test.open()
        #expect(try await vault.events(after: nil).events.isEmpty)
        #expect(try await vault.lastEvent().description == "0-0")
        for name in ["ann", "ben", "cid"] { try await vault.put(ConnectionID(name), tokens()) }
        let first = try await vault.events(after: nil, limit: 2)
        #expect(first.events.map(\.event.connection?.text) == ["ann", "ben"])
        #expect(first.hasMore && first.cursor == first.events.last?.cursor)
        vault.close()
        vault = try test.open()
        let kept = try EventCursor(first.cursor.description)
        let second = try await vault.events(after: kept)
        #expect(second.events.map(\.event.connection?.text) == ["cid"])
        #expect(second.events.map(\.event.kind) == [.tokensPut])
        #expect(!second.hasMore)
        #expect(try await vault.lastEvent() == second.cursor)
        // Nothing is newer: the same place.
        let third = try await vault.events(after: second.cursor)
        #expect(third.events.isEmpty && third.cursor == second.cursor)
        // The reference is the status's, and stays when the connection goes.
        let reference = try #require(try vault.status(ConnectionID("cid"))?.reference)
        #expect(second.events.map(\.reference) == [reference])
        #expect(reference.count == 64)
        try await vault.delete(ConnectionID("cid"))
        let fourth = try await vault.events(after: kept)
        #expect(fourth.events.map(\.event.kind) == [.tokensPut, .disconnectStarted, .disconnected])
        #expect(fourth.events.allSatisfy { $0.event.connection == nil })
        #expect(fourth.events.allSatisfy { $0.reference == reference })
        vault.close()
    }

    @Test func aCursorThatIsTooOldSaysSo() async throws {
        let test = try TestVault()
        try test.create()
        let vault = try test.open()
        try await write(vault, 3)
        let old = try await vault.events(after: nil, limit: 1).cursor
        let beginning = EventCursor.beginning
        // Until the very event behind it goes, it holds.
        try await write(vault, Int(StoreLimits.eventsMax) - 2)
        #expect(try await vault.events(after: old, limit: 1).events.count == 1)
        #expect(await code { _ = try await vault.events(after: beginning) } == .cursorExpired)
        try await write(vault, 1)
        #expect(try await vault.events(after: nil, limit: 1).events.count == 1)
        #expect(await code { _ = try await vault.events(after: old) } == .cursorExpired)
        vault.close()
    }

    @Test func aCursorOfAnotherHistoryIsRefused() async throws {
        let test = try TestVault()
        try test.create()
        let vault = try test.open()
        try await write(vault, 2)
        let last = try await vault.lastEvent()
        let ahead = EventCursor(number: last.number + 1, milliseconds: last.milliseconds)
        let other = EventCursor(number: last.number - 1, milliseconds: last.milliseconds - 99)
        for cursor in [ahead, other] {
            #expect(await code { _ = try await vault.events(after: cursor) } == .cursorExpired)
        }
        for text in ["", "1", "1-", "-1-1", "01-1", "1-1-1", "1--1", "x-1", " 1-1"] {
            #expect(await code { _ = try EventCursor(text) } == .invalidArgument, "\(text)")
        }
        vault.close()
    }

    @Test func aWaitEndsWithTheNextEventOrItsTime() async throws {
        let test = try TestVault()
        try test.create()
        let vault = try test.open()
        try await write(vault, 1)
        let cursor = try await vault.lastEvent()
        // At once where there is something.
        let now = try await vault.events(after: nil, wait: .seconds(60))
        #expect(now.events.count == 1)
        let waiting = Task { try await vault.events(after: cursor, wait: .seconds(60)) }
        try await Task.sleep(for: .milliseconds(50))
        try await vault.put(ConnectionID("ann"), tokens())
        let page = try await waiting.value
        #expect(page.events.map(\.event.connection?.text) == ["ann"])
        let empty = try await vault.events(after: page.cursor, wait: .milliseconds(30))
        #expect(empty.events.isEmpty && empty.cursor == page.cursor)
        let cancelled = Task { try await vault.events(after: page.cursor, wait: .seconds(60)) }
        cancelled.cancel()
        #expect(await code { _ = try await cancelled.value } == .cancelled)
        let closed = Task { try await vault.events(after: page.cursor, wait: .seconds(60)) }
        try await Task.sleep(for: .milliseconds(50))
        vault.close()
        #expect(await code { _ = try await closed.value } == .closed)
    }

    @Test func aWaitEndsAlthoughTheClockIsSetBack() async throws {
        let test = try TestVault()
        try test.create()
        let time = MovedTime()
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        let vault = try Vault.open(
            at: test.path, rootKey: .file(test.keyFile), settings: settings, time: time)
        let cursor = try await vault.lastEvent()
        let waiting = Task { try await vault.events(after: cursor, wait: .seconds(60)) }
        // What would wait for ever is told.
        let watch = Task {
            try await Task.sleep(for: .seconds(10))
            vault.close()
        }
        try await Task.sleep(for: .milliseconds(50))
        time.setBack(seconds: 5, vault)
        // Its timer ends before the time that was asked for has come, and is set again.
        for _ in 0..<2 {
            try await Task.sleep(for: .milliseconds(50))
            time.advance(seconds: 60, vault)
        }
        let page = try await waiting.value
        #expect(page.events.isEmpty && page.cursor == cursor)
        watch.cancel()
        vault.close()
    }

    @Test func manyWaitAtOnceAndHoldNoThread() async throws {
        let test = try TestVault()
        try test.create()
        let vault = try test.open()
        let cursor = try await vault.lastEvent()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<500 {
                group.addTask {
                    try await vault.events(after: cursor, wait: .seconds(60)).events.count
                }
            }
            try await Task.sleep(for: .milliseconds(50))
            try await write(vault, 1)
            for try await count in group { #expect(count == 1) }
        }
        vault.close()
    }

    @Test func anEndThatIsNearIsToldOnceForEachGrant() async throws {
        let test = try TestVault()
        try test.create()
        let time = MovedTime()
        var settings = Vault.Settings()
        settings.mapBytes = 1 << 30
        func open() throws -> Vault {
            try Vault.open(
                at: test.path, rootKey: .file(test.keyFile), settings: settings, time: time)
        }
        func soon(_ vault: Vault) async throws -> [String?] {
            try await vault.events(after: nil, limit: 1000).events
                .filter { $0.event.kind == .expiresSoon }.map(\.event.connection?.text)
        }
        func wait(_ vault: Vault, for count: Int) async throws {
            for _ in 0..<500 {
                if try await soon(vault).count >= count { return }
                try await Task.sleep(for: .milliseconds(10))
            }
        }
        let day: Int64 = 86_400_000
        var vault = try open()
        func put(_ name: String, days: Int64) async throws {
            try await vault.put(
                ConnectionID(name), tokens(time.now().adding(milliseconds: days * day)))
        }
        try await put("near", days: 3)
        try await put("far", days: 30)
        try await put("never", days: 3000)
        var run = Task { [vault] in try await vault.run() }
        // Nobody asked for events until now.
        try await Task.sleep(for: .milliseconds(50))
        #expect(try vault.status(ConnectionID("near"))?.generation == 1)
        _ = try await vault.events(after: nil)
        try await wait(vault, for: 1)
        #expect(try await soon(vault) == ["near"])
        // One that comes later is looked at at once.
        try await put("new", days: 1)
        try await wait(vault, for: 2)
        #expect(try await soon(vault) == ["near", "new"])
        // Not told again by the next process; the one that was far is near by then.
        run.cancel()
        _ = await run.result
        vault.close()
        vault = try open()
        run = Task { [vault] in try await vault.run() }
        _ = try await vault.events(after: nil)
        try await Task.sleep(for: .milliseconds(100))
        #expect(try await soon(vault) == ["near", "new"])
        time.advance(seconds: 25 * 86_400, vault)
        try await wait(vault, for: 3)
        #expect(try await soon(vault) == ["near", "new", "far"])
        let told = try await vault.events(after: nil, limit: 1000).events.last
        #expect(told.map { (4 * 86_400...5 * 86_400).contains($0.event.number) } ?? false)
        // Another grant is another matter.
        try await put("far", days: 2)
        try await wait(vault, for: 4)
        #expect(try await soon(vault) == ["near", "new", "far", "far"])
        run.cancel()
        _ = await run.result
        vault.close()
    }
}
