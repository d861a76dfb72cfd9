// SPDX-License-Identifier: Apache-2.0

import Foundation
import TestSupport

@testable import TokenVault

/// LMDB, in a directory of the test's own.
final class LMDBEngine: TestedEngine {
    private let home: TestVault
    private let mapBytes: Int
    private var process: (store: Store, committer: Committer)?

    init(mapBytes: Int) throws {
        self.mapBytes = mapBytes
        home = try TestVault()
        try home.create()
        process = try Self.open(home, mapBytes)
    }

    deinit { end() }

    private static func open(_ home: TestVault, _ mapBytes: Int) throws -> (Store, Committer) {
        let keyring = try Keyring(home.path, rootKey: .file(home.keyFile))
        return try Store.open(home.path, keyring, mapBytes: mapBytes)
    }

    private var present: (store: Store, committer: Committer) {
        guard let process else { preconditionFailure("it could not be opened again") }
        return process
    }

    var reading: any Reading { present.store }
    var committing: any Committing { present.committer }

    func start() throws {
        // One process must not have an environment of LMDB's twice: the last one goes first.
        process = nil
        process = try Self.open(home, mapBytes)
    }

    func end() {
        process?.committer.close()
        process?.store.close()
    }

    func work(until isDone: @escaping () -> Bool) {
        let end = ContinuousClock.now + .seconds(120)
        while !isDone(), ContinuousClock.now < end { usleep(200) }
    }

    func fill(_ put: (Int) throws -> Bool) throws {
        var number = 0
        while try put(number) { number += 1 }
    }
}
