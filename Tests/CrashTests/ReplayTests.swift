// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// What somebody can do who can write to the directory and has kept everything that was ever in it,
/// at random: whatever he puts in place, the slot of no connection that lives is overwritten.
///
/// `ATTACK_SEED` and `ATTACK_TRIES` repeat or prolong it.
@Suite struct ReplayTests {
    /// What was once in the database, by key.
    struct Past {
        var databases: [[UInt8]] = []
        var entries: [(database: LMDB.Database, key: [UInt8], value: [UInt8])] = []

        mutating func keep(_ tampering: Tampering) throws {
            databases.append(try tampering.database())
            for database in [LMDB.Database.records, .meta, .flows] {
                for key in try tampering.keys(database) {
                    guard let value = try tampering.value(database, key) else { continue }
                    entries.append((database, key, value))
                }
            }
        }
    }

    let exhibit: Exhibit
    let tampering: Tampering
    var past = Past()
    var random = SeededRandom(variable: "ATTACK_SEED")

    init() async throws {
        exhibit = try await Exhibit()
        tampering = exhibit.tampering
        // A past with disconnects that were cut short, slots that were given again, and flows.
        try past.keep(tampering)
        for name in ["bob", "cleo", "bob", "dan"] {
            try await exhibit.beginDisconnect(name)
            try past.keep(tampering)
            try await exhibit.change { vault in
                for name in ["eve\(past.databases.count)", name] {
                    try await Exhibit.put(vault, name, "token of \(name)")
                }
            }
            try past.keep(tampering)
        }
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
            for name in Exhibit.ids {
                _ = try await vault.connect(ConnectionID(name), application: id)
            }
        }
        try past.keep(tampering)
    }

    /// Alters a value the way that costs nothing: what stands in the clear, or its length.
    mutating func alter(_ value: inout [UInt8]) {
        switch random.below(5) {
        case 0:
            let number = [UInt32(random.below(12)), 0xFFFF_FF00, .max, 1024][random.below(4)]
            guard value.count >= 12 else { return }
            for index in 0..<4 {
                value[8 + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
            }
        case 1 where value.count > 2: value[2] = UInt8(random.below(9))
        case 2 where !value.isEmpty: value[random.below(min(24, value.count))] ^= 1
        case 3: value.removeLast(random.below(value.count + 1))
        default: value += [UInt8](repeating: 0, count: random.below(600))
        }
    }

    mutating func attack() throws {
        if random.chance(40) {
            try tampering.replaceDatabase(past.databases[random.below(past.databases.count)])
        }
        for _ in 0..<random.below(4) {
            var entry = past.entries[random.below(past.entries.count)]
            switch random.below(4) {
            case 0: try tampering.set(entry.database, entry.key, nil)
            case 1:
                alter(&entry.value)
                guard !entry.value.isEmpty || random.chance(50) else { continue }
                try tampering.set(entry.database, entry.key, entry.value)
            case 2:
                let other = past.entries[random.below(past.entries.count)]
                try tampering.set(entry.database, other.key, entry.value)
            default: try tampering.set(entry.database, entry.key, entry.value)
            }
        }
    }

    @Test mutating func noSlotOfALiveConnectionIsEverOverwritten() async throws {
        let tries = ProcessInfo.processInfo.environment["ATTACK_TRIES"].flatMap(Int.init) ?? 200
        let current = try tampering.database()
        let slots = try exhibit.home.bytes("SLOTS")
        var told = 0
        for attempt in 0..<tries {
            try attack()
            let verdict = await exhibit.verdict()
            if verdict != nil { told += 1 }
            let after = try exhibit.home.bytes("SLOTS")
            try #require(after == slots, "seed \(random.seed), try \(attempt)")
            try tampering.replaceDatabase(current)
        }
        #expect(told > tries / 3 && told < tries)
        let findings = try await exhibit.findings()
        #expect(findings.verdict == nil && findings.readable == Exhibit.ids)
    }
}
