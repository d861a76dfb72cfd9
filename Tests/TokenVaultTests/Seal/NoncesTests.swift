// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport
import Testing

@testable import TokenVault

@Suite struct NoncesTests {
    func bytes(_ nonces: [Nonces.Nonce]) -> Set<[UInt8]> {
        Set(nonces.map { nonce in nonce.indices.map { nonce[$0] } })
    }

    @Test func noneIsHandedOutTwice() {
        let nonces = Nonces()
        var seen: Set<[UInt8]> = [[UInt8](repeating: 0, count: 24)]
        for turn in 0..<1000 {
            seen.formUnion(bytes([nonces.next()]))
            // In the middle of what was drawn, at its end, and before anything of it was used.
            if turn % 33 == 0 || turn % 64 == 0 { nonces.discard() }
        }
        #expect(seen.count == 1001)
    }

    @Test func whatIsLeftIsNotUsedInTheNextTransaction() throws {
        let home = try TestVault()
        try FileManager.default.createDirectory(
            atPath: home.path + "/" + VaultDirectory.databaseName,
            withIntermediateDirectories: true)
        let keyring = try Keyring.create(home.path, rootKey: .key(Secret(random: 32)))
        try Store.create(home.path, keyring)
        let store = try Store(home.path, keyring: keyring, mapBytes: 64 << 20)
        var writer = Writer(store: store)
        _ = try writer.load()
        let committer = try Committer(store, writer: writer)
        committer.allow(try store.verify(atOpen: true) { _ in })
        var left: Set<[UInt8]> = []
        for name in ["anna", "bert"] {
            let commit = Commit()
            let key = unsafe RecordKey(hashing: name.utf8Span.span.bytes)
            commit.add(.put(.application, key, .absent), try Secret(text: "a record"))
            _ = try Vault.durable(commit, committer)
            let present = bytes(writer.nonces.left)
            #expect(!present.isEmpty && left.isDisjoint(with: present))
            left = present
        }
        committer.close()
        store.close()
    }
}
