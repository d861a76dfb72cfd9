// SPDX-License-Identifier: Apache-2.0

extension Vault {
    /// Refreshes every connection before its token expires; returns when the calling task is
    /// cancelled, or the vault is closed. Idle, it costs nothing: it sleeps until the next
    /// deadline. Events are sent to webhooks meanwhile.
    ///
    /// - Throws: what `ready` throws; nothing is refreshed in a store that does not verify. If the
    ///   vault was closed before it was ready, `closed`.
    public func run() async throws(VaultError) {
        try checkProcess()
        try await ready()
        defer { refresher.run(false) }
        guard refresher.run(true) else { throw VaultError(.closed, .vault) }
        resumePolling()
        resumeConfirmations()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [self] in await tellEnds() }
            group.addTask { [self] in await deliverWebhooks() }
            await feed.end()
            group.cancelAll()
        }
    }

    /// The orderly end of a process: sends no refresh any more, takes back what has not left, and
    /// listens for the answers that are out until all have come and are stored, at most so long.
    /// Whoever asks for a refresh is told `closed`, and whoever waits for one that is out at the
    /// end `answerOutstanding`. Call `close` next: it does not wait for them again, and for what
    /// else is under way no longer than this did, or a second. What was not answered stays in
    /// doubt, on record, for the next process.
    ///
    /// What the caller himself begins meanwhile, such as a disconnect, is done; one that waits for
    /// a provider that is down waits no longer, and erases.
    ///
    /// - Returns: how many refreshes were not answered; 0 in a child process that inherited the
    ///   vault, where nothing is done.
    @discardableResult
    public func drain(for duration: Duration) async -> Int {
        if isInherited { return 0 }
        let milliseconds = Self.milliseconds(duration)
        network.drains(milliseconds: milliseconds)
        return await refresher.drain(milliseconds: milliseconds)
    }
}
