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
        var attempt = try await revokeOnce(key)
        var failures = 1
        while attempt.outcomes.isWorthRetrying, !Task.isCancelled {
            let now = time.now()
            let next = RefreshPolicy.retry(
                now: now, failures: min(failures, Self.revocationFailuresMax),
                retryAfterSeconds: attempt.outcomes.retryAfterSeconds,
                random: refresher.randomness.next())
            // The last is made at the end, however long the pause would be: nobody can ask later.
            // The vault may be drained or closed meanwhile; whoever comes then could only erase: an
            // open asks nobody to revoke what an earlier process has fenced.
            guard now < end,
                await refresher.pause(
                    milliseconds: min(next, end).milliseconds(since: now), forSending: true)
            else { break }
            failures += 1
            var again = try await revokeOnce(key)
            again.keep(attempt)
            attempt = again
        }
        return attempt.outcomes
    }

    /// What came of asking once: for the tokens of an answer that lies unread, and for those that
    /// are stored.
    private struct RevocationAttempt {
        var unread = Revocation.Outcomes()
        var stored = Revocation.Outcomes()

        mutating func keep(_ earlier: RevocationAttempt) {
            unread.keep(earlier.unread)
            stored.keep(earlier.stored)
        }

        /// Both as one: a token is revoked where both are.
        var outcomes: Revocation.Outcomes { stored.joined(with: unread) }
    }

    /// The unread ones first: they are the newer. Mostly there are none, and the record is opened
    /// once.
    private func revokeOnce(_ key: RecordKey) async throws(VaultError) -> RevocationAttempt {
        var names: UnreadReply.Names?
        var held = Revocation.Held()
        var attempt = RevocationAttempt()
        let askOfStored: Asking = { (record, revocation, find, end) throws(VaultError) in
            held = Revocation.Held(record)
            guard record.hasAccessToken else { return end(Revocation.Outcomes()) }
            guard let application = try find()
            else { return end(Revocation.Outcomes.unsupported) }
            guard let tokens = try record.tokens() else { return end(Revocation.Outcomes()) }
            try revocation.send(application, tokens, captured: record.capturedValues, end)
        }
        var hasUnread = false
        let first = try await ask(key) { (record, revocation, find, end) throws(VaultError) in
            hasUnread = record.holdsUnread
            guard hasUnread else { return try askOfStored(record, revocation, find, end) }
            guard let body = try record.unreadReply() else { return end(Revocation.Outcomes()) }
            let tokens = try UnreadReply.tokens(in: body.bytes)
            names = tokens.names
            guard let application = try find()
            else { return end(Revocation.Outcomes.unsupported) }
            try revocation.send(application, tokens, captured: record.capturedValues, end)
        }
        if hasUnread {
            attempt.unread = first
            if let names { attempt.unread.note(names) }
            attempt.stored = try await ask(key, askOfStored)
        } else {
            attempt.stored = first
        }
        attempt.stored.held = held
        // There was nothing to ask for.
        if !held.hasRefreshToken { attempt.stored.refreshToken = .notNeeded }
        return attempt
    }

    private typealias End = @Sendable (Revocation.Outcomes) -> Void
    /// The application of a record; nil where nobody can revoke.
    private typealias Find = () throws(VaultError) -> Application?
    private typealias Asking = (
        borrowing ConnectionRecord, Revocation, Find, @escaping End
    ) throws(VaultError) -> Void

    /// Opens the record for one question; nothing is asked where it is gone.
    private func ask(
        _ key: RecordKey, _ send: Asking
    ) async throws(VaultError) -> Revocation.Outcomes {
        let revocation = Revocation(network)
        var unopened: VaultError?
        let outcomes = await revocation.outcomes { [store] (end) throws(VaultError) in
            let opened: Opened?
            do throws(VaultError) {
                opened = try store.open(key)
            } catch {
                unopened = error
                throw error
            }
            guard let opened else { return end(Revocation.Outcomes()) }
            let record = ConnectionRecord(fields: opened.takeFields())
            // What the platform put without an application it has to see to itself.
            let id = record.application
            let own = try record.own()
            try send(
                record, revocation,
                { () throws(VaultError) -> Application? in
                    guard let id else { return nil }
                    return try store.revokingApplication(id, for: own)
                }, end)
        }
        if let unopened { throw unopened }
        return outcomes
    }
}
