// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Refreshes every connection before its token expires, for as long as the calling task runs;
    /// returns when it is cancelled. Idle, it costs nothing: it sleeps until the next deadline.
    ///
    /// - Throws: what `ready` throws; nothing is refreshed in a store that does not verify.
    public func run() async throws(VaultError) {
        try checkProcess()
        try await ready()
        defer { refresher.run(false) }
        guard refresher.run(true) else { throw VaultError(.closed, .vault) }
        let ended = AsyncStream<Never> { _ in }
        // An empty stream ends when the task is cancelled.
        for await _ in ended {}
    }
}
