// SPDX-License-Identifier: Apache-2.0

// What a provider's answer to a refresh does. Nothing here deletes anything: only `invalid_grant`,
// and what the provider's definition lists beside it, ends a grant, and even then the record stays
// until somebody disconnects it.
extension Refresher {
    /// Runs on the transport's thread, or where an unsent request is taken back.
    func answered(_ attempt: RefreshAttempt, _ verdict: consuming Verdict) {
        let outcome = Self.outcome(verdict)
        let bearing = Self.bearing(verdict)
        let answer = RefreshAnswer(verdict)
        let refusal = Self.refusal(verdict).map {
            (kind: $0.kind, status: Self.number($0.status, of: attempt))
        }
        let status = Self.number(Self.status(verdict), of: attempt)
        let now = time.now()
        let (passage, finding, admitted, rings, isToldRejected) = shared.withLock { shared in
            let passage = Passage(attempt)
            let wasFull = shared.upkeep.isFullOfListeners
            shared.upkeep.answered(attempt, outcome, now, random: randomness.next())
            if passage.wasOut, let answer {
                shared.upkeep.answers.add(
                    shared.upkeep.queues[attempt.queue].answersNumber, answer)
            }
            // Before the next one of this application leaves.
            let finding =
                passage.wasOut
                ? shared.upkeep.judge(
                    attempt, bearing, refusal: refusal,
                    prospect: Self.prospect(attempt, shared), now)
                : UpkeepState.Finding()
            let admitted = shared.sendsNothing ? [] : shared.upkeep.admit(attempt.endpoint, now)
            return (
                passage, finding, admitted,
                finding.wakes || shared.upkeep.wantsMore(attempt.endpoint)
                    || shared.upkeep.waitsForTime(attempt.endpoint, now)
                    || wasFull && !shared.upkeep.isFullOfListeners,
                !shared.toldRejected.isEmpty
            )
        }
        send(admitted)
        if rings { alarm.ring() }
        switch outcome {
        case .busy, .failed: recall(attempt.queue, at: attempt.endpoint)
        case .answered, .unsent: break
        }
        if finding.isAlarm { announceRejection(attempt, status) }
        if isToldRejected, bearing == .accepted { announceAcceptance(attempt.source.application) }
        if let lost = finding.lost { storeBelieved(lost.key, lost.refusal) }
        if bearing != .accepted || !passage.wasOut { attempt.kept?.wipe() }
        // Taken back before it was handed over, whatever the transport would have made of it.
        guard passage.wasOut else { return endUnsent(attempt) }
        conclude(attempt, verdict, passage, finding, refusal?.kind ?? .unknown)
    }

    /// How an attempt was out when its answer came.
    struct Passage {
        let wasOut: Bool
        /// Whether the answer came after the deadline.
        let isLate: Bool
        /// When it was asked for.
        let requestedAt: UnixTime

        init(_ attempt: RefreshAttempt) {
            wasOut = attempt.isOut
            isLate = attempt.stage == .overdue
            requestedAt = attempt.sent
        }
    }

    /// What was to be expected of the grant. A lost answer means nothing where the same refresh
    /// token is taken again.
    private static func prospect(
        _ attempt: RefreshAttempt, _ shared: borrowing Shared
    ) -> UpkeepState.Prospect {
        if attempt.source.isOver { return .over }
        guard shared.doubts[attempt.key] != nil else { return .good }
        return shared.upkeep.queues[attempt.queue].limits.isAnswerPrecious ? .doubtful : .good
    }

    /// What follows for the connection from an answer to what was sent.
    private func conclude(
        _ attempt: RefreshAttempt, _ verdict: consuming Verdict, _ passage: Passage,
        _ finding: UpkeepState.Finding, _ kind: Refusal.Kind
    ) {
        let number = Self.number(Self.status(verdict), of: attempt)
        switch consume verdict {
        case .tokens(let reply):
            store(NewTokens(reply, attempt, passage), isAccepted: finding.isAccepted)
        // Where it had been handed over, a block for its answer was missing, or a pause began.
        case .unsent: endUnsent(attempt, milliseconds: Self.scarceMilliseconds)
        case .transient(let delay, let retryAfterSeconds):
            let retryTime = RefreshPolicy.pauseEnd(retryAfterSeconds, time.now())
            storeDelayed(
                attempt, VaultError(delay, .upkeep, retryTime: retryTime),
                number: delay.eventNumber,
                retryAfterSeconds: retryAfterSeconds,
                effect: Effect(status: delay.status, wasSent: delay.wasSent))
        case .applicationMisconfigured(_, .invalidClient):
            storeRejected(attempt, number, finding)
        case .grantLost(let status) where !finding.isDoubted: storeLost(attempt, status)
        case .unread(_, let body, let cause):
            storeUnread(attempt, body, cause, requestedAt: passage.requestedAt)
        // A page, nothing, half an answer: what the provider did nobody knows.
        case .unreadable(let status):
            storeDelayed(
                attempt, VaultError(.providerAnswerUnreadable, .upkeep, number: status),
                number: Int64(status), effect: .inDoubt)
        case .notAllowed(let cause):
            let error = VaultError(.endpointRefused, .upkeep, cause, attempt.source.endpoint)
            storeDelayed(
                attempt, error, event: .refreshRefused, number: error.eventNumber,
                atLeastMilliseconds: RefreshPolicy.refusedMilliseconds, effect: .none)
        case .applicationMisconfigured:
            storeRefused(attempt, number, .application, finding, .none)
        case .grantLikelyLost(let status): storeRefused(attempt, status, .grant, finding, .none)
        case .grantLost(let status):
            storeRefused(attempt, Self.number(status, .invalidGrant), .grant, finding, .known)
        case .refused(_, let error):
            // A gateway's 403 or 404 says nothing about the refresh token.
            storeRefused(attempt, number, kind, finding, error == nil ? .none : .known)
        }
    }

