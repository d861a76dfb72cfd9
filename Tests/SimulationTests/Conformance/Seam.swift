// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import TokenVault

/// The seam of a store of its own, as the verbs use it: what is committed and what is read.
final class Seam {
    typealias Ending = Result<Committed, VaultError>

    let engine: any TestedEngine
    var reading: any Reading { engine.reading }
    var committing: any Committing { engine.committing }

    static let now = UnixTime(milliseconds: 1_800_000_000_000)

    /// An empty store, open and verified.
    init(_ engine: Engine, isRoomy: Bool = false) throws {
        self.engine = try engine.make(isRoomy: isRoomy)
        try verify()
    }

    deinit { engine.end() }

    @discardableResult
    func verify() throws -> Verified {
        let verified = try reading.verify(atOpen: true) { _ in }
        committing.allow(verified)
        return verified
    }

    /// The next process.
    func restart(verifies: Bool = true) throws {
        engine.end()
        try engine.start()
        if verifies { try verify() }
    }

    func key(_ name: String) -> RecordKey { reading.key(.connection, name) }

    // MARK: Commits

    static func commit(_ build: (Commit) throws -> Void) rethrows -> Commit {
        let commit = Commit()
        try build(commit)
        return commit
    }

    /// Makes changes that belong together, and says how that ended.
    func run(_ build: (Commit) throws -> Void) throws -> Ending {
        try run([Self.commit(build)])[0]
    }

    /// Submits commits at once, so that an engine may make them in one transaction.
    func run(_ commits: [Commit]) throws -> [Ending] {
        let endings = Endings(commits)
        for commit in commits { committing.submit(commit) }
        engine.work { endings.areAll }
        return try endings.all()
    }

    /// What became of some commits.
    final class Endings: Sendable {
        private let results: Mutex<[[Ending]]>

        init(_ commits: [Commit]) {
            results = Mutex(Array(repeating: [], count: commits.count))
            for (index, commit) in commits.enumerated() {
                let completion = commit.completion
                commit.isPatient = index < commits.count - 1
                commit.completion = { [self] result in
                    results.withLock { $0[index].append(result) }
                    completion(result)
                }
            }
        }

        var areAll: Bool { results.withLock { $0.allSatisfy { !$0.isEmpty } } }

        func all() throws -> [Ending] {
            try results.withLock { results in
                try results.map { endings in
                    try #require(!endings.isEmpty, "a commit does not end")
                    try #require(endings.count == 1, "a completion runs once")
                    return endings[0]
                }
            }
        }
    }

    // MARK: Connections that hold one text

    static func record(_ text: String) throws(VaultError) -> ConnectionRecord {
        var record = try ConnectionRecord(id: ConnectionID("anna"), now: now)
        try record.fields.set(ConnectionTag.requestedScope, text: text)
        return record
    }

    /// A put that is not submitted yet.
    func putting(
        _ name: String, _ text: String = "x", _ expectation: Change.Expectation = .anything
    ) throws -> Commit {
        let commit = Commit()
        try addPut(name, text, expectation, to: commit)
        return commit
    }

    func addPut(
        _ name: String, _ text: String, _ expectation: Change.Expectation, to commit: Commit
    ) throws {
        let record = try Self.record(text)
        commit.add(.put(.connection, key(name), expectation), record.plaintext())
    }

    @discardableResult
    func put(
        _ name: String, _ text: String, _ expectation: Change.Expectation = .anything
    ) throws -> Ending {
        try run([putting(name, text, expectation)])[0]
    }

    /// Makes a connection, which there is none of, and returns its version.
    @discardableResult
    func make(_ name: String, _ text: String = "first") throws -> RecordVersion {
        _ = try put(name, text, .absent).get()
        return try version(name)
    }

    /// Writes `text` in a revision.
    static func revision(to text: String, makes: Bool = false) -> Revision {
        Revision(addedBytesMax: 200, new: makes ? newRecord : nil) {
            (record, _) throws(VaultError) in
            try record.fields.set(ConnectionTag.requestedScope, text: text)
            return .change
        }
    }

    /// What a revision begins with that makes one.
    static let newRecord: @Sendable () throws(VaultError) -> ConnectionRecord = {
        () throws(VaultError) in try record("new")
    }

    func revise(_ name: String, _ revision: Revision) throws -> Ending {
        try run { $0.add(.revise(key(name), revision)) }
    }

    /// The text of a connection; nil where there is none.
    func text(_ name: String) throws -> String? {
        guard let opened = try reading.open(key(name)) else { return nil }
        return opened.fields.text(ConnectionTag.requestedScope)
    }

    func version(_ name: String) throws -> RecordVersion {
        try #require(try reading.version(key(name)))
    }

    // MARK: The end of a connection

    @discardableResult
    func fence(_ name: String) throws -> Ending {
        try run { commit in
            commit.mayUseReserve = true
            commit.add(.fence(key(name)))
        }
    }

    @discardableResult
    func erase(_ name: String) throws -> Ending {
        try run { commit in
            commit.mayUseReserve = true
            commit.add(.erase(key(name)))
        }
    }

    func disconnect(_ name: String) throws {
        _ = try fence(name).get()
        _ = try erase(name).get()
    }
}

extension Result where Success == Committed, Failure == VaultError {
    /// Why nothing was committed; nil where it was.
    var code: VaultError.Code? {
        if case .failure(let error) = self { error.code } else { nil }
    }
}
