// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Submits changes that belong together and waits until they are durable.
    ///
    /// - Parameter then: runs then on the writer's thread, in the order of commits.
    func durable(
        _ commit: Commit, then: @escaping @Sendable (Committed) -> Void = { _ in }
    ) async throws(VaultError) -> Committed {
        // The caller made a plaintext for it, and goes on with another thread.
        MemoryHygiene.scrub()
        let result = unsafe await withUnsafeContinuation {
            (continuation: UnsafeContinuation<Result<Committed, VaultError>, Never>) in
            commit.completion = { result in
                if case .success(let committed) = result { then(committed) }
                unsafe continuation.resume(returning: result)
            }
            committer.submit(commit)
        }
        return try result.get()
    }

    /// Erases a record that nothing is sent for, such as an application's: fenced first, so that a
    /// crash between the two leaves the rest to the next open.
    ///
    /// - Throws: `notFound`; `disconnecting` while another call erases it.
    func erase(_ key: RecordKey) async throws(VaultError) {
        try refresher.beginErasing(key)
        defer { refresher.endErasing(key) }
        for change in [Change.Kind.fence(key), .erase(key)] {
            let commit = Commit()
            commit.mayUseReserve = true
            commit.add(change)
            _ = try await durable(commit)
        }
    }

    /// The same as `durable` for the open, which waits on the caller's thread.
    static func durable(
        _ commit: Commit, _ committer: any Committing
    ) throws(VaultError) -> Committed {
        let outcome = Monitor<Result<Committed, VaultError>?>(nil)
        commit.completion = { result in
            outcome.withLock { $0 = result }
            outcome.signal()
        }
        committer.submit(commit)
        guard let result = outcome.wait(until: { $0 != nil }, then: { $0 }) else {
            throw VaultError(.closed, .vault)
        }
        return try result.get()
    }
}

extension EventEntry {
    init(time: UnixTime, key: RecordKey, kind: VaultEvent.Kind, number: Int64 = 0) {
        self.init(time: time, key: key, code: kind.code, number: number)
    }
}
