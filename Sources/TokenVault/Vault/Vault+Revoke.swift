// SPDX-License-Identifier: Apache-2.0

// Asking the provider to end what a fenced record holds: once, and again where somebody waits.
extension Vault {
    /// The longest that a disconnect waits for a provider that is down, in milliseconds: a day.
    static let revocationWaitMillisecondsMax: Int64 = 86_400_000
    /// After so many failures in a row the time between two attempts does not grow any more: about
    /// half a minute.
    static let revocationFailuresMax = 6

    /// Asks for the revocation; again, with a growing pause between, for as long as `waiting` says
    /// and it may do any good. Never fails.
    func revoke(_ key: RecordKey, waiting: Duration) async -> Revocation.Outcomes {
        let wait = min(Self.milliseconds(waiting), Self.revocationWaitMillisecondsMax)
        let end = time.now().adding(milliseconds: wait)
        var outcomes = await revokeOnce(key)
        var failures = 1
        while outcomes.isWorthRetrying, !Task.isCancelled {
            let now = time.now()
            let next = RefreshPolicy.retry(
                now: now, failures: min(failures, Self.revocationFailuresMax),
                retryAfterSeconds: outcomes.retryAfterSeconds,
                random: refresher.randomness.next())
            // The vault may be closed meanwhile: then the next open erases.
            guard next <= end,
                await refresher.pause(milliseconds: next.milliseconds(since: now))
            else { break }
            failures += 1
            var again = await revokeOnce(key)
            again.keep(outcomes)
            outcomes = again
        }
        return outcomes
    }

    private func revokeOnce(_ key: RecordKey) async -> Revocation.Outcomes {
        let outcomes = Monitor<Revocation.Outcomes?>(nil)
        unsafe await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
            defer { MemoryHygiene.scrub() }
            do throws(VaultError) {
                guard let opened = try store.open(key) else {
                    return unsafe continuation.resume()
                }
                let record = ConnectionRecord(fields: opened.takeFields())
                guard let tokens = try record.tokens(), let application = record.application
                else { return unsafe continuation.resume() }
                try Revocation(network).send(store.application(application), tokens) { result in
                    outcomes.withLock { $0 = result }
                    unsafe continuation.resume()
                }
            } catch {
                outcomes.withLock {
                    $0 = Revocation.Outcomes(
                        refreshToken: .failed(number: 0), accessToken: .failed(number: 0),
                        isWorthRetrying: error.isPassing)
                }
                unsafe continuation.resume()
            }
        }
        return outcomes.withLock { $0 } ?? Revocation.Outcomes()
    }

    /// How many grants of a connection may live on at the provider beside the present one.
    func earlierGrants(_ key: RecordKey) throws(VaultError) -> Int {
        guard let opened = try store.open(key) else { return 0 }
        return Int(ConnectionRecord(fields: opened.takeFields()).earlierGrants)
    }
}
