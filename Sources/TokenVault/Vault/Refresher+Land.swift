// SPDX-License-Identifier: Apache-2.0

// What a provider's answer to a refresh does. Nothing here deletes anything: only `invalid_grant`,
// and what the provider's definition lists beside it, ends a grant, and even then the record stays
// until somebody disconnects it.
extension Refresher {
    /// Runs on the transport's thread, or where an unsent request is taken back.
    func land(_ sent: Sent, _ verdict: consuming Verdict) {
        let outcome = Self.outcome(verdict)
        let bearing = Self.bearing(verdict)
        let refusal = Self.refusal(verdict)
        let status = Self.status(verdict)
        let now = time.now()
        let number = sent.flight.number
        let (flight, finding, departures, rings, isToldRejected) = shared.withLock { shared in
            let flight = shared.upkeep.flights[number] ?? sent.flight
            let wasFull = shared.upkeep.isFullOfListeners
            shared.outgoing[number] = nil
            shared.upkeep.land(number, outcome, now, random: randomness.next())
            // Before the next one of this application leaves.
            let finding =
                flight.isOut
                ? shared.upkeep.judge(
                    flight, bearing, refusal: refusal,
                    prospect: Self.prospect(sent, flight, shared), now)
                : UpkeepState.Finding()
            let departures =
                shared.sendsNothing ? [] : shared.upkeep.depart(flight.endpoint, now)
            return (
                flight, finding, departures.compactMap { shared.outgoing[$0]?.request },
                finding.wakes || shared.upkeep.isHungry(flight.endpoint)
                    || shared.upkeep.waitsForTime(flight.endpoint, now)
                    || wasFull && !shared.upkeep.isFullOfListeners,
                !shared.toldRejected.isEmpty
            )
        }
        send(departures)
        if rings { alarm.ring() }
        switch outcome {
        case .busy, .failed: recall(flight.lane, at: flight.endpoint)
        case .answered, .unsent: break
        }
        if finding.isAlarm { announceRejection(sent, status) }
        if isToldRejected, bearing == .accepted { announceAcceptance(sent.application) }
        if let lost = finding.lost { landBelieved(lost.key, lost.refusal) }
        if bearing != .accepted || !flight.isOut { sent.kept?.wipe() }
        // Taken back before it was handed over, whatever the transport would have made of it.
        guard flight.isOut else { return landUnsent(sent) }
        conclude(sent, verdict, flight, finding, refusal?.kind ?? .unknown)
    }

    /// What was to be expected of the grant. A lost answer means nothing where the same refresh
    /// token is taken again.
    private static func prospect(
        _ sent: Sent, _ flight: Flight, _ shared: borrowing Shared
    ) -> UpkeepState.Prospect {
        if sent.isOver { return .over }
        guard shared.doubts[flight.key] != nil else { return .good }
        return shared.upkeep.lanes[flight.lane].limits.isAnswerPrecious ? .doubtful : .good
    }

