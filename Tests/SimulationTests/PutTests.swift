// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import Simulation
@testable import TokenVault

@Suite("Callers that wait for a thread") struct PutTests {
    /// Their threads may all wait for blocks of the arena, which nobody else would give back.
    @Test("A put that is durable holds no secret, though its task has not gone on")
    func holdsNothingOnceItIsDurable() throws {
        let rig = try Rig(Disk())
        let before = SecretArena.shared.openSecretCount
        let puts = try (0..<8).map { index in
            try rig.call { vault in
                try await vault.put(
                    Disk.id(index),
                    TokenSet(
                        accessToken: Secret(text: "a0.1"), refreshToken: Secret(text: "r0.1")))
            }
        }
        #expect(SecretArena.shared.openSecretCount >= before + 8)
        while rig.stepDisk() {}
        #expect(puts.allSatisfy { !$0.isDone })
        #expect(SecretArena.shared.openSecretCount == before)
        try rig.flush()
        #expect(puts.allSatisfy { $0.isDone && $0.code == nil })
        #expect((0..<8).allSatisfy { rig.disk.serial($0) == 1 })
    }

    @Test("A put that somebody else was faster than is merged anew, its tokens whole")
    func mergedAnew() throws {
        let rig = try Rig(Disk())
        let puts = try (0..<3).map { index in
            try rig.call { vault in
                try await vault.put(
                    Disk.id(0),
                    TokenSet(
                        accessToken: Secret(text: "a0.\(index)"),
                        refreshToken: Secret(text: "r0.\(index)")))
            }
        }
        try rig.flush()
        #expect(puts.allSatisfy { $0.isDone && $0.code == nil })
        #expect(rig.disk.serial(0) == 2)
        #expect(rig.disk.count(.tokensPut) == 3)
    }
}
