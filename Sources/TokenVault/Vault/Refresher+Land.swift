// SPDX-License-Identifier: Apache-2.0

// What a provider's answer to a refresh does. Nothing here deletes anything: only `invalid_grant`
// ends a grant, and even then the record stays until somebody disconnects it.
extension Refresher {
    /// Runs on the transport's thread, or where an unsent request is taken back.
    func land(_ sent: Sent, _ verdict: consuming Verdict) {
        let outcome = Self.outcome(verdict)
        let now = time.now()
        let number = sent.flight.number
        let (flight, departures) = shared.withLock { shared in
            let flight = shared.upkeep.flights[number] ?? sent.flight
            shared.requests[number] = nil
            shared.upkeep.land(number, outcome, now, random: randomness.next())
            let departures = shared.upkeep.depart(flight.endpoint, now)
            return (flight, departures.compactMap { shared.requests[$0] })
        }
        send(departures)
        switch outcome {
        case .busy, .failed: recall(flight.lane)
        case .answered, .unsent: break
        }
        // Taken back before it was handed over, whatever the transport would have made of it.
        guard flight.stage == .sent else { return landUnsent(sent) }
        switch consume verdict {
        case .tokens(let reply): store(sent, Cargo(reply, sent, requestedAt: flight.sent))
        case .unsent: landUnsent(sent)
        case .transient(let status, let retryAfterSeconds, _):
            landDelayed(
                sent, VaultError(.providerUnreachable, .upkeep, number: status),
                retryAfterSeconds: retryAfterSeconds)
        case .applicationMisconfigured(let status, _): landRejected(sent, status)
        case .grantLost(let status): landLost(sent, status)
        case .unreadable(_, let body): landUnread(sent, body)
        case .refused(let status, _):
            landDelayed(
                sent, VaultError(.providerRefused, .upkeep, number: status),
                event: .refreshRefused,
                atLeastMilliseconds: RefreshPolicy.refusedMilliseconds)
        }
    }

    /// What the governor learns from an answer.
    private static func outcome(_ verdict: borrowing Verdict) -> Governor.Outcome {
        switch verdict {
        case .refused(let status, _): status == 0 ? .unsent : .answered
        case .unsent: .unsent
        // A 503 that names no time may come from one machine of many behind a balancer.
        case .transient(let status, let retryAfterSeconds, _):
            status == 429 || retryAfterSeconds != nil
                ? .busy(retryAfterSeconds: retryAfterSeconds) : .failed
        default: .answered
        }
    }

    /// Takes back what a pause keeps from leaving, and tells callers who would wait too long.
    func recall(_ lane: Int) {
        let now = time.now()
        let (requests, waiting, code) = shared.withLock { shared in
            let isRejected = shared.upkeep.lanes[lane].isRejected
            let (numbers, ids) = shared.upkeep.recall(lane, now)
            return (
                numbers.compactMap { shared.requests[$0] },
                ids.compactMap { shared.waiters.removeValue(forKey: $0) },
                isRejected ? VaultError.Code.applicationMisconfigured : .providerUnreachable
            )
        }
        for request in requests { _ = request.cancelIfUnsent() }
        for waiter in waiting { waiter.resume(.failure(VaultError(code, .upkeep))) }
        alarm.ring()
    }

    /// No byte was sent, and not for the provider's fault: nothing is counted against anybody.
    private func landUnsent(_ sent: Sent) {
        let isSuperseded = shared.withLock { shared in
            shared.upkeep.flights[sent.flight.number]?.isSuperseded ?? true
        }
        let commit = Commit { [self] _ in
            if isSuperseded {
                finish(sent.flight, .success(()), currentPlan(sent.flight))
            } else if let refusal = sent.refusal {
                // The disk's failure, not the provider's: nothing is counted.
                finish(
                    sent.flight, .failure(refusal),
                    again(sent.flight, milliseconds: Self.strandedMilliseconds))
            } else {
                let error = VaultError(.providerUnreachable, .upkeep, connection: sent.id)
                finish(sent.flight, .failure(error), again(sent.flight))
            }
        }
        if sent.wave == nil { return commit.completion(.success(Committed())) }
        endAttempt(sent, commit)
        committer.submit(commit)
    }

    /// A failure that time may mend; told once, counted after.
    private func landDelayed(
        _ sent: Sent, _ error: VaultError, event: VaultEvent.Kind = .refreshDelayed,
        retryAfterSeconds: Int64? = nil, atLeastMilliseconds: Int64 = 0
    ) {
        let error = sent.id.map { error.concerning($0) } ?? error
        let isFirst = shared.withLock { $0.upkeep.failureCount(sent.flight.key) == 0 }
        let number = Int64(error.number)
        let commit = Commit { [self] _ in
            if isFirst { publish(event, sent.id, number: number) }
            postpone(
                sent.flight, error, retryAfterSeconds: retryAfterSeconds,
                atLeastMilliseconds: atLeastMilliseconds)
        }
        endAttempt(sent, commit)
        if isFirst { commit.add(.event(entry(sent, event, number))) }
        committer.submit(commit)
    }