    /// What follows for the connection from an answer to what was sent.
    private func conclude(
        _ sent: Sent, _ verdict: consuming Verdict, _ flight: Flight,
        _ finding: UpkeepState.Finding, _ kind: Refusal.Kind
    ) {
        switch consume verdict {
        case .tokens(let reply):
            store(Cargo(reply, sent, flight), isAccepted: finding.isAccepted)
        // Where it had been handed over, a slot for its answer was missing, or a pause began.
        case .unsent: landUnsent(sent, milliseconds: Self.scarceMilliseconds)
        case .transient(let delay, let retryAfterSeconds):
            let retryTime = RefreshPolicy.pauseEnd(retryAfterSeconds, time.now())
            landDelayed(
                sent, VaultError(delay, .upkeep, retryTime: retryTime), number: delay.eventNumber,
                retryAfterSeconds: retryAfterSeconds,
                effect: Effect(status: delay.status, wasSent: delay.wasSent))
        case .applicationMisconfigured(let status, .invalidClient):
            landRejected(sent, Self.number(status, .invalidClient), finding)
        case .grantLost(let status) where !finding.isDoubted: landLost(sent, status)
        case .unread(_, let body): landUnread(sent, body, requestedAt: flight.sent)
        // A page, nothing, half an answer: what the provider did nobody knows.
        case .unreadable(let status):
            landDelayed(
                sent, VaultError(.providerAnswerUnreadable, .upkeep, number: status),
                number: Int64(status), effect: .inDoubt)
        case .notAllowed(let cause):
            let error = VaultError(.endpointRefused, .upkeep, cause, .tokenEndpoint)
            landDelayed(
                sent, error, event: .refreshRefused, number: error.eventNumber,
                atLeastMilliseconds: RefreshPolicy.refusedMilliseconds, effect: .none)
        case .applicationMisconfigured(let status, let error):
            landRefused(sent, Self.number(status, error), .application, finding, .none)
        case .grantLikelyLost(let status): landRefused(sent, status, .grant, finding, .none)
        case .grantLost(let status):
            landRefused(sent, Self.number(status, .invalidGrant), .grant, finding, .known)
        case .refused(let status, let error):
            // A gateway's 403 or 404 says nothing about the refresh token.
            landRefused(
                sent, Self.number(status, error), kind, finding, error == nil ? .none : .known)
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
    func recall(_ lane: Int, at endpoint: Int) {
        let now = time.now()
        let (requests, waiting) = shared.withLock { shared in
            let (numbers, ids) = shared.upkeep.recall(lane, at: endpoint, now)
            return (
                numbers.compactMap { shared.outgoing[$0]?.request },
                ids.compactMap { shared.waiters.removeValue(forKey: $0) }
            )
        }
        for request in requests { _ = request.cancelIfUnsent() }
        if !waiting.isEmpty {
            let error = closedBecause(lane, at: endpoint)
            for waiter in waiting { waiter.resume(.failure(error)) }
        }
        alarm.ring()
    }

    /// No byte was sent, and not for the provider's fault: nothing is counted against anybody.
    private func landUnsent(_ sent: Sent, milliseconds: Int64 = 0) {
        if isReplaced(sent) { return landReplaced(sent) }
        let commit = Commit { [self] _ in
            if isOutdated(sent) {
                finish(
                    sent.flight, .failure(VaultError(.generationChanged, .upkeep)),
                    again(sent.flight))
            } else if let refusal = sent.refusal {
                // The disk's failure, not the provider's: nothing is counted.
                let wait =
                    refusal.code == .storageFailed
                    ? RefreshPolicy.backoffMillisecondsMax : Self.strandedMilliseconds
                finish(sent.flight, .failure(refusal), again(sent.flight, milliseconds: wait))
            } else {
                let flight = sent.flight
                let error =
                    shared.withLock { $0.sendsNothing }
                    ? VaultError(.closed, .upkeep)
                    : closedBecause(flight.lane, at: flight.endpoint, flight.key)
                finish(
                    flight, .failure(sent.id.map { error.concerning($0) } ?? error),
                    again(flight, milliseconds: milliseconds))
            }
        }
        submitEnd(sent, commit)
    }

    /// Whether somebody stored other tokens since the request was made.
    func isReplaced(_ sent: Sent) -> Bool {
        shared.withLock { $0.upkeep.flights[sent.flight.number]?.isSuperseded ?? true }
    }

    /// Whether the application was changed since the request was made.
    func isOutdated(_ sent: Sent) -> Bool {
        shared.withLock {
            $0.upkeep.lanes[sent.flight.lane].revision != sent.flight.revision
        }
    }

    /// What becomes of a request whose tokens were replaced is nothing to the new ones, and whoever
    /// waits finds those.
    func landReplaced(_ sent: Sent) {
        submitEnd(
            sent,
            Commit { [self] _ in finish(sent.flight, .success(()), currentPlan(sent.flight)) })
    }

    /// Ends the attempt, if it was recorded.
    func submitEnd(_ sent: Sent, _ commit: Commit) {
        if sent.wave == nil { return commit.completion(.success(Committed())) }
        endAttempt(sent, .none, commit)
        // It was recorded, and could not be recorded anew.
        commit.mustLand = sent.refusal != nil
        committer.submit(commit)
    }

    /// A failure that time may mend; told where it is not what was told last, and counted after.
    ///
    /// - Parameters:
    ///   - number: what the event says of it.
    ///   - effect: what the provider may have done.
    func landDelayed(
        _ sent: Sent, _ error: VaultError, event: VaultEvent.Kind = .refreshDelayed,
        number: Int64 = 0, retryAfterSeconds: Int64? = nil, atLeastMilliseconds: Int64 = 0,
        effect: Effect
    ) {
        if isReplaced(sent) { return landReplaced(sent) }
        let error = sent.id.map { error.concerning($0) } ?? error
        // What an orphan meets concerns nobody any more.
        let isNews = shared.withLock { shared in
            !shared.upkeep.isOrphan(sent.flight.number)
                && shared.upkeep.tells(sent.flight.key, event.code, number)
        }
        let pauseEnd = RefreshPolicy.pauseEnd(retryAfterSeconds, time.now())
        let note = isNews ? entry(sent, event, number) : nil
        submitEnd(sent, note: note, pauseEnd: pauseEnd, effect) { [self] in
            if isNews { publish(event, sent.id, number: number) }
            postpone(
                sent.flight, error, retryAfterSeconds: retryAfterSeconds,
                atLeastMilliseconds: atLeastMilliseconds)
        }
    }
}
