// SPDX-License-Identifier: Apache-2.0

// Refreshes that the provider refuses, because of the application or of the grant. Which of
// the two shows when another connection of the application is answered.
extension Refresher {
    /// What the writer's thread found in a record.
    final class Found: @unchecked Sendable {
        var expiry: UnixTime?
        var isExpired = false
        /// Why the connection is not refreshed any more, where something else found that out.
        var end: VaultError?
    }

    /// The provider refuses this connection, and nobody knows whether for good. It is asked again,
    /// ever more seldom; red where its token has expired.
    ///
    /// - Parameters:
    ///   - status: with the error that came with it; see `FailureNumber`.
    ///   - effect: what the provider may have done.
    func storeRefused(
        _ attempt: RefreshAttempt, _ status: Int, _ kind: Refusal.Kind,
        _ finding: UpkeepState.Finding,
        _ effect: Effect
    ) {
        if isReplaced(attempt) { return endSuperseded(attempt) }
        if finding.isOutdated { return endOutdated(attempt) }
        let found = Found()
        let isNews = isNews(attempt, .refreshRefused, Int64(status))
        let entry = entry(attempt, .refreshRefused, Int64(status))
        let commit = Commit { [self] result in
            switch result {
            case .success(let committed) where committed.fate != .changed:
                finishElsewhere(attempt, found.end)
            case .success, .failure:
                if isNews { publish(.refreshRefused, attempt.id, number: Int64(status)) }
                putOff(attempt, status, isRejected: finding.isRejected, found)
            }
        }
        commit.add(
            .revise(
                attempt.key,
                refusing(
                    attempt, .refreshRefused, status, kind, finding, entry.time, found)))
        endAttempt(attempt, effect, commit)
        if isNews { commit.add(.event(entry)) }
        committer.submit(commit)
    }

    /// The application was changed since the request was made: whatever was wrong with it then.
    private func endOutdated(_ attempt: RefreshAttempt) {
        let error = VaultError(.generationChanged, .upkeep, connection: attempt.id)
        submitEnd(
            attempt, Commit { [self] _ in finish(attempt, .failure(error), again(attempt)) })
    }

    /// By how many bytes a refusal makes a record longer: failure, kind and two generations.
    private static let refusalBytesMax = 4 * (Fields.headBytes + 14)

    /// Writes a refusal into the record the attempt was made for.
    private func refusing(
        _ attempt: RefreshAttempt, _ event: VaultEvent.Kind, _ status: Int, _ kind: Refusal.Kind,
        _ finding: UpkeepState.Finding,
        _ now: UnixTime, _ found: Found
    ) -> Revision {
        Revision(addedBytesMax: Self.refusalBytesMax) {
            [self] (record, version) throws(VaultError) in
            guard record.state == .active, isCurrent(record, version, attempt) else {
                found.end = record.ending(.upkeep)
                return .leave
            }
            let lag = stepsBack.lag(record.tokensSince ?? version.generation)
            let theirs = now.adding(milliseconds: lag)
            found.expiry = RefreshPolicy.Lifetime.expiry(
                record, limits(attempt.queue), now: theirs)?.adding(milliseconds: -lag)
            found.isExpired = record.accessTokenExpiry.map { $0 <= theirs } ?? false
            try record.keepTokens(of: version.generation)
            try record.set(
                ConnectionRecord.Failure(
                    code: event.code, status: Int32(clamping: status), time: now))
            try record.fields.set(ConnectionTag.refusal, integer: kind.rawValue | finding.flags)
            return .change
        }
    }

    private func putOff(_ attempt: RefreshAttempt, _ status: Int, isRejected: Bool, _ found: Found)
    {
        let attempt = attempt
        let now = time.now()
        let random = randomness.next()
        let planned = shared.withLock { shared -> UnixTime? in
            if attempt.isSuperseded { return nil }
            // An orphan's failure does not concern the connection's next life.
            if attempt.isOrphan { return now }
            let refusals = shared.upkeep.countFailure(attempt.key, isRefusal: true)
            shared.upkeep.setExpiry(attempt.key, found.expiry)
            return shared.upkeep.pause(
                attempt.key,
                due: RefreshPolicy.refused(now: now, refusals: refusals, random: random), now,
                random: random)
        }
        guard let due = planned else {
            return finish(attempt, .success(()), currentPlan(attempt))
        }
        let code: VaultError.Code =
            isRejected
            ? .applicationMisconfigured
            : found.isExpired ? .notRefreshable : .providerRefused
        let failure = FailureNumber(raw: Int64(status))
        var detail = failure.detail
        if code == .notRefreshable { detail.cause = .refreshRefused }
        let error = VaultError(
            code, .upkeep, connection: attempt.id, number: Int(failure.number), detail: detail)
        finish(
            attempt, .failure(error), Plan(queue: attempt.queue, due: due, death: attempt.death))
    }

