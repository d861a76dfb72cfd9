// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import TokenVault

/// The arena of a process whose parent had one, asked for by a process that has one already.
@Suite(.serialized) struct ProcessArenaTests {
    @Test("however many threads want it at once, one is made: it is never given back")
    func madeOnce() throws {
        let process = ProcessNumber.current
        let arrived = Atomic(0)
        let made = Atomic(0)
        let found = Mutex<Set<ObjectIdentifier>>([])
        let threads = try (0..<4).map { _ in
            try WorkerThread("arena") {
                arrived.add(1, ordering: .relaxed)
                while arrived.load(ordering: .relaxed) < 4 { WorkerThread.sleep(milliseconds: 1) }
                let arena = ProcessArena.later(process) {
                    made.add(1, ordering: .relaxed)
                    // Everybody has looked by then.
                    WorkerThread.sleep(milliseconds: 200)
                    return SecretArena(allowSecretMemory: false)
                }
                found.withLock { _ = $0.insert(ObjectIdentifier(arena)) }
            }
        }
        for thread in threads { thread.join() }
        #expect(found.withLock { $0.count } == 1)
        #expect(made.load(ordering: .relaxed) == 1)
    }
}
