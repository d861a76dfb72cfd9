// SPDX-License-Identifier: Apache-2.0

// New tokens on their way into the store: at once, as soon as that works, or never.
extension Refresher {
    /// Tokens that came, kept whole until they are durable or not wanted.
    final class NewTokens: @unchecked Sendable {
        let attempt: RefreshAttempt
        let reply: TokenReply
        let terms: ConnectionRecord.Terms
        let requestedAt: UnixTime
        /// Whether they came after the deadline.
        let isLate: Bool
        // Written before the tokens are first given to the writer.
        fileprivate var news = News()
        // Where they were left: when the tokens that are there are refreshed.
        fileprivate var plan: Plan?

        init(_ reply: consuming TokenReply, _ attempt: RefreshAttempt, _ passage: Passage) {
            requestedAt = passage.requestedAt
            isLate = passage.isLate
            terms = ConnectionRecord.Terms(
                reply, requestedAt: requestedAt,
                providerLifetime: attempt.source.providerLifetime,
                applicationLifetime: attempt.source.applicationLifetime)
            self.attempt = attempt
            self.reply = reply
        }
    }

    /// What an answer with tokens says, whether they can be stored at once or not.
    fileprivate struct News {
        var (isAccepted, isRecovered, isAwaited) = (false, false, false)
        var doubt: UInt64?
    }

    /// Merges new tokens into the record, makes that durable, and only then tells who waits.
    ///
    /// - Parameter isAccepted: whether the provider rejected the application before.
    func store(_ tokens: NewTokens, isAccepted: Bool) {
        let attempt = tokens.attempt
        tokens.news = shared.withLock { shared in
            // What failed since is of the next life, or of other tokens.
            let isCurrent = shared.upkeep.attempts.isCurrent(attempt)
            let hadFailed = isCurrent && shared.upkeep.clearFailures(attempt.key)
            let isInherited = isCurrent && shared.doubts[attempt.key]?.isInherited ?? false
            let doubt = Self.takeDoubt(attempt, &shared)
            // What an earlier process left is told, and so is its end.
            let wasTold =
                tokens.isLate || attempt.source.isTroubled
                || isInherited
            return News(
                isAccepted: isAccepted, isRecovered: hadFailed || isCurrent && wasTold,
                isAwaited: attempt.isAwaited, doubt: doubt)
        }
        submit(tokens)
    }

    private func submit(_ tokens: NewTokens) {
        let now = time.now()
        let attempt = tokens.attempt
        // Without a new refresh token the old one stays, and has to be read.
        let kept = tokens.reply.hasRefreshToken || attempt.source.isExchange ? attempt.kept : nil
        let revision = Revision(addedBytesMax: tokens.reply.addedBytesMax, kept: kept) {
            [self] (record, version) throws(VaultError) in
            // Somebody stored another pair, in this life or the next. What came is of no use, but
            // to revoke it could end the grant that the newer pair is of.
            guard isCurrent(record, version, attempt) else {
                tokens.plan = plan(record, attempt.queue)
                return .leave
            }
            if attempt.source.isExchange { try record.forgetRefreshToken() }
            try record.adopt(tokens.reply, tokens.terms, requestStart: tokens.requestedAt)
            try record.fields.set(ConnectionTag.refreshed, time: now)
            try record.fields.set(ConnectionTag.refreshCount, integer: record.refreshCount + 1)
            return .replan(plan(record, attempt.queue))
        }
        let commit = Commit { [self] result in
            let news = tokens.news
            // A kept record that was not used must not wait for a revocation.
            attempt.kept?.wipe()
            switch result {
            case .success(let committed) where committed.fate == .changed:
                if news.isRecovered || news.isAccepted { publish(.recovered, attempt.id) }
                if feed.tellsRefreshes { publish(.refreshed, attempt.id) }
                finish(attempt, .success(()), committed.plan)
            case .success(let committed) where committed.fate == .left:
                endSuperseded(attempt, tokens)
            case .success: revokeLate(attempt, tokens)
            case .failure(let error): storeLater(attempt, error) { [self] in submit(tokens) }
            }
        }
        commit.mayUseReserve = true
        commit.isPatient = !tokens.news.isAwaited
        commit.add(.revise(attempt.key, revision))
        endAttempt(attempt, doubt: tokens.news.doubt, commit)
        if tokens.news.isRecovered {
            commit.add(.event(EventEntry(time: now, key: attempt.key, kind: .recovered)))
        }
        if feed.logsRefreshes {
            commit.add(.event(EventEntry(time: now, key: attempt.key, kind: .refreshed)))
        }
        committer.submit(commit)
    }