    // MARK: Rejected applications

    /// The provider rejects the application: its connections keep their state and wait until one of
    /// those that were refused is let in.
    func storeRejected(_ attempt: RefreshAttempt, _ status: Int, _ finding: UpkeepState.Finding) {
        if finding.isOutdated { return endOutdated(attempt) }
        let failure = FailureNumber(raw: Int64(status))
        let error = VaultError(
            .applicationMisconfigured, .upkeep, connection: attempt.id, number: Int(failure.number),
            detail: failure.detail)
        let isNews = isNews(attempt, .applicationRejected, Int64(status))
        // The alarm is the application's; whoever reads the log of this connection finds it, too.
        let entry = entry(attempt, .applicationRejected, Int64(status))
        let end: @Sendable () -> Void = { [self] in
            finish(
                attempt, .failure(error),
                again(attempt, milliseconds: ApplicationQueue.probeMilliseconds))
        }
        // The client was not let in: nobody looked at the refresh token.
        if finding.isNewRisk {
            let commit = Commit { _ in end() }
            // A restart must not risk another one.
            let refusal = refusing(
                attempt, .applicationRejected, status, .application, finding, entry.time, Found())
            commit.add(.revise(attempt.key, refusal))
            endAttempt(attempt, .none, commit)
            if isNews { commit.add(.event(entry)) }
            committer.submit(commit)
        } else {
            submitEnd(attempt, note: isNews ? entry : nil, .none, end)
        }
        recall(attempt.queue, at: attempt.endpoint)
    }

    /// One alarm for all connections of an application.
    func announceRejection(_ attempt: RefreshAttempt, _ status: Int) {
        let number = Int64(status)
        // Of a client of its own the log of its application says nothing.
        guard attempt.source.own?.clientID == nil else {
            publish(.applicationRejected, attempt.id, number: number)
            return recall(attempt.queue, at: attempt.endpoint)
        }
        noteRejectionTold(attempt.source.application)
        let key = store.key(.application, attempt.source.application.text)
        let commit = Commit { [self] _ in
            publish(.applicationRejected, attempt.id, number: number)
        }
        commit.add(
            .event(
                EventEntry(
                    time: time.now(), key: key, kind: .applicationRejected, number: number)))
        committer.submit(commit)
        recall(attempt.queue, at: attempt.endpoint)
    }

    // MARK: Lost grants

    /// The provider's definition says that such a refusal means a lost grant, and it came before
    /// and after another connection of the same application succeeded: it is believed.
    func storeBelieved(_ key: RecordKey, _ refusal: Refusal) {
        let now = time.now()
        let found = FoundID()
        let revision = Revision(addedBytesMax: Self.refusalBytesMax) {
            (record, version) throws(VaultError) in
            // Else other tokens came since.
            guard record.state == .active, Refusal.Kind(record: record.refusal) == .grant
            else {
                return .leave
            }
            found.id = record.id
            try record.keepTokens(of: version.generation)
            try record.set(ConnectionState.failed)
            try record.set(
                ConnectionRecord.Failure(
                    code: VaultEvent.Kind.grantLost.code, status: Int32(clamping: refusal.status),
                    time: now))
            return .change
        }
        let number = Int64(refusal.status)
        let commit = Commit { [self] result in
            guard case .success(let committed) = result, committed.fate == .changed else {
                return
            }
            schedule(refusal.handle, nil)
            shared.withLock { _ = $0.upkeep.clearFailures(key) }
            publish(.grantLost, found.id, number: number)
        }
        commit.mayUseReserve = true
        commit.add(.revise(key, revision))
        endDoubt(key, commit)
        commit.add(.event(EventEntry(time: now, key: key, kind: .grantLost, number: number)))
        committer.submit(commit)
    }

    private final class FoundID: @unchecked Sendable {
        var id: ConnectionID?
    }
}

extension UpkeepState.Finding {
    /// What a record keeps of it.
    fileprivate var flags: UInt8 {
        (isOld ? Refusal.oldFlag : 0) | (isProbe ? Refusal.probeFlag : 0)
            | (isProven ? Refusal.provenFlag : 0) | (isRisk ? Refusal.riskFlag : 0)
    }
}
