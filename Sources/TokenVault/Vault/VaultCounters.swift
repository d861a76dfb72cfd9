// SPDX-License-Identifier: Apache-2.0

/// What a vault has done since it was opened, and what it has before it, for whoever watches it.
/// Each number is kept where it arises; to read them all takes microseconds, and opens no record.
public struct VaultCounters: Sendable {
    /// How often refreshes of an application had an answer.
    public struct Answers: Sendable {
        /// The application; nil for all that are not told apart, beyond the first 200.
        public let application: ApplicationID?
        /// Which answer.
        public let answer: RefreshAnswer
        /// How often.
        public let count: UInt64
    }

    /// The answers to refreshes, each kind of each application that has been met.
    public let answers: [Answers]
    /// How late refreshes left that nobody had asked for, in milliseconds after they were due. A
    /// time in which no process ran counts too.
    public let lateness: Histogram
    /// Connections that are due later.
    public let scheduledCount: Int
    /// Connections that are due and whose turn has not come.
    public let backlogCount: Int
    /// Connections that callers wait for and whose turn has not come.
    public let demandCount: Int
    /// Refreshes that are prepared, out, or on their way into the store.
    public let underWayCount: Int
    /// Refreshes whose answer is overdue and listened for.
    public let overdueCount: Int
    /// How long the writer's transactions took, disk sync included, in microseconds.
    public let commitTimes: Histogram
    /// How many commits each transaction made durable.
    public let commitSizes: Histogram
    /// Links that were not opened yet, authorizations that were started and have not ended, and
    /// callbacks that await confirmation. One that was abandoned counts until a later one sweeps it
    /// out.
    public let flowCount: Int
    /// Webhooks to which nothing is sent until they are resumed, as ``Vault/run()`` has found them.
    public let stoppedWebhookCount: Int
    /// Secrets that are open in this process, of all vaults.
    public let openSecretCount: Int
    /// Whether the disk is full or fails, so that nothing can be refreshed.
    public let isStorageRefusing: Bool
    /// Whether every record is verified.
    public let isVerified: Bool
}

extension Vault {
    /// What this vault has done since it was opened.
    ///
    /// - Throws: `forked`.
    public func counters() throws(VaultError) -> VaultCounters {
        try checkProcess()
        let commits = committer.counters
        let stoppedWebhookCount = refresher.webhooks.stoppedCount
        return refresher.shared.withLock { shared in
            VaultCounters(
                answers: shared.upkeep.answers.all.map {
                    VaultCounters.Answers(
                        application: $0.application, answer: $0.answer, count: $0.count)
                },
                lateness: shared.upkeep.lateness.histogram,
                scheduledCount: shared.upkeep.heap.count,
                backlogCount: shared.upkeep.backlogged.count,
                demandCount: shared.upkeep.demandCount,
                underWayCount: shared.upkeep.activeCount,
                overdueCount: shared.upkeep.listenerCount,
                commitTimes: commits.times, commitSizes: commits.sizes, flowCount: commits.flows,
                stoppedWebhookCount: stoppedWebhookCount,
                openSecretCount: SecretArena.shared.openSecretCount,
                isStorageRefusing: shared.storage.isPresent, isVerified: refresher.isVerified)
        }
    }
}
