// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// Entries of LMDB of any length and content: each is refused or passed over, and nothing traps.
@Suite struct DamagedEntryTests {
    static let databases: [LMDB.Database] = [.records, .meta, .flows, .events]

    /// One with something in all of its databases.
    func exhibit() async throws -> Exhibit {
        let exhibit = try await Exhibit()
        try await exhibit.change { vault in
            let url = "https://provider.example/token"
            let id = try ApplicationID("app")
            try await vault.put(
                Application(
                    id: id,
                    provider: Provider(
                        name: "p", authorizationEndpoint: url, tokenEndpoint: url),
                    clientID: "client", clientSecret: Secret(text: "secret"),
                    redirectURI: "https://platform.example/callback"))
            _ = try await vault.connect(ConnectionID("ann"), application: id)
            let commit = Commit()
            let attempt = AttemptRecord(key: vault.store.key(.connection, "ann"), generation: 1)
            commit.add(.beginBatch([attempt], UnixTime(seconds: 1)))
            _ = try await vault.durable(commit)
        }
        try await exhibit.beginDisconnect("dan")
        return exhibit
    }

    /// Opens the vault, waits and reads everything there is, as far as it goes.
    func readAll(_ exhibit: Exhibit) async throws {
        let vault: Vault
        do {
            vault = try exhibit.home.open { $0.readsUnverified = true }
        } catch is VaultError {
            return
        }
        defer { vault.close() }
        _ = await code { try await vault.ready() }
        _ = await code { _ = try vault.list() }
        _ = await code { _ = try vault.applications() }
        _ = await code { _ = try vault.audit() }
        for name in Exhibit.ids {
            let id = try ConnectionID(name)
            _ = await code { _ = try await vault.log(id) }
            _ = await code { _ = try vault.status(id) }
            _ = await code { _ = try vault.get(id) }
            let stored = vault.store.key(.connection, name)
            _ = await code { _ = try vault.store.version(stored) }
        }
    }

    @Test func nothingTrapsWhateverTheEntries() async throws {
        let exhibit = try await exhibit()
        let whole = try exhibit.tampering.database()
        var random = SeededRandom(variable: "CRASH_SEED")
        print("CRASH_SEED=\(random.seed)")
        for round in 0..<200 {
            let database = Self.databases[round % Self.databases.count]
            let keys = try exhibit.tampering.keys(database)
            for _ in 0...random.below(3) {
                var key = keys.isEmpty ? [1] : keys[random.below(keys.count)]
                var value = try exhibit.tampering.value(database, key) ?? []
                switch random.below(6) {
                case 0: key = (0...random.below(40)).map { _ in UInt8(random.below(256)) }
                case 1: key.removeLast(random.below(key.count))
                case 2: key += [UInt8](repeating: 0, count: 1 + random.below(400))
                default: break
                }
                switch random.below(5) {
                case 0: value = (0..<random.below(100)).map { _ in UInt8(random.below(256)) }
                case 1: value.removeLast(random.below(value.count + 1))
                case 2: value += [UInt8](repeating: 7, count: random.below(100_000))
                case 3 where !value.isEmpty:
                    for _ in 0..<4 {
                        value[random.below(min(48, value.count))] = UInt8(random.below(256))
                    }
                default: break
                }
                try exhibit.tampering.set(database, key, value)
            }
            try await readAll(exhibit)
            try exhibit.tampering.replaceDatabase(whole)
        }
        #expect(await exhibit.verdict() == nil)
    }

    /// LMDB takes none of these, but reads them where somebody wrote the page himself.
    @Test func aKeyWithoutALengthIsRefused() async throws {
        let exhibit = try await exhibit()
        let whole = try exhibit.tampering.database()
        for database in Self.databases {
            let key = try #require(try exhibit.tampering.keys(database).first)
            // Before its key a node of a leaf has the key's length, in two bytes.
            let node = [UInt8(key.count), 0] + key
            let nameless = [0, 0] + key
            #expect(try exhibit.tampering.change(node, to: nameless) > 0, "\(database)")
            try await readAll(exhibit)
            let verdict = await exhibit.verdict()
            // Of the log nothing but itself depends.
            if database != .events { #expect(verdict == .integrityFailed, "\(database)") }
            try exhibit.tampering.replaceDatabase(whole)
        }
        #expect(await exhibit.verdict() == nil)
    }
}
