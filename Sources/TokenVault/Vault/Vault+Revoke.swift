// SPDX-License-Identifier: Apache-2.0

// Asking the provider to end what a fenced record holds: once, and again where somebody waits.
extension Vault {
    /// The longest that a disconnect waits for a provider that is down, in milliseconds: a day.
    static let revocationWaitMillisecondsMax: Int64 = 86_400_000
    /// After so many failures in a row the time between two attempts does not grow any more: about
    /// half a minute.
    static let revocationFailuresMax = 6

    /// Asks for the revocation; again, with a growing pause between, for as long as `waiting` says,
    /// it may do any good, and the vault is not drained. What the provider does is an outcome.
    ///
    /// - Throws: what keeps the record from being opened, be it for a later attempt: nothing is to
    ///   be erased then, since nobody could revoke it any more.
    func revoke(
        _ key: RecordKey, waiting: Duration
    ) async throws(VaultError) -> Revocation.Outcomes {
        let wait = min(Self.milliseconds(waiting), Self.revocationWaitMillisecondsMax)
        let end = time.now().adding(milliseconds: wait)
        var outcomes = try await revokeOnce(key)
        var failures = 1
        while outcomes.isWorthRetrying, !Task.isCancelled {
            let now = time.now()
            let next = RefreshPolicy.retry(
                now: now, failures: min(failures, Self.revocationFailuresMax),
                retryAfterSeconds: outcomes.retryAfterSeconds,
                random: refresher.randomness.next())
            // The vault may be drained or closed meanwhile. Whoever comes later could only erase:
            // an open asks nobody to revoke what an earlier process has fenced.
            guard next <= end,
                await refresher.pause(
                    milliseconds: next.milliseconds(since: now), forSending: true)
            else { break }
            failures += 1
            var again = try await revokeOnce(key)
            again.keep(outcomes)
            outcomes = again
        }
        return outcomes
    }

    private func revokeOnce(
        _ key: RecordKey
    ) async throws(VaultError) -> Revocation.Outcomes {
        let revocation = Revocation(network)
        var held = Revocation.Held()
        var unopened: VaultError?
        var outcomes = await revocation.outcomes { [store] (end) throws(VaultError) in
            let opened: Store.Opened?
            do throws(VaultError) {
                opened = try store.open(key)
            } catch {
                unopened = error
                throw error
            }
            guard let opened else { return end(Revocation.Outcomes()) }
            let record = ConnectionRecord(fields: opened.takeFields())
            held = Revocation.Held(record)
            guard record.hasAccessToken else { return end(Revocation.Outcomes()) }
            // What the platform put without an application it has to see to itself.
            guard let application = record.application
            else { return end(Revocation.Outcomes.unsupported) }
            guard let application = try store.revokingApplication(application)
            else { return end(Revocation.Outcomes.unsupported) }
            guard let tokens = try record.tokens() else { return end(Revocation.Outcomes()) }
            try revocation.send(application, tokens, end)
        }
        if let unopened { throw unopened }
        outcomes.held = held
        // There was nothing to ask for.
        if !held.hasRefreshToken { outcomes.refreshToken = .notNeeded }
        return outcomes
    }
}
