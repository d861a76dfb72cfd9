// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// What `ThreatModel` says of somebody who has the disk and looks more than once: a separate
/// program that knows no key, and the reader that knows the root key.
@Suite struct ObserverTests {
    /// What stands in the clear.
    struct Look: Decodable {
        struct Record: Decodable, Hashable {
            let type: String
            let bytes: Int
            let slot: UInt32
            let term: UInt32
            let generation: UInt64
        }

        struct Slot: Decodable {
            let record: String
            let generation: UInt64
        }

        let records: [String: Record]
        let fences: [String]
        let batches: [UInt64]
        let flows: Int
        let events: [UInt64]
        let slots: [String: Slot]
    }

    /// What the reader says who has the root key.
    struct Report: Decodable {
        struct Event: Decodable {
            let record: String?
            let event: String?
        }

        let intact: Bool
        let records: [String: String]
        let events: [Event]

        private enum Key: String, CodingKey { case intact, records, events }
        private struct Record: Decodable {
            let id: String
            let key: String
        }

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: Key.self)
            intact = try values.decode(Bool.self, forKey: .intact)
            events = try values.decode([Event].self, forKey: .events)
            let all = try values.decode([Record].self, forKey: .records)
            records = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0.key) })
        }
    }

    /// Long enough to be found nowhere by chance.
    private static let ids = ["ann", "bob", "cleo"].map { "customer-\($0)-of-the-platform" }
    private static let words = [
        "a-provider-nobody-else-has", "client-of-the-platform", "scope.of.the.platform",
        "provider.example",
    ]

    private func look(_ home: TestVault) async throws -> Look {
        try await Tool.run("disk_observer.py", [home.path]).decoded()
    }

    private func read(_ home: TestVault) async throws -> Report {
        try await Tool.run("vault_reader.py", [home.path, "--root-key-file", home.keyFile])
            .decoded()
    }

    /// Opens the vault, does something and closes it.
    private func change(
        _ home: TestVault, _ body: (Vault) async throws -> Void
    ) async throws {
        let vault = try home.open()
        defer { vault.close() }
        try await vault.ready()
        try await body(vault)
    }

    private func put(_ vault: Vault, _ id: String, _ token: String) async throws {
        try await vault.put(
            ConnectionID(id),
            TokenSet(
                accessToken: Secret(text: token), refreshToken: Secret(text: Marker.text(40)),
                accessTokenExpiry: UnixTime(seconds: 1_900_000_000)),
            application: ApplicationID("the-application"))
    }

    private func begun() async throws -> (home: TestVault, keys: [String], tokens: [String]) {
        let home = try TestVault()
        try home.create()
        let tokens = Self.ids.map { _ in Marker.text(40) }
        var keys: [String] = []
        try await change(home) { vault in
            let url = "https://\(Self.words[3])/token"
            let provider = Provider(
                name: Self.words[0], authorizationEndpoint: url, tokenEndpoint: url)
            try await vault.put(
                Application(
                    id: ApplicationID("the-application"), provider: provider,
                    clientID: Self.words[1], clientSecret: Secret(text: Marker.text(40)),
                    redirectURI: url, scopes: [Self.words[2]]))
            for (id, token) in zip(Self.ids, tokens) { try await put(vault, id, token) }
            keys = Self.ids.map { hex(vault.store.key(.connection, $0)) }
        }
        return (home, keys, tokens)
    }

    private func hex(_ key: RecordKey) -> String {
        let bytes = key.bytes
        return (0..<bytes.byteCount).map { index in
            let text = String(bytes.byte(at: index), radix: 16)
            return text.count < 2 ? "0" + text : text
        }.joined()
    }

    @Test func whoLooksOnceLearnsKindsSizesAndNumbers() async throws {
        let (home, keys, tokens) = try await begun()
        try await change(home) { vault in
            _ = try await vault.connect(
                ConnectionID(Self.ids[2]), application: ApplicationID("the-application"))
            let commit = Commit()
            let attempt = AttemptRecord(
                key: vault.store.key(.connection, Self.ids[2]), generation: 1)
            commit.add(.beginBatch([attempt], SystemTime().now()))
            commit.add(.fence(vault.store.key(.connection, Self.ids[1])))
            _ = try await vault.durable(commit)
        }
        let seen = try await look(home)
        #expect(Set(keys).isSubset(of: Set(seen.records.keys)))
        let kinds = seen.records.values.map(\.type).sorted()
        #expect(kinds == ["application", "connection", "connection", "connection"])
        for (key, record) in seen.records {
            #expect(SealedRecord.buckets.contains(record.bytes) && record.term == 1)
            #expect(seen.slots["\(record.slot)"]?.record == key)
        }
        // Who is being disconnected, how much is under way, and how much happened.
        #expect(seen.fences == [keys[1]])
        #expect(seen.batches.count == 1 && seen.flows == 1)
        #expect(seen.events == Array(1...UInt64(seen.events.count)) && !seen.events.isEmpty)
        // And nothing that is a name, a secret or an address, in any byte of any file.
        for name in try FileManager.default.subpathsOfDirectory(atPath: home.path) {
            let content = FileManager.default.contents(atPath: "\(home.path)/\(name)") ?? Data()
            for word in Self.ids + Self.words + tokens {
                #expect(content.range(of: Data(word.utf8)) == nil, "\(name)")
            }
        }
    }

    @Test func whoLooksAgainLearnsWhoChangedInAllItsLives() async throws {
        let (home, keys, _) = try await begun()
        let first = try await look(home)
        try await change(home) { try await put($0, Self.ids[0], Marker.text(40)) }
        let second = try await look(home)
        let changed = second.records.filter { first.records[$0.key] != $0.value }.map(\.key)
        #expect(changed == [keys[0]])
        #expect(second.events.count > first.events.count)

        try await change(home) { try await $0.disconnect(ConnectionID(Self.ids[0])) }
        let third = try await look(home)
        #expect(Set(third.records.keys) == Set(first.records.keys).subtracting([keys[0]]))
        let slot = try #require(first.records[keys[0]]).slot
        #expect(third.slots["\(slot)"] == nil)

        try await change(home) { try await put($0, Self.ids[0], Marker.text(40)) }
        let fourth = try await look(home)
        let (old, new) = (second.records[keys[0]], fourth.records[keys[0]])
        #expect(try #require(new).generation > #require(old).generation)
        let others = fourth.records.filter { $0.key != keys[0] }
        #expect(others == second.records.filter { $0.key != keys[0] })
    }

    @Test func eventsOutliveTheirConnection() async throws {
        let (home, keys, _) = try await begun()
        try await change(home) { try await $0.disconnect(ConnectionID(Self.ids[0])) }
        let report = try await read(home)
        #expect(report.intact && report.records[Self.ids[0]] == nil)
        let events = report.events.filter { $0.record == keys[0] }.map(\.event)
        #expect(events == ["tokens put", "disconnect started", "disconnected"])
        // Whoever guesses the id can ask.
        #expect(report.records[Self.ids[1]] == keys[1])
    }

    @Test func aDatabaseThatIsPutBackBetweenRefreshesGoesUnnoticed() async throws {
        let (home, _, tokens) = try await begun()
        let (database, slots) = (try home.bytes("db/data.mdb"), try home.bytes("SLOTS"))
        try await change(home) { try await put($0, Self.ids[0], Marker.text(40)) }
        #expect(try home.bytes("SLOTS") == slots)
        try replace(home, database)
        #expect(try await read(home).intact)
        try await change(home) { vault in
            // The old one, which the provider may have replaced.
            let lent = try await vault.withAccessToken(ConnectionID(Self.ids[0])) { $0.exposed }
            #expect(lent == tokens[0])
        }
        // Where a connection ended since, it is noticed.
        let before = try home.bytes("db/data.mdb")
        try await change(home) { try await $0.disconnect(ConnectionID(Self.ids[1])) }
        try replace(home, before)
        #expect(try await read(home).intact == false)
        #expect(await code { try await change(home) { _ in } } == .authenticationFailed)
    }

    private func replace(_ home: TestVault, _ database: [UInt8]) throws {
        _ = unsafe truncate("\(home.path)/db/data.mdb", database.count)
        try home.overwrite("db/data.mdb", at: 0, database)
    }
}
