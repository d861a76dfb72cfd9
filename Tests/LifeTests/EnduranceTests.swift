// SPDX-License-Identifier: Apache-2.0

import Foundation
import ProviderSimulator
import TestSupport
import Testing

@testable import TokenVault

/// What a vault takes of the machine: the same after a thousand refreshes, and nothing while
/// there is nothing to do.
@Suite struct EnduranceTests {
    /// What this process holds, and how large the database is.
    private struct Holdings {
        let descriptors: Int
        let threads: Int
        let openSecrets: Int
        let databaseBytes: Int

        init(_ practice: Practice) throws {
            let files = FileManager.default
            descriptors = try files.contentsOfDirectory(atPath: "/proc/self/fd").count
            threads = try files.contentsOfDirectory(atPath: "/proc/self/task").count
            openSecrets = SecretArena.shared.openSecretCount
            let path = "\(practice.home.path)/db/data.mdb"
            let size = try files.attributesOfItem(atPath: path)[.size] as? Int
            databaseBytes = try #require(size)
        }
    }

    /// Refreshes each of them so many times, all at once.
    private func refresh(_ vault: Vault, _ ids: [ConnectionID], times: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for id in ids {
                group.addTask { for _ in 0..<times { try await vault.refresh(id) } }
            }
            try await group.waitForAll()
        }
    }

    @Test func aThousandRefreshesLeaveNothingBehind() async throws {
        let practice = try await Practice { $0.rotation = .rotating(grace: .zero) }
        let vault = try practice.open()
        try await practice.register(vault)
        let ids = try await practice.seed(vault, 20, lifetime: 3600)
        try await refresh(vault, ids, times: 10)
        let before = try Holdings(practice)
        try await refresh(vault, ids, times: 40)
        var after = try Holdings(practice)
        // The last answer is wiped after its caller was told.
        for _ in 0..<100 where after.openSecrets > before.openSecrets {
            try await Task.sleep(for: .milliseconds(20))
            after = try Holdings(practice)
        }
        #expect(practice.provider.counters.refreshes == 20 * 50)
        #expect(practice.provider.counters.reuseDetected == 0)
        // Connections are kept, and a pool may take its time to make its last thread.
        #expect(after.descriptors <= before.descriptors + 4)
        #expect(after.threads <= before.threads + 2)
        #expect(after.openSecrets <= before.openSecrets)
        #expect(after.databaseBytes * 10 <= before.databaseBytes * 11)
        vault.close()
        await practice.provider.stop()
    }

    /// How often the vault's own threads went to sleep.
    private func sleeps() throws -> [String: Int] {
        var sleeps: [String: Int] = [:]
        for task in try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task") {
            // A thread may end while it is looked at.
            guard
                let status = try? String(
                    contentsOfFile: "/proc/self/task/\(task)/status", encoding: .utf8)
            else { continue }
            var values: [Substring: Substring] = [:]
            for line in status.split(separator: "\n") {
                let parts = line.split(separator: ":\t", maxSplits: 1)
                if parts.count == 2 { values[parts[0]] = parts[1] }
            }
            guard let name = values["Name"], name.hasPrefix("vault-"),
                let count = values["voluntary_ctxt_switches"].flatMap({ Int($0) })
            else { continue }
            sleeps["\(name) \(task)"] = count
        }
        return sleeps
    }

    @Test func idlenessCostsNothing() async throws {
        let practice = try await Practice()
        let vault = try practice.open()
        try await practice.register(vault)
        let ids = try await practice.seed(vault, 100, lifetime: 7200)
        let loop = Task { try? await vault.run() }
        // One refresh, so that a connection to the provider is kept.
        try await vault.refresh(ids[0])
        try await vault.ready()
        try await Task.sleep(for: .seconds(1))
        let before = try sleeps()
        try await Task.sleep(for: .seconds(4))
        let after = try sleeps()
        // Upkeep, writer and transport.
        #expect(before.count == 3)
        for (thread, count) in after {
            // Once is the end of something; a poll would be seen every second at the least.
            #expect(count - (before[thread] ?? 0) <= 1, "\(thread)")
        }
        loop.cancel()
        await loop.value
        vault.close()
        await practice.provider.stop()
    }
}
