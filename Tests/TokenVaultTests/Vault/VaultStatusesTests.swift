// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import TokenVault

/// All connections, one after the other.
@Suite struct VaultStatusesTests {
    private let home: TestVault

    init() throws {
        home = try TestVault()
        try home.create()
    }

    private func opened(_ count: Int) async throws -> Vault {
        let vault = try home.open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    try await vault.put(
                        ConnectionID("user-\(number)"),
                        TokenSet(accessToken: Secret(text: "token-\(number)")))
                }
            }
            try await group.waitForAll()
        }
        return vault
    }

    @Test(
        "Each is there once, be they none, a page, or more",
        arguments: [
            0, 1, ConnectionStatuses.pageMax - 1, ConnectionStatuses.pageMax,
            3 * ConnectionStatuses.pageMax + 5,
        ])
    func all(_ count: Int) async throws {
        let vault = try await opened(count)
        var found: [String] = []
        for try await status in try vault.statuses() { found.append(status.connection.text) }
        #expect(found.sorted() == (0..<count).map { "user-\($0)" }.sorted())
        vault.close()
    }

    @Test("Those that are wanted")
    func some() async throws {
        let vault = try await opened(100)
        try await vault.reportUse(ConnectionID("user-7"))
        try await vault.reportFailed(ConnectionID("user-8"), number: 3)
        var green: [ConnectionID] = []
        for try await status in try vault.statuses(where: { $0.light == .green }) {
            green.append(status.connection)
        }
        #expect(try green == [ConnectionID("user-7")])
        var red = try vault.statuses { $0.light == .red }.makeAsyncIterator()
        #expect(try await red.next()?.reasonNumber == 3)
        #expect(try await red.next() == nil)
        vault.close()
    }

    @Test("What is disconnected on the way is left out, and the rest is there")
    func changing() async throws {
        let vault = try await opened(3 * ConnectionStatuses.pageMax)
        var found: [ConnectionID] = []
        for try await status in try vault.statuses() {
            found.append(status.connection)
            // The very one that the next page is looked for behind.
            if found.count == ConnectionStatuses.pageMax { try await vault.delete(found[63]) }
        }
        #expect(Set(found).count == 3 * ConnectionStatuses.pageMax)
        vault.close()
    }

    @Test("A closed vault ends it with an error, and so does who is cancelled")
    func ended() async throws {
        let vault = try await opened(2 * ConnectionStatuses.pageMax)
        let cancelled = Task {
            unsafe withUnsafeCurrentTask { unsafe $0?.cancel() }
            for try await _ in try vault.statuses() {}
        }
        #expect(await code { try await cancelled.value } == .cancelled)
        var iterator = try vault.statuses().makeAsyncIterator()
        _ = try await iterator.next()
        vault.close()
        #expect(await code { while try await iterator.next() != nil {} } == .closed)
    }
}
