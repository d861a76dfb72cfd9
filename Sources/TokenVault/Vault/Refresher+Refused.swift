// SPDX-License-Identifier: Apache-2.0

// Refreshes that the provider refuses, be it for the application's sake or the grant's. Which of
// the two shows when another connection of the application is answered.
extension Refresher {
    /// What the writer's thread found in a record.
    private final class Found: @unchecked Sendable {
        var expiry: UnixTime?
        var isExpired = false
    }

    /// The provider refuses this connection, and nobody knows whether for good. It is asked again,
    /// ever more seldom; red where its token has expired.
    ///
    /// - Parameters:
    ///   - status: with the error that came with it; see `FailureNumber`.
    ///   - effect: what the provider may have done.
    func landRefused(
        _ sent: Sent, _ status: Int, _ kind: Refusal.Kind, _ finding: UpkeepState.Finding,
        _ effect: Effect
    ) {
        if isReplaced(sent) { return landReplaced(sent) }
        if finding.isOutdated { return landOutdated(sent) }
        let found = Found()
        let isNews = shared.withLock { shared in
            !shared.upkeep.isOrphan(sent.flight.number)
                && shared.upkeep.tells(
                    sent.flight.key, VaultEvent.Kind.refreshRefused.code, Int64(status))
        }
        let entry = entry(sent, .refreshRefused, Int64(status))
        let commit = Commit { [self] result in
            switch result {
            case .success(let committed) where committed.fate != .changed:
                finish(sent.flight, .success(()), currentPlan(sent.flight))
            case .success, .failure:
                if isNews { publish(.refreshRefused, sent.id, number: Int64(status)) }
                putOff(sent, status, isRejected: finding.isRejected, found)
            }
        }
        commit.add(
            .revise(
                sent.flight.key,
                refusing(
                    sent, .refreshRefused, status, kind, finding, entry.time, found)))
        endAttempt(sent, effect, commit)
        if isNews { commit.add(.event(entry)) }
        committer.submit(commit)
    }

    /// The application was changed since the request was made: whatever was wrong with it then.
    private func landOutdated(_ sent: Sent) {
        let error = VaultError(.generationChanged, .upkeep, connection: sent.id)
        submitEnd(
            sent, Commit { [self] _ in finish(sent.flight, .failure(error), again(sent.flight)) })
    }

    /// By how many bytes a refusal makes a record longer: failure, kind and two generations.
    private static let refusalBytesMax = 4 * (Fields.headBytes + 14)

    /// Writes a refusal into the record the flight was made for.
    private func refusing(
        _ sent: Sent, _ event: VaultEvent.Kind, _ status: Int, _ kind: Refusal.Kind,
        _ finding: UpkeepState.Finding,
        _ now: UnixTime, _ found: Found
    ) -> Revision {
        Revision(addedBytesMax: Self.refusalBytesMax) {
            [self] (record, header) throws(VaultError) in
            guard record.state == .active, isCurrent(record, header, sent) else {
                return .leave
            }
            let lag = stepsBack.lag(record.tokensSince ?? header.generation)
            let theirs = now.adding(milliseconds: lag)
            found.expiry = RefreshPolicy.Lifetime.expiry(
                record, limits(sent.flight.lane), now: theirs)?.adding(milliseconds: -lag)
            found.isExpired = record.accessTokenExpiry.map { $0 <= theirs } ?? false
            try record.keepTokens(of: header.generation)
            try record.set(
                ConnectionRecord.Failure(
                    code: event.code, status: Int32(clamping: status), time: now))
            try record.fields.set(ConnectionTag.refusal, integer: kind.rawValue | finding.flags)
            return .change
        }
    }

