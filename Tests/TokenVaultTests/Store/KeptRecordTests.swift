// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TokenVault

/// A record that is kept open for the answer of its refresh: used for the version it was opened
/// from, once, and never with the tokens in it.
@Suite struct KeptRecordTests {
    let home: TestVault
    let store: Store
    let committer: Committer
    let key = unsafe RecordKey(hashing: "anna".utf8Span.span.bytes)

    init() throws {
        home = try TestVault()
        try FileManager.default.createDirectory(
            atPath: home.path + "/" + VaultDirectory.databaseName,
            withIntermediateDirectories: true)
        let keyring = try Keyring.create(home.path, rootKey: .key(Secret(random: 32)))
        try Store.create(home.path, keyring)
        (store, committer) = try Store.open(home.path, keyring, mapBytes: 64 << 20)
        committer.allow(try store.verify(atOpen: true) { _ in })
        try put("first", scope: "read", .absent)
    }

    /// Stores a connection with tokens `text`-access and `text`-refresh.
    func put(_ text: String, scope: String, _ expectation: Change.Expectation) throws {
        var record = try ConnectionRecord(
            id: ConnectionID("anna"), now: UnixTime(milliseconds: 1000))
        try adopt(text, &record)
        try record.fields.set(ConnectionTag.requestedScope, text: scope)
        let commit = Commit()
        commit.add(.put(.connection, key, expectation), record.plaintext())
        _ = try run(commit)
    }

    func adopt(_ text: String, _ record: inout ConnectionRecord) throws(VaultError) {
        let access = try (text + "-access").secret()
        let refresh = try text.secret()
        try record.adopt(
            accessToken: access.bytes, refreshToken: refresh.bytes, ConnectionRecord.Terms(),
            requestStart: UnixTime(milliseconds: 2000))
    }

    func run(_ commit: Commit) throws -> Committed {
        let outcome = Mutex<Result<Committed, VaultError>?>(nil)
        let done = DispatchSemaphore(value: 0)
        commit.completion = { result in
            outcome.withLock { $0 = result }
            done.signal()
        }
        committer.submit(commit)
        done.wait()
        return try #require(outcome.withLock { $0 }).get()
    }

    /// Keeps the record as it is, but with another scope: whoever finds that has used it.
    func keep(marked scope: String) throws -> KeptRecord {
        var opened = try open()
        try opened.fields.set(ConnectionTag.requestedScope, text: scope)
        guard let kept = KeptRecord(&opened) else { throw VaultError(.tooManySecrets, .store) }
        return kept
    }

    /// New tokens; says which scope the edit found.
    func refresh(_ text: String, _ kept: KeptRecord?) throws -> String? {
        let found = Mutex<String?>(nil)
        let commit = Commit()
        commit.add(
            .revise(
                key,
                Revision(addedBytesMax: 100, kept: kept) { (record, _) throws(VaultError) in
                    found.withLock { $0 = record.requestedScope }
                    try adopt(text, &record)
                    return .change
                }))
        #expect(try run(commit).fate == .changed)
        return found.withLock { $0 }
    }

    func open() throws(VaultError) -> Opened {
        guard let opened = try store.open(key) else { throw VaultError(.notFound, .store) }
        return opened
    }

    func accessToken() throws -> String? { try open().fields.text(ConnectionTag.accessToken) }

    /// Takes what was kept, for the value that is there now or for one with another tag; says its
    /// scope, and whether it has a token.
    func take(_ kept: KeptRecord, isOther: Bool = false) throws -> (scope: String?, hasToken: Bool)?
    {
        let transaction = try store.beginRead()
        guard let value = try transaction.get(.records, key.bytes) else { return nil }
        let header = try SealedRecord.header(of: value)
        let other = [UInt8](repeating: 0, count: value.byteCount)
        let taken = unsafe kept.take(header, isOther ? other.span.bytes : value)
        guard let content = taken else { return nil }
        let fields = ConnectionRecord(fields: try content.fields.copy())
        return (fields.requestedScope, fields.hasAccessToken || fields.hasRefreshToken)
    }

    @Test func sparesTheOpening() throws {
        let kept = try keep(marked: "kept")
        #expect(try refresh("second", kept) == "kept")
        #expect(try accessToken() == "second-access")
        let record = ConnectionRecord(fields: try open().takeFields())
        let refreshToken = record.fields.text(ConnectionTag.refreshToken)
        #expect(refreshToken == "second")
        let (id, state) = (record.id?.text, record.state)
        #expect(id == "anna" && state == .active)
        // What was sealed opens after a restart too, and is in the store MAC.
        committer.close()
        #expect(try store.verify(atOpen: false) { _ in }.recordCount == 1)
    }

    @Test func isGoodForOneVersionAndOnce() throws {
        let kept = try keep(marked: "kept")
        try put("other", scope: "write", .anything)
        #expect(try refresh("second", kept) == "write")
        let next = try keep(marked: "next")
        #expect(try refresh("third", next) == "next")
        #expect(try refresh("fourth", next) == "next", "what the edit left, not what was kept")
        #expect(try accessToken() == "fourth-access")
        committer.close()
    }

    @Test func leavesLongBlocksToAnswers() throws {
        for (scopeBytes, isKept) in [(300, true), (700, false)] {
            var opened = try open()
            let scope = String(repeating: "s", count: scopeBytes)
            try opened.fields.set(ConnectionTag.requestedScope, text: scope)
            #expect((KeptRecord(&opened) != nil) == isKept)
        }
        committer.close()
    }

    @Test func holdsNoTokenAndIsGoneWhenWiped() throws {
        let kept = try keep(marked: "kept")
        #expect(try take(kept, isOther: true) == nil)
        let content = try #require(try take(kept))
        #expect(content.scope == "kept" && !content.hasToken)
        #expect(try take(kept) == nil, "twice")
        let wiped = try keep(marked: "kept")
        wiped.wipe()
        #expect(try take(wiped) == nil)
        committer.close()
    }
}