    /// What the governor learns from an answer.
    private static func outcome(_ verdict: borrowing Verdict) -> Governor.Outcome {
        switch verdict {
        case .unsent: .unsent
        case .notAllowed: .unsent
        // A 503 that names no time may come from one machine of many behind a balancer.
        case .transient(let delay, let retryAfterSeconds):
            delay.status == 429 || retryAfterSeconds != nil
                ? .busy(retryAfterSeconds: retryAfterSeconds) : .failed
        default: .answered
        }
    }

    /// Takes back what a pause keeps from leaving, and tells callers who would wait too long.
    func recall(_ queue: Int, at endpoint: Int) {
        let now = time.now()
        let (attempts, callers) = shared.withLock { $0.upkeep.recall(queue, at: endpoint, now) }
        for attempt in attempts { _ = attempt.request?.cancelIfUnsent() }
        if !callers.isEmpty {
            let error = closedBecause(queue, at: endpoint)
            for caller in callers { caller.resume(.failure(error)) }
        }
        alarm.ring()
    }

    /// No byte was sent, and not for the provider's fault: nothing is counted against anybody.
    private func endUnsent(_ attempt: RefreshAttempt, milliseconds: Int64 = 0) {
        if isReplaced(attempt) { return endSuperseded(attempt) }
        let commit = Commit { [self] _ in
            if isOutdated(attempt) {
                finish(
                    attempt, .failure(VaultError(.generationChanged, .upkeep)),
                    again(attempt))
            } else if let refusal = attempt.refusal {
                // The disk's failure, not the provider's: nothing is counted.
                let wait =
                    refusal.code == .storageFailed
                    ? RefreshPolicy.backoffMillisecondsMax : Self.storeAgainMilliseconds
                finish(attempt, .failure(refusal), again(attempt, milliseconds: wait))
            } else {
                let error =
                    shared.withLock { $0.sendsNothing }
                    ? VaultError(.closed, .upkeep)
                    : closedBecause(attempt.queue, at: attempt.endpoint, attempt.key)
                finish(
                    attempt, .failure(attempt.id.map { error.concerning($0) } ?? error),
                    again(attempt, milliseconds: milliseconds))
            }
        }
        submitEnd(attempt, commit)
    }

    /// Whether somebody stored other tokens since the request was made.
    func isReplaced(_ attempt: RefreshAttempt) -> Bool {
        shared.withLock { _ in attempt.isSuperseded || attempt.stage == .ended }
    }

    /// Whether the application was changed since the request was made.
    func isOutdated(_ attempt: RefreshAttempt) -> Bool {
        shared.withLock {
            $0.upkeep.queues[attempt.queue].revision != attempt.revision
        }
    }

    /// What becomes of a request whose tokens were replaced does not concern the new ones, and its
    /// callers get those.
    func endSuperseded(_ attempt: RefreshAttempt) {
        submitEnd(
            attempt,
            Commit { [self] _ in finish(attempt, .success(()), currentPlan(attempt)) })
    }

    /// Whether an attempt's failure is to be told; to be asked once for each. An orphan's is not.
    func isNews(_ attempt: RefreshAttempt, _ kind: VaultEvent.Kind, _ number: Int64) -> Bool {
        shared.withLock {
            !attempt.isOrphan && $0.upkeep.tells(attempt.key, kind.code, number)
        }
    }

    /// Ends the attempt, if it was recorded.
    func submitEnd(_ attempt: RefreshAttempt, _ commit: Commit) {
        if attempt.batch == nil { return commit.completion(.success(Committed())) }
        endAttempt(attempt, .none, commit)
        // It was recorded, and could not be recorded anew.
        commit.mayUseReserve = attempt.refusal != nil
        committer.submit(commit)
    }

    /// A failure that time may mend; told where it is not what was told last, and counted after.
    ///
    /// - Parameters:
    ///   - number: what the event says of it.
    ///   - effect: what the provider may have done.
    func storeDelayed(
        _ attempt: RefreshAttempt, _ error: VaultError, event: VaultEvent.Kind = .refreshDelayed,
        number: Int64 = 0, retryAfterSeconds: Int64? = nil, atLeastMilliseconds: Int64 = 0,
        effect: Effect
    ) {
        if isReplaced(attempt) { return endSuperseded(attempt) }
        let error = attempt.id.map { error.concerning($0) } ?? error
        let isNews = isNews(attempt, event, number)
        let pauseEnd = RefreshPolicy.pauseEnd(retryAfterSeconds, time.now())
        let note = isNews ? entry(attempt, event, number) : nil
        submitEnd(attempt, note: note, pauseEnd: pauseEnd, effect) { [self] in
            if isNews { publish(event, attempt.id, number: number) }
            postpone(
                attempt, error, retryAfterSeconds: retryAfterSeconds,
                atLeastMilliseconds: atLeastMilliseconds)
        }
    }
}