    private func putOff(_ sent: Sent, _ status: Int, isRejected: Bool, _ found: Found) {
        let flight = sent.flight
        let now = time.now()
        let random = randomness.next()
        let planned = shared.withLock { shared -> UnixTime? in
            if shared.upkeep.isSuperseded(flight.number) { return nil }
            // What an orphan meets is nothing to the connection's next life.
            if shared.upkeep.isOrphan(flight.number) { return now }
            let refusals = shared.upkeep.countFailure(flight.key, isRefusal: true)
            shared.upkeep.setExpiry(flight.key, found.expiry)
            return shared.upkeep.pause(
                flight.key,
                due: RefreshPolicy.refused(now: now, refusals: refusals, random: random), now,
                random: random)
        }
        guard let due = planned else {
            return finish(flight, .success(()), currentPlan(flight))
        }
        let code: VaultError.Code =
            isRejected
            ? .applicationMisconfigured
            : found.isExpired ? .notRefreshable : .providerRefused
        let failure = FailureNumber(raw: Int64(status))
        var detail = failure.detail
        if code == .notRefreshable { detail.cause = .refreshRefused }
        let error = VaultError(
            code, .upkeep, connection: sent.id, number: Int(failure.number), detail: detail)
        finish(
            flight, .failure(error), Plan(lane: flight.lane, due: due, death: flight.death))
    }

    // MARK: Rejected applications

    /// The provider rejects the application: its connections keep their state and wait until one of
    /// those that were refused is let in.
    func landRejected(_ sent: Sent, _ status: Int, _ finding: UpkeepState.Finding) {
        if finding.isOutdated { return landOutdated(sent) }
        let failure = FailureNumber(raw: Int64(status))
        let error = VaultError(
            .applicationMisconfigured, .upkeep, connection: sent.id, number: Int(failure.number),
            detail: failure.detail)
        let isNews = shared.withLock { shared in
            !shared.upkeep.isOrphan(sent.flight.number)
                && shared.upkeep.tells(
                    sent.flight.key, VaultEvent.Kind.applicationRejected.code, Int64(status))
        }
        // The alarm is the application's; whoever reads the log of this connection finds it, too.
        let entry = entry(sent, .applicationRejected, Int64(status))
        let end: @Sendable () -> Void = { [self] in
            finish(
                sent.flight, .failure(error),
                again(sent.flight, milliseconds: Lane.probeMilliseconds))
        }
        // The client was not let in: nobody looked at the refresh token.
        if finding.isNewRisk {
            let commit = Commit { _ in end() }
            // A restart must not risk another one.
            let refusal = refusing(
                sent, .applicationRejected, status, .application, finding, entry.time, Found())
            commit.add(.revise(sent.flight.key, refusal))
            endAttempt(sent, .none, commit)
            if isNews { commit.add(.event(entry)) }
            committer.submit(commit)
        } else {
            submitEnd(sent, note: isNews ? entry : nil, .none, end)
        }
        recall(sent.flight.lane, at: sent.flight.endpoint)
    }

    /// One alarm for all connections of an application.
    func announceRejection(_ sent: Sent, _ status: Int) {
        let number = Int64(status)
        noteRejectionTold(sent.application)
        let key = store.key(.application, sent.application.text)
        let commit = Commit { [self] _ in
            publish(.applicationRejected, sent.id, number: number)
        }
        commit.add(
            .event(
                EventEntry(
                    time: time.now(), key: key, kind: .applicationRejected, number: number)))
        committer.submit(commit)
        recall(sent.flight.lane, at: sent.flight.endpoint)
    }

    // MARK: Lost grants

    /// The provider's definition says that such a refusal means a lost grant, and it came before
    /// and after another connection of the same application succeeded: it is believed.
    func landBelieved(_ key: RecordKey, _ refusal: Refusal) {
        let now = time.now()
        let found = FoundID()
        let revision = Revision(addedBytesMax: Self.refusalBytesMax) {
            (record, header) throws(VaultError) in
            // Else other tokens came since.
            guard record.state == .active, Refusal.Kind(record: record.refusal) == .grant
            else {
                return .leave
            }
            found.id = record.id
            try record.keepTokens(of: header.generation)
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
            schedule(refusal.slot, nil)
            shared.withLock { _ = $0.upkeep.clearFailures(key) }
            publish(.grantLost, found.id, number: number)
        }
        commit.mustLand = true
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
