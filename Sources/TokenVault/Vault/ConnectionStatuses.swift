// SPDX-License-Identifier: Apache-2.0

/// How connections are, one after the other: see `Vault.statuses(where:)`.
public struct ConnectionStatuses: AsyncSequence, Sendable {
    /// How many records are read before others have a turn.
    static let pageMax = 64

    let vault: Vault
    let isWanted: @Sendable (ConnectionStatus) -> Bool

    /// From the first one on.
    public consuming func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(vault: vault, isWanted: isWanted)
    }

    /// Where somebody is who goes through them.
    public struct AsyncIterator: AsyncIteratorProtocol {
        let vault: Vault
        let isWanted: @Sendable (ConnectionStatus) -> Bool
        /// What is to be read next, the last first.
        private var keys: [RecordKey] = []
        private var last: RecordKey?
        private var isAtEnd = false

        init(vault: Vault, isWanted: @escaping @Sendable (ConnectionStatus) -> Bool) {
            self.vault = vault
            self.isWanted = isWanted
        }

        /// The next one; nil at the end.
        ///
        /// - Throws: as `status`; `closed`, and `cancelled` where the task is.
        public mutating func next() async throws(VaultError) -> ConnectionStatus? {
            try await next(isolation: #isolation)
        }

        /// The same on an actor.
        ///
        /// - Throws: as the one before.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(VaultError) -> ConnectionStatus? {
            defer { MemoryHygiene.scrub() }
            while true {
                while let key = keys.popLast() {
                    // Disconnected since it was found: not an error.
                    if let status = try vault.status(key), isWanted(status) { return status }
                }
                guard !isAtEnd else { return nil }
                if last == nil { try await vault.readable() } else { await Task.yield() }
                if Task.isCancelled { throw VaultError(.cancelled, .vault) }
                let page = try vault.store.keys(
                    .connection, after: last, atMost: ConnectionStatuses.pageMax)
                isAtEnd = page.count < ConnectionStatuses.pageMax
                last = page.last ?? last
                keys = page.reversed()
            }
        }
    }
}

extension Vault {
    /// How connections are, in no particular order: each record is opened once, when it is its
    /// turn, about 8 microseconds each. One that is connected or disconnected meanwhile may be
    /// among them or not.
    ///
    /// - Parameter isWanted: which ones; all of them by default.
    /// - Throws: `forked`; the sequence what `status` does.
    public func statuses(
        where isWanted: @escaping @Sendable (ConnectionStatus) -> Bool = { _ in true }
    ) throws(VaultError) -> ConnectionStatuses {
        try checkProcess()
        return ConnectionStatuses(vault: self, isWanted: isWanted)
    }
}