    /// The application's id, secret or redirect URI is wrong: one alarm for all its connections,
    /// which keep their state and wait for the next probe.
    private func landRejected(_ sent: Sent, _ status: Int) {
        let lane = sent.flight.lane
        let now = time.now()
        let isFirst = shared.withLock { $0.upkeep.lanes[lane].reject(now) }
        let number = Int64(status)
        let error = VaultError(
            .applicationMisconfigured, .upkeep, connection: sent.id, number: status)
        let commit = Commit { [self] _ in
            if isFirst { publish(.applicationRejected, sent.id, number: number) }
            finish(sent.flight, .failure(error), again(sent.flight))
        }
        endAttempt(sent, commit)
        if isFirst {
            let key = store.key(.application, sent.application.text)
            commit.add(
                .event(EventEntry(time: now, key: key, kind: .applicationRejected, number: number)))
        }
        committer.submit(commit)
        recall(lane)
    }

    /// Red: the user must connect again. No further attempt is made, and it is told once.
    private func landLost(_ sent: Sent, _ status: Int) {
        let error = VaultError(.grantLost, .upkeep, connection: sent.id, number: status)
        noteAccepted(sent)
        rewrite(sent, event: .grantLost, number: Int64(status), addedBytesMax: 0) {
            (record) throws(VaultError) in
            try record.set(ConnectionState.failed)
        } then: { [self] in
            finish(sent.flight, .failure(error), nil)
        }
    }

    /// A 200 that is no token response may still hold the only copy of a new refresh token: it is
    /// sealed before anybody judges it, and the refresh is tried again.
    private func landUnread(_ sent: Sent, _ body: consuming Secret?) {
        let error = VaultError(.providerAnswerUnreadable, .upkeep, connection: sent.id)
        guard let body else { return landDelayed(sent, error, event: .replyUnread) }
        let kept = Kept(body)
        let count = kept.body.count
        rewrite(sent, event: .replyUnread, number: Int64(count), addedBytesMax: count) {
            (record) throws(VaultError) in
            guard count <= TokenSet.tokenBytesMax else { return }
            try record.keepUnread(kept.body)
        } then: { [self] in
            postpone(sent.flight, error)
        }
    }

    private final class Kept: Sendable {
        let body: Secret
        init(_ body: consuming Secret) { self.body = body }
    }

    /// Changes the record the flight was made for, unless it has moved on, and ends the attempt.
    private func rewrite(
        _ sent: Sent, event: VaultEvent.Kind, number: Int64, addedBytesMax: Int,
        _ change: @escaping @Sendable (inout ConnectionRecord) throws(VaultError) -> Void,
        then end: @escaping @Sendable () -> Void
    ) {
        let entry = entry(sent, event, number)
        let failure = ConnectionRecord.Failure(
            code: event.code, status: Int32(clamping: number), time: entry.time)
        let revision = Revision(addedBytesMax: addedBytesMax) {
            [self] (record, header) throws(VaultError) in
            guard record.state == .active, try isCurrent(record, header, sent) else {
                return .leave
            }
            try change(&record)
            try record.set(failure)
            return .change
        }
        let commit = Commit { [self] result in
            switch result {
            case .success(let committed) where committed.fate == .changed:
                publish(event, sent.id, number: number)
                end()
            // Fresh elsewhere: the record has moved on, and this failure counts for nothing.
            case .success: finish(sent.flight, .success(()), currentPlan(sent.flight))
            case .failure(let error): postpone(sent.flight, error)
            }
        }
        commit.mustLand = true
        commit.add(.revise(sent.flight.key, revision))
        endAttempt(sent, commit)
        commit.add(.event(entry))
        committer.submit(commit)
    }

    private func entry(_ sent: Sent, _ kind: VaultEvent.Kind, _ number: Int64) -> EventEntry {
        EventEntry(time: time.now(), key: sent.flight.key, kind: kind, number: number)
    }

    /// Whether the record still holds the pair that this answer replaces.
    func isCurrent(
        _ record: borrowing ConnectionRecord, _ header: SealedRecord.Header, _ sent: Sent
    ) throws(VaultError) -> Bool {
        if header.generation == sent.generation { return true }
        guard let token = record.fields.range(ConnectionTag.refreshToken) else { return false }
        return store.fingerprint(record.fields.bytes.extracting(token)) == sent.pair
    }
}
