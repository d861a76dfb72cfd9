// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

/// A process is killed at 200 moments. Nothing that was acknowledged is lost, nothing that was
/// disconnected comes back, and what was in doubt is one thing or the other.
///
/// `CRASH_SEED` and `CRASH_ROUNDS` repeat or prolong a run; moments chosen by the clock vary.
@Suite(.serialized) struct KillTests {
    /// The durable writes of one operation: the disk sync of slots, and two in every commit of
    /// LMDB, its pages and its meta page. Where a connection is authorized again it is 6.
    static let writes: [Journal.Kind: Int] = [
        .connect: 3, .put: 2, .authorize: 9, .refresh: 4, .disconnect: 6,
    ]

    final class Scene {
        let server: PracticeServer
        let home: TestVault
        var journal: Journal

        init() async throws {
            server = try PracticeServer()
            home = try TestVault()
            try home.create()
            journal = try Journal(path: "\(home.path).journal")
            let vault = try home.open()
            var provider = Provider(
                name: "practice", authorizationEndpoint: "\(server.baseURL)/authorize",
                tokenEndpoint: "\(server.baseURL)/token",
                revocationEndpoint: "\(server.baseURL)/revoke")
            // What is in doubt after a crash may be asked for at once.
            provider.reuseGraceSeconds = 3600
            try await vault.put(
                Application(
                    id: ApplicationID("practice"), provider: provider,
                    clientID: "client-1", clientSecret: Secret(text: server.clientSecret),
                    redirectURI: "https://platform.example/callback/practice"))
            vault.close()
        }

        func kill(seed: UInt64, queues: Int = 1, _ death: Victim.Death) async throws -> (
            wound: Victim.Wound, violations: [String]
        ) {
            let victim = try Victim(home, server, seed: seed, queues: queues, death)
            for line in victim.lines { try journal.hear(line) }
            var violations = try await Autopsy(home: home).violations(&journal)
            if !victim.wasKilled { violations.append("it ended by itself") }
            return (victim.wound, violations)
        }
    }

    @Test func nothingIsLostAndNothingComesBack() async throws {
        var random = SeededRandom(variable: "CRASH_SEED")
        let rounds =
            ProcessInfo.processInfo.environment["CRASH_ROUNDS"].flatMap(Int.init) ?? 200
        print("CRASH_SEED=\(random.seed) CRASH_ROUNDS=\(rounds)")
        let scene = try await Scene()
        defer { scene.server.stop() }
        var histogram: [Victim.Wound: Int] = [:]
        for round in 0..<rounds {
            let isAimed = random.chance(50)
            let death = isAimed ? aim(&random) : .after(microseconds: UInt32(random.below(60_000)))
            let queues = isAimed || random.chance(70) ? 1 : 3
            let (wound, violations) = try await scene.kill(
                seed: random.next(), queues: queues, death)
            histogram[wound, default: 0] += 1
            for violation in violations {
                Issue.record("round \(round), seed \(random.seed), \(wound): \(violation)")
            }
            if !violations.isEmpty { break }
        }
        report(histogram, scene.journal)
        let between = histogram.reduce(0) { sum, entry in
            let last = Self.writes[entry.key.kind] ?? 0
            return sum + ((1..<max(last, 1)).contains(entry.key.writes) ? entry.value : 0)
        }
        #expect(between >= rounds / 4)
        #expect(try scene.server.http.counter("reuseDetected") == 0)
        #expect(try scene.server.http.counter("refreshesFailed") == 0)
    }

    /// Somewhere inside one operation of one kind.
    private func aim(_ random: inout SeededRandom) -> Victim.Death {
        let kinds: [Journal.Kind] = [
            .connect, .put, .authorize, .refresh, .refresh, .disconnect, .disconnect, .disconnect,
        ]
        let kind = kinds[random.below(kinds.count)]
        return .within(
            kind, writes: random.below(Self.writes[kind] ?? 1), skips: random.below(3))
    }

    private func report(_ histogram: [Victim.Wound: Int], _ journal: Journal) {
        for kind in Journal.Kind.allCases {
            let counts = histogram.filter { $0.key.kind == kind }
            guard !counts.isEmpty else { continue }
            let columns = counts.sorted { $0.key.writes < $1.key.writes }
                .map { "\($0.key.writes): \($0.value)" }.joined(separator: ", ")
            let most = journal.writesMax[kind].map { " of \($0)" } ?? ""
            print("killed in \(kind) after durable writes\(most): \(columns)")
        }
        print("acknowledgements: \(journal.acknowledgements)")
    }
}
