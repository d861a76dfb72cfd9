// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

@testable import TokenVault

/// A closed vault of 31 records, on small pages and on large ones, that somebody damages who has
/// its files and not its key.
struct Wreck {
    static let small = (0..<26).map { "customer \($0)" }
    /// Their records lie on pages of their own.
    static let large = ["large 1", "large 2", "largest"]
    static let application = "practice"
    /// Has another version of its record before the last one.
    static let renewed = "renewed"

    let home: TestVault
    private(set) var tokens: [String: String] = [:]
    private(set) var records: [String: [UInt8]] = [:]
    private(set) var keys: [String: [UInt8]] = [:]
    private(set) var slots: [String: Int] = [:]
    /// What the renewed connection's record and ROOT were before, and its token then.
    private(set) var earlier: (record: [UInt8], root: [UInt8], token: String) = ([], [], "")
    /// The record of a connection that was disconnected.
    private(set) var gone: [UInt8] = []
    private(set) var goneKey: [UInt8] = []

    init() async throws {
        home = try TestVault()
        try home.create()
        let vault = try home.open()
        let application = try ApplicationID(Self.application)
        let provider = Provider(
            name: "practice", authorizationEndpoint: "http://127.0.0.1:1/authorize",
            tokenEndpoint: "http://127.0.0.1:1/token")
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: "client-1",
                clientSecret: Secret(text: "the client's secret"),
                redirectURI: "https://platform.example/callback", scopes: ["read"]))
        try await put(vault, Self.renewed, 20)
        try await put(vault, "gone", 20)
        for id in Self.small { try await put(vault, id, 20) }
        try await put(vault, "large 1", 3000)
        try await put(vault, "large 2", 6000)
        try await put(vault, "largest", 16_000)
        gone = try note(vault, "gone")
        goneKey = keys["gone"] ?? []
        earlier.record = try note(vault, Self.renewed)
        earlier.root = try Self.value(vault, .meta, Array("ROOT".utf8))
        earlier.token = tokens[Self.renewed] ?? ""
        try await put(vault, Self.renewed, 20)
        try await vault.disconnect(ConnectionID("gone"))
        tokens["gone"] = nil
        for id in tokens.keys { records[id] = try note(vault, id) }
        records[Self.application] = try note(vault, Self.application)
        vault.close()
    }

    private mutating func put(_ vault: Vault, _ id: String, _ length: Int) async throws {
        let token = Marker.text(length)
        tokens[id] = token
        try await vault.put(
            ConnectionID(id),
            TokenSet(
                accessToken: Secret(text: token), refreshToken: Secret(text: Marker.text(40))),
            application: ApplicationID(Self.application))
    }

    /// Notes where a record lies, and returns it.
    private mutating func note(_ vault: Vault, _ id: String) throws -> [UInt8] {
        let kind: SealedRecord.Kind = id == Self.application ? .application : .connection
        let key = vault.store.key(kind, id)
        let bytes = key.bytes
        keys[id] = (0..<bytes.byteCount).map { bytes.byte(at: $0) }
        let record = try Self.value(vault, .records, keys[id] ?? [])
        slots[id] = Int(record[8]) | Int(record[9]) << 8
        return record
    }

    private static func value(
        _ vault: Vault, _ database: LMDB.Database, _ key: [UInt8]
    ) throws -> [UInt8] {
        guard let transaction = try (vault.store as? Store)?.beginRead() else { return [] }
        guard let value = unsafe try transaction.get(database, key.span.bytes) else { return [] }
        return (0..<value.byteCount).map { value.byte(at: $0) }
    }

    static let database = "db/data.mdb"

    /// Changes entries through LMDB, as a hand that knows no key can.
    func edit(_ database: LMDB.Database, _ entries: [(key: [UInt8], value: [UInt8]?)]) throws {
        let lmdb = try LMDB("\(home.path)/db", mapBytes: 1 << 30, creates: false)
        let transaction = try lmdb.beginWrite()
        for (key, value) in entries {
            if let value {
                unsafe try transaction.put(database, key.span.bytes, value.span.bytes)
            } else {
                unsafe try transaction.delete(database, key.span.bytes)
            }
        }
        try transaction.commit()
    }

    /// Flips a bit of a record in every whole copy that the file holds. What a page that was used
    /// again still has of an older copy is left alone: its bytes go on in what stands there now.
    func flip(_ id: String, _ offset: Int) throws {
        let bytes = Data(try home.bytes(Self.database))
        let record = Data(records[id] ?? [])
        var rest = bytes.startIndex..<bytes.endIndex
        while let found = bytes.range(of: record, in: rest) {
            try home.flip(Self.database, at: found.lowerBound + offset)
            rest = found.upperBound..<bytes.endIndex
        }
    }

    func slot(_ id: String) throws -> [UInt8] {
        let start = (slots[id] ?? 0) * KeySlots.slotBytes
        return Array(try home.bytes("SLOTS")[start..<start + KeySlots.slotBytes])
    }

    func setSlot(_ id: String, _ bytes: [UInt8]) throws {
        try home.overwrite("SLOTS", at: (slots[id] ?? 0) * KeySlots.slotBytes, bytes)
    }

    func cut(_ name: String, _ byteCount: Int) {
        _ = unsafe truncate("\(home.path)/\(name)", byteCount)
    }

    /// The pages that hold a record, or held it and were left.
    func leaves(of id: String) throws -> Set<Int> {
        let bytes = Data(try home.bytes(Self.database))
        let nonce = Data(records[id] ?? [])[24..<48]
        var leaves: Set<Int> = []
        var rest = bytes.startIndex..<bytes.endIndex
        while let found = bytes.range(of: nonce, in: rest) {
            leaves.insert(found.lowerBound / LMDB.pageBytes)
            rest = found.upperBound..<bytes.endIndex
        }
        return leaves
    }

    /// Which of the two first pages has the state that counts.
    func newestMeta() throws -> Int {
        let bytes = try home.bytes(Self.database)
        func transaction(_ page: Int) -> UInt64 {
            unsafe bytes.span.bytes.integer(at: page * LMDB.pageBytes + 144)
        }
        return transaction(1) > transaction(0) ? 1 : 0
    }

    /// Every file and its bytes.
    func files() throws -> [String: Data] {
        var files: [String: Data] = [:]
        for name in try FileManager.default.subpathsOfDirectory(atPath: home.path) {
            files[name] = FileManager.default.contents(atPath: "\(home.path)/\(name)")
        }
        return files
    }
}
