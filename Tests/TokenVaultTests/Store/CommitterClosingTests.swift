// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization
import TestSupport
import Testing

@testable import TokenVault

@Suite("The writer, as it ends") struct CommitterClosingTests {
    @Test("What follows from its last commits is made durable, and nothing else")
    func followers() async throws {
        let home = try TestVault()
        try home.create()
        let vault = try home.open()
        try await vault.ready()
        let succeeded = Mutex(0)
        @Sendable func note(_ number: Int64) -> Commit {
            let commit = Commit()
            let key = vault.store.key(.connection, "anna")
            commit.add(
                .event(
                    EventEntry(
                        time: UnixTime(milliseconds: number), key: key, kind: .refreshDelayed)))
            return commit
        }
        @Sendable func follow(_ number: Int64) -> Commit {
            let commit = note(number)
            commit.completion = { result in
                if case .success = result { succeeded.withLock { $0 += 1 } }
                if number < 4 { vault.committer.submit(follow(number + 1)) }
            }
            return commit
        }
        vault.committer.submit(follow(1))
        vault.close()
        #expect(succeeded.withLock { $0 } == 4)
        let late = note(5)
        late.completion = { result in
            guard case .failure(let error) = result, error.code == .closed else { return }
            succeeded.withLock { $0 = 0 }
        }
        vault.committer.submit(late)
        #expect(succeeded.withLock { $0 } == 0)
    }
}
