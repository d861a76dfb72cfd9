// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// Somebody who holds the root key, every file of the vault, and knows the format: a separate
/// program that tries every 128-byte window of every file as a key slot, and every record under
/// every key it got. It opens all connections that live and none that were disconnected.
@Suite struct AdversaryTests {
    struct Report: Decodable {
        struct Owner: Decodable {
            let generations: [UInt64]
        }

        struct Slot: Decodable {
            let number: Int
        }

        struct Needle: Decodable {
            let windows: Int
            let places: [String]
        }

        let slots: [Slot]
        let connections: [String: Owner]
        let applications: [String: Owner]
        let flows: [String: Owner]
        let needles: [String: Needle]
    }

    /// A vault in which connections came and went, closed, and what was in it.
    struct History {
        let home: TestVault
        /// Live ones: never disconnected, or connected again.
        var living: Set<String> = []
        /// Disconnected and not connected again.
        var gone: Set<String> = []
        /// The generation after which the present life of one that was connected again began.
        var reborn: [String: UInt64] = [:]
        var flowsOfLiving: Set<String> = []
        /// Tokens of lives that ended, every version.
        var lostTokens: [String] = []
        /// Tokens that are stored now.
        var tokens: [String] = []
        /// SLOTS as it was before the disconnects.
        var slotsBefore: [UInt8] = []
    }

    func attack(_ history: History, _ options: [String] = []) async throws -> Report {
        var arguments = [history.home.path, "--root-key-file", history.home.keyFile] + options
        let named = [
            ("lost", history.lostTokens), ("gone", Array(history.gone)), ("kept", history.tokens),
        ]
        for (name, texts) in named {
            for (index, text) in texts.enumerated() {
                let (mask, masked) = Tool.masked(text)
                arguments += ["--find", "\(name)-\(index)=\(mask):\(masked)"]
            }
        }
        let report = try await Tool.run("forensic_adversary.py", arguments)
        try #require(report.status == 0)
        return try report.decoded()
    }

    /// Makes `count` connections, refreshes them, disconnects every other one, and connects some of
    /// these again.
    func history(_ count: Int, reborn rebornCount: Int) async throws -> History {
        var history = History(home: try TestVault())
        try history.home.create()
        let vault = try history.home.open()
        let ids = (0..<count).map { "customer \($0) \(Marker.text(24))" }
        let application = try await register(vault)
        var versions: [[String]] = []
        for round in 0..<4 {
            // Longer each time, so that records move to larger sizes as well.
            let tokens = ids.indices.map { _ in Marker.text(40 + round * (round == 3 ? 400 : 30)) }
            try await put(ids, tokens, in: vault)
            versions.append(tokens)
        }
        let flows = ids.prefix(count / 10)
        for id in flows {
            _ = try await vault.connect(ConnectionID(id), application: application)
        }
        history.slotsBefore = try history.home.bytes("SLOTS")
        // While somebody reads, LMDB uses no page again: nothing that follows may owe its success
        // to luck with the pages.
        let disk = try #require(vault.store as? Store)
        let snapshot = try disk.beginRead()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in ids.indices.filter({ $0 % 2 == 0 }).map({ ids[$0] }) {
                group.addTask { try await vault.delete(ConnectionID(id)) }
            }
            try await group.waitForAll()
        }
        let last = try #require(try vault.status(ConnectionID(ids[1]))).generation
        for (index, id) in ids.enumerated() {
            let isGone = index % 2 == 0
            if isGone { history.lostTokens += versions.map { $0[index] } }
            if !isGone { history.tokens.append(versions[3][index]) }
            if !isGone && index < flows.count { history.flowsOfLiving.insert(id) }
            let isReborn = isGone && index < 2 * rebornCount
            _ =
                isGone && !isReborn
                ? history.gone.insert(id) : history.living.insert(id)
            guard isReborn else { continue }
            let token = Marker.text(50)
            try await put([id], [token], in: vault)
            history.tokens.append(token)
            history.reborn[id] = last
        }
        _ = consume snapshot
        vault.close()
        return history
    }

    func register(_ vault: Vault) async throws -> ApplicationID {
        let application = try ApplicationID("practice")
        let provider = Provider(
            name: "practice", authorizationEndpoint: "http://127.0.0.1:1/authorize",
            tokenEndpoint: "http://127.0.0.1:1/token")
        try await vault.put(
            Application(
                id: application, provider: provider, clientID: "client-1",
                clientSecret: Secret(text: Marker.text(30)),
                redirectURI: "https://platform.example/callback", scopes: ["read"]))
        return application
    }

    func put(_ ids: [String], _ tokens: [String], in vault: Vault) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (id, token) in zip(ids, tokens) {
                group.addTask {
                    try await vault.put(
                        ConnectionID(id), TokenSet(accessToken: Secret(text: token)))
                }
            }
            try await group.waitForAll()
        }
    }

    /// Nothing in all that the adversary could read holds what was disconnected.
    func expectNothingLost(_ history: History, _ report: Report) {
        #expect(Set(report.connections.keys) == history.living)
        #expect(Set(report.flows.keys) == history.flowsOfLiving)
        #expect(report.applications.count == 1)
        #expect(report.slots.count == history.living.count + 1)
        for (name, needle) in report.needles {
            let isKept = name.hasPrefix("kept")
            #expect((needle.windows > 0) == isKept, "\(name) at \(needle.places)")
        }
        for (id, last) in history.reborn {
            // What the new life wrote is found, and nothing of the old one.
            let generations = report.connections[id]?.generations ?? []
            #expect(!generations.isEmpty && generations.allSatisfy { $0 > last })
        }
    }

    @Test func opensAllThatLiveAndNoneThatAreGone() async throws {
        let history = try await history(300, reborn: 20)
        #expect(history.gone.count == 130 && history.living.count == 170)
        expectNothingLost(history, try await attack(history))
    }

    /// The same where every window of every file is tried, whatever its bytes.
    @Test func everyWindowOfEveryFile() async throws {
        let history = try await history(8, reborn: 1)
        expectNothingLost(history, try await attack(history, ["--thorough"]))
    }

    /// What was read above was not for want of skill. With SLOTS as it was before the disconnects,
    /// which is what a disconnect leaves that does not overwrite, all of them open, from the same
    /// database: their records are still in it.
    @Test func opensAllWhereSlotsAreNotErased() async throws {
        let history = try await history(300, reborn: 20)
        try history.home.overwrite("SLOTS", at: 0, history.slotsBefore)
        let report = try await attack(history)
        #expect(Set(report.connections.keys) == history.living.union(history.gone))
        let lost = report.needles.filter { $0.key.hasPrefix("lost") }
        // Of four versions of each the last: pages of older ones were used again before.
        for index in stride(from: 3, to: lost.count, by: 4) {
            #expect(lost["lost-\(index)"]?.windows ?? 0 > 0)
        }
        let gone = report.needles.filter { $0.key.hasPrefix("gone") }
        #expect(gone.allSatisfy { $0.value.windows > 0 })
        #expect(Set(report.flows.keys).isSuperset(of: history.flowsOfLiving))
    }
}