    /// Between attempts to store what could not be stored, in milliseconds.
    static let storeAgainMilliseconds: Int64 = 1000
    /// How often that doubles, where it is not room that is short: to about a minute. A record that
    /// is damaged may never take the tokens, and they are the only ones there are.
    static let storeAgainDoublingsMax = 6

    /// New tokens that cannot be stored at this moment: the callers are told, but the attempt does
    /// not end, so that the old refresh token is not presented again, and they are stored as soon
    /// as that works.
    func storeLater(
        _ attempt: RefreshAttempt, _ error: VaultError, _ retry: @escaping @Sendable () -> Void
    ) {
        let (callers, isNews) = shared.withLock { shared in
            let isNews = error.isOfStorage && shared.storage.note(.unstored(attempt.number))
            var callers = attempt.takeCallers()
            // All places are taken by what the disk refuses: nobody who waits for one has a chance.
            if shared.upkeep.isFull, shared.storage.isPresent {
                callers += shared.upkeep.dismissAllDemands()
            }
            return (callers, isNews)
        }
        if isNews { publishStorage(true) }
        for caller in callers { caller.resume(.failure(error)) }
        var wait = Self.storeAgainMilliseconds
        if !error.isOfStorage, !error.isPassing {
            wait <<= Int64(min(attempt.storeFailureCount, Self.storeAgainDoublingsMax))
            attempt.storeFailureCount += 1
        }
        let isKept = after(milliseconds: wait, retry)
        // The vault is closed: there is no later. The attempt stays in doubt.
        if !isKept { finish(attempt, .failure(error), nil) }
    }

    /// The life that asked is over: what came is revoked, never stored.
    private func revokeLate(_ attempt: RefreshAttempt, _ tokens: NewTokens) {
        do throws(VaultError) {
            let application = try store.application(
                attempt.source.application, for: attempt.source.own)
            try Revocation(network).send(application, tokens.reply) { [self] _ in
                endLate(attempt, nil)
            }
        } catch {
            endLate(attempt, nil)
        }
    }

    /// Somebody stored other tokens: what came is revoked too where those are of another grant, and
    /// the one before is to be.
    private func endSuperseded(_ attempt: RefreshAttempt, _ tokens: NewTokens) {
        let replaced = shared.withLock { _ in attempt.replacedGrant.take() }
        guard let replaced else { return endLate(attempt, tokens.plan) }
        do throws(VaultError) {
            let application = try store.application(
                attempt.source.application, for: attempt.source.own)
            try Revocation(network).send(application, tokens.reply) { [self] outcomes in
                if outcomes.isComplete { endReplaced(replaced, attempt) }
                endLate(attempt, tokens.plan)
            }
        } catch {
            endLate(attempt, tokens.plan)
        }
    }

    /// Nothing of a grant that was said to be left is any more.
    func endReplaced(_ replaced: ReplacedGrant, _ attempt: RefreshAttempt) {
        guard replaced.complete() else { return }
        let (kind, handle) = (VaultEvent.Kind.grantReplaced, attempt.handle)
        let commit = Commit { [self] result in
            guard case .success(let committed) = result, committed.fate == .changed else { return }
            publish(kind, attempt.id)
        }
        commit.add(.revise(attempt.key, ReplacedGrant.forgetting(handle: handle)))
        commit.add(.event(entry(attempt, kind, 0)))
        committer.submit(commit)
    }

    func endLate(_ attempt: RefreshAttempt, _ plan: Plan?) {
        let entry = EventEntry(time: time.now(), key: attempt.key, kind: .lateAnswer)
        let commit = Commit { [self] _ in
            publish(.lateAnswer, attempt.id)
            finish(attempt, .success(()), plan)
        }
        commit.add(.event(entry))
        committer.submit(commit)
    }
}
