// SPDX-License-Identifier: Apache-2.0

// New tokens on their way into the store: at once, as soon as that works, or not ever.
extension Refresher {
    /// Tokens that came, kept whole until they are durable or not wanted.
    final class Cargo: @unchecked Sendable {
        let sent: Sent
        let reply: TokenReply
        let terms: ConnectionRecord.Terms
        let requestedAt: UnixTime
        /// Whether they came after the deadline.
        let isLate: Bool
        // Written before the tokens are first given to the writer.
        fileprivate var news = News()
        // What the writer's thread found out while it stored the tokens.
        fileprivate var plan: Plan?

        /// - Parameter flight: as it was when they came.
        init(_ reply: consuming TokenReply, _ sent: Sent, _ flight: Flight) {
            let requestedAt = flight.sent
            terms = ConnectionRecord.Terms(
                reply, requestedAt: requestedAt, providerLifetime: sent.providerLifetime,
                applicationLifetime: sent.applicationLifetime)
            self.sent = sent
            self.reply = reply
            self.requestedAt = requestedAt
            isLate = flight.stage == .overdue
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
    func store(_ cargo: Cargo, isAccepted: Bool) {
        let flight = cargo.sent.flight
        cargo.news = shared.withLock { shared in
            // What failed since is of the next life, or of other tokens.
            let isCurrent = shared.upkeep.isCurrent(flight)
            let hadFailed = isCurrent && shared.upkeep.clearFailures(flight.key)
            let doubt = Self.takeDoubt(cargo.sent, &shared)
            // What an earlier process left is told, and so is its end.
            let wasTold =
                cargo.isLate || cargo.sent.isTroubled
                || doubt != nil && earlier[flight.key] != nil
            return News(
                isAccepted: isAccepted, isRecovered: hadFailed || isCurrent && wasTold,
                isAwaited: shared.upkeep.isAwaited(flight.number), doubt: doubt)
        }
        submit(cargo)
    }

    private func submit(_ cargo: Cargo) {
        let now = time.now()
        let sent = cargo.sent
        // Without a new refresh token the old one stays, and has to be read.
        let kept = cargo.reply.hasRefreshToken || sent.isExchange ? sent.kept : nil
        let revision = Revision(addedBytesMax: cargo.reply.byteCount, kept: kept) {
            [self] (record, header) throws(VaultError) in
            // Somebody stored another pair, in this life or the next. What came is of no use, but
            // to revoke it could end the grant that the newer pair is of.
            guard isCurrent(record, header, cargo.sent) else {
                cargo.plan = plan(record, cargo.sent.flight.lane)
                return .leave
            }
            if sent.isExchange { try record.forgetRefreshToken() }
            try record.adopt(cargo.reply, cargo.terms, requestStart: cargo.requestedAt)
            try record.fields.set(ConnectionTag.refreshed, time: now)
            try record.fields.set(ConnectionTag.refreshCount, integer: record.refreshCount + 1)
            cargo.plan = plan(record, cargo.sent.flight.lane)
            return .change
        }
        let commit = Commit { [self] result in
            let (sent, news) = (cargo.sent, cargo.news)
            // What did not come to use must not wait for a revocation.
            sent.kept?.wipe()
            switch result {
            case .success(let committed) where committed.fate == .changed:
                if news.isRecovered || news.isAccepted { publish(.recovered, sent.id) }
                if feed.tellsRefreshes { publish(.refreshed, sent.id) }
                finish(sent.flight, .success(()), cargo.plan)
            case .success(let committed) where committed.fate == .left:
                landReplaced(sent, cargo)
            case .success: landLate(sent, cargo)
            case .failure(let error): strand(sent, error) { [self] in submit(cargo) }
            }
        }
        commit.mustLand = true
        commit.isPatient = !cargo.news.isAwaited
        commit.add(.revise(sent.flight.key, revision))
        endAttempt(sent, doubt: cargo.news.doubt, commit)
        if cargo.news.isRecovered {
            commit.add(.event(EventEntry(time: now, key: sent.flight.key, kind: .recovered)))
        }
        committer.submit(commit)
    }

    /// Between attempts to store what could not be stored, in milliseconds.
    static let strandedMilliseconds: Int64 = 1000
    /// How often that doubles, where it is not room that is short: to about a minute. A record that
    /// is damaged may never take the tokens, and they are the only ones there are.
    static let strandedDoublingsMax = 6

    /// New tokens that cannot be stored at this moment: the callers are told, but the flight stays
    /// out with its cargo, so that the old refresh token is not presented again, and is stored as
    /// soon as that works.
    func strand(
        _ sent: Sent, _ error: VaultError, _ retry: @escaping @Sendable () -> Void
    ) {
        let (waiting, isNews) = shared.withLock { shared in
            let isNews = error.isOfStorage && shared.storage.note(.stranded(sent.flight.number))
            var ids = shared.upkeep.dismissWaiters(sent.flight.number)
            // All places are taken by what the disk refuses: nobody who waits for one has a chance.
            if shared.upkeep.isFull, shared.storage.isPresent {
                ids += shared.upkeep.dismissAllDemands()
            }
            return (ids.compactMap { shared.waiters.removeValue(forKey: $0) }, isNews)
        }
        if isNews { publishStorage(true) }
        for waiter in waiting { waiter.resume(.failure(error)) }
        var wait = Self.strandedMilliseconds
        if !error.isOfStorage, !error.isPassing {
            wait <<= Int64(min(sent.strandedCount, Self.strandedDoublingsMax))
            sent.strandedCount += 1
        }
        let isKept = after(milliseconds: wait, retry)
        // The vault is closed: there is no later. The attempt stays in doubt.
        if !isKept { finish(sent.flight, .failure(error), nil) }
    }

    /// The life that asked is over: what came is revoked, never stored.
    private func landLate(_ sent: Sent, _ cargo: Cargo) {
        do throws(VaultError) {
            let application = try store.application(sent.application)
            try Revocation(network).send(application, cargo.reply) { [self] _ in
                endLate(sent, nil)
            }
        } catch {
            endLate(sent, nil)
        }
    }

    /// Somebody stored other tokens: what came is revoked too where those are of another grant, and
    /// the one before is to be.
    private func landReplaced(_ sent: Sent, _ cargo: Cargo) {
        let replaced = shared.withLock { $0.replaced.removeValue(forKey: sent.flight.number) }
        guard let replaced else { return endLate(sent, cargo.plan) }
        do throws(VaultError) {
            let application = try store.application(sent.application)
            try Revocation(network).send(application, cargo.reply) { [self] outcomes in
                if outcomes.isComplete { endReplaced(replaced, sent) }
                endLate(sent, cargo.plan)
            }
        } catch {
            endLate(sent, cargo.plan)
        }
    }

    /// Nothing of a grant that was said to be left is any more.
    func endReplaced(_ replaced: ReplacedGrant, _ sent: Sent) {
        guard replaced.complete() else { return }
        let (kind, slot) = (VaultEvent.Kind.grantReplaced, sent.flight.slot)
        let commit = Commit { [self] result in
            guard case .success(let committed) = result, committed.fate == .changed else { return }
            publish(kind, sent.id)
        }
        commit.add(.revise(sent.flight.key, ReplacedGrant.forgetting(slot: slot)))
        commit.add(.event(entry(sent, kind, 0)))
        committer.submit(commit)
    }

    func endLate(_ sent: Sent, _ plan: Plan?) {
        let entry = EventEntry(time: time.now(), key: sent.flight.key, kind: .lateAnswer)
        let commit = Commit { [self] _ in
            publish(.lateAnswer, sent.id)
            finish(sent.flight, .success(()), plan)
        }
        commit.add(.event(entry))
        committer.submit(commit)
    }
}
