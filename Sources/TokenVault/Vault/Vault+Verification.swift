// SPDX-License-Identifier: Apache-2.0

// Nothing is written or sent, and nothing is read unless a setting says so, before every record of
// the store is verified: with what somebody put back, or took away, the first of these would be
// the damage.
extension Vault {
    /// How far the verification at open is.
    public struct VerificationProgress: Sendable, Hashable {
        /// How many records were opened and verified.
        public let recordsDone: Int
        /// How many records there are, as far as the database says.
        public let recordsTotal: Int
    }

    /// Waits until every record and the store MAC are verified and the schedule is complete.
    ///
    /// - Throws: `integrityFailed`, `authenticationFailed`, `recordDamaged`: from then on the vault
    ///   refuses everything but `audit` and, where the settings allow them, reads; `closed`;
    ///   `cancelled` where the task is, as every verb that waits for this.
    public func ready() async throws(VaultError) {
        try checkProcess()
        try await refresher.scanned().get()
    }

    /// How far the verification at open is, about a thousand times in all, until it has ended, well
    /// or not: for a progress bar. Whoever is slow misses what is overtaken.
    public func verification() -> AsyncStream<VerificationProgress> {
        isInherited ? AsyncStream { $0.finish() } : refresher.verification()
    }

    /// Waits until reads are served: as `ready`, or not at all where the settings let reads be
    /// unverified. For whoever is to read by a synchronous verb on a thread that must not wait.
    ///
    /// - Throws: as `ready`.
    public func readable() async throws(VaultError) {
        try checkProcess()
        guard !readsUnverified else { return }
        try await verified()
    }

    /// Before anything is written or sent.
    func verified() async throws(VaultError) {
        guard !refresher.isVerified else { return }
        try await ready()
    }

    /// Before anything is read by a synchronous verb: waits on the calling thread.
    func readableNow() throws(VaultError) {
        guard !readsUnverified, !refresher.isVerified else { return }
        try refresher.waitUntilVerified()
    }
}
