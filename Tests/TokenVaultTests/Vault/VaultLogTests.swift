// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// The log is read piece by piece: others have a turn in between.
@Suite struct VaultLogTests {
    /// More than are read at once, of two connections in turn.
    private static let eventCount = 3100

    private func written() async throws -> (home: TestVault, vault: Vault) {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.ready()
        let keys = ["ann", "bob"].map { vault.store.key(.connection, $0) }
        for first in stride(from: 0, to: Self.eventCount, by: 100) {
            let commit = Commit()
            for number in first..<first + 100 {
                commit.add(
                    .event(
                        EventEntry(
                            time: UnixTime(seconds: 1), key: keys[number % 2], kind: .useFailed,
                            number: Int64(number))))
            }
            _ = try await vault.durable(commit)
        }
        return (home, vault)
    }

    @Test func piecesFitTogether() async throws {
        let (_, vault) = try await written()
        defer { vault.close() }
        let all = try await vault.log(ConnectionID("ann"), limit: Self.eventCount)
        #expect(all.map(\.number) == Array(stride(from: 0, to: Int64(Self.eventCount), by: 2)))
        let last = try await vault.log(ConnectionID("bob"), limit: 3)
        #expect(last.map(\.number) == [3095, 3097, 3099])
        #expect(try await vault.log(ConnectionID("bob"), limit: 0).isEmpty)
        #expect(try await vault.log(application: ApplicationID("ann")).isEmpty)
    }

    @Test func whoeverIsCancelledReadsNoFurther() async throws {
        let (_, vault) = try await written()
        defer { vault.close() }
        let reader = Task {
            await code {
                unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
                _ = try await vault.log(ConnectionID("ann"))
            }
        }
        #expect(await reader.value == .cancelled)
    }
}
