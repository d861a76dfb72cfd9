// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

@testable import TokenVault

/// Changes a closed vault behind its back, through LMDB's own calls or byte by byte.
struct Tampering {
    let home: TestVault

    private func environment() throws -> LMDB {
        try LMDB("\(home.path)/\(VaultDirectory.databaseName)", mapBytes: 1 << 30, creates: false)
    }

    func value(_ database: LMDB.Database, _ key: [UInt8]) throws -> [UInt8]? {
        let lmdb = try environment()
        let transaction = try lmdb.beginRead()
        guard let value = unsafe try transaction.get(database, key.span.bytes) else { return nil }
        return value.copied
    }

    /// Writes a value, or deletes the entry where it is nil.
    func set(_ database: LMDB.Database, _ key: [UInt8], _ value: [UInt8]?) throws {
        let lmdb = try environment()
        let transaction = try lmdb.beginWrite()
        if let value {
            unsafe try transaction.put(database, key.span.bytes, value.span.bytes)
        } else {
            unsafe try transaction.delete(database, key.span.bytes)
        }
        try transaction.commit()
    }

    func keys(_ database: LMDB.Database) throws -> [[UInt8]] {
        let lmdb = try environment()
        let transaction = try lmdb.beginRead()
        var keys: [[UInt8]] = []
        try transaction.scan(database) { (key, _) throws(VaultError) in
            keys.append(key.copied)
            return true
        }
        return keys
    }

    /// The database as it is, and the same put in its place again.
    func database() throws -> [UInt8] { try home.bytes(Self.databaseFile) }

    func replaceDatabase(_ bytes: [UInt8]) throws {
        Files.cut("\(home.path)/\(Self.databaseFile)", bytes.count)
        try home.overwrite(Self.databaseFile, at: 0, bytes)
    }

    static let databaseFile = "\(VaultDirectory.databaseName)/data.mdb"

    /// Changes every copy of a value that the database's file holds, in place, be the vault open or
    /// not. Returns how many there are.
    @discardableResult
    func change(_ value: [UInt8], to other: [UInt8]) throws -> Int {
        let bytes = try database()
        var count = 0
        for start in bytes.indices.dropLast(value.count - 1)
        where bytes[start] == value[0] && bytes[start..<start + value.count].elementsEqual(value) {
            try home.overwrite(Self.databaseFile, at: start, other)
            count += 1
        }
        return count
    }

    /// Changes one page of HEADER and makes its sum fit again.
    func changeHeader(page: Int, _ change: (inout [UInt8]) -> Void) throws {
        let start = page * Header.pageBytes
        var bytes = Array(try home.bytes("HEADER")[start..<start + Header.pageBytes])
        change(&bytes)
        let sum = unsafe RecordKey(hashing: bytes.span.bytes.extracting(0..<4064))
        bytes.replaceSubrange(4064..<4096, with: sum.bytes.copied)
        try home.overwrite("HEADER", at: start, bytes)
    }
}

/// What a test does to files; whoever fails is told by what comes after.
enum Files {
    static func mode(_ path: String, _ mode: mode_t) { _ = unsafe chmod(path, mode) }
    static func move(_ path: String, _ other: String) { _ = unsafe rename(path, other) }
    static func link(_ path: String, to target: String) { _ = unsafe symlink(target, path) }
    static func remove(_ path: String) { _ = unsafe unlink(path) }
    static func cut(_ path: String, _ byteCount: Int) { _ = unsafe truncate(path, byteCount) }
}

extension RawSpan {
    var copied: [UInt8] { (0..<byteCount).map { byte(at: $0) } }
}

/// A vault with a few connections, and how it answers after it was changed.
struct Exhibit {
    static let ids = ["ann", "bob", "cleo", "dan"]
    let home: TestVault
    let tampering: Tampering
    /// The LMDB key of each connection.
    private(set) var keys: [String: [UInt8]] = [:]
    private(set) var slots: [String: Int] = [:]

    init() async throws {
        home = try TestVault()
        try home.create()
        tampering = Tampering(home: home)
        let vault = try home.open()
        for name in Self.ids {
            try await Self.put(vault, name, "token of \(name)")
            let key = vault.store.key(.connection, name)
            keys[name] = key.bytes.copied
            let transaction = try vault.disk.beginRead()
            if let value = try transaction.get(.records, key.bytes) {
                slots[name] = Int(try SealedRecord.header(of: value).slot)
            }
        }
        vault.close()
    }

    static func put(_ vault: Vault, _ name: String, _ token: String) async throws {
        try await vault.put(
            ConnectionID(name), TokenSet(accessToken: Secret(text: token)))
    }

    /// Opens the vault, does something and closes it.
    func change(_ body: (Vault) async throws -> Void) async throws {
        let vault = try home.open()
        try await vault.ready()
        try await body(vault)
        vault.close()
    }

    func key(_ name: String) -> [UInt8] { keys[name] ?? [] }

    func slot(_ name: String) -> Int { slots[name] ?? 0 }

    /// The key of a disconnect that has begun.
    func fence(_ name: String) -> [UInt8] { [Fence.letter] + key(name) }

    /// Begins the disconnect of a connection in a process that dies then.
    func beginDisconnect(_ name: String) async throws {
        try await change { vault in
            let commit = Commit()
            commit.add(.fence(vault.store.key(.connection, name)))
            _ = try await vault.durable(commit)
        }
    }

    func record(_ name: String) throws -> [UInt8] {
        try tampering.value(.records, key(name)) ?? []
    }

    /// What `open` or `ready` says; nil where all is well.
    func verdict() async -> VaultError.Code? {
        await code {
            let vault = try home.open()
            defer { vault.close() }
            try await vault.ready()
        }
    }

    /// The same, and besides: who can still be read, and whether writes are refused.
    func findings() async throws -> (verdict: VaultError.Code?, readable: [String]) {
        let vault = try home.open { $0.readsUnverified = true }
        defer { vault.close() }
        let verdict = await code { try await vault.ready() }
        var readable: [String] = []
        for name in Self.ids where try await token(vault, name) == "token of \(name)" {
            readable.append(name)
        }
        if verdict != nil {
            let refusal = await code { try await Self.put(vault, "eve", "late") }
            guard refusal == verdict else { return (nil, readable) }
        }
        return (verdict, readable)
    }

    /// A token, or the code of the error.
    private func token(_ vault: Vault, _ name: String) async throws -> String {
        do {
            return try await vault.withAccessToken(ConnectionID(name)) { $0.exposed }
        } catch {
            return "\(error.code)"
        }
    }
}
