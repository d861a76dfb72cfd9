// SPDX-License-Identifier: Apache-2.0

// What a provider's answer to a refresh does. Nothing here deletes anything: only `invalid_grant`
// ends a grant, and even then the record stays until somebody disconnects it.
extension Refresher {
    /// Runs on the transport's thread.
    func land(_ sent: Sent, _ verdict: consuming Verdict) {
        switch consume verdict {
        case .tokens(let reply): landTokens(sent, reply)
        case .transient(let retryAfterSeconds, _):
            landDelayed(
                sent, VaultError(.providerUnreachable, .upkeep),
                retryAfterSeconds: retryAfterSeconds)
        case .applicationMisconfigured(let status, _): landRejected(sent, status)
        case .grantLost(let status): landLost(sent, status)
        case .unreadable(_, let body): landUnread(sent, body)
        case .refused(let status, _):
            landDelayed(
                sent, VaultError(.providerRefused, .upkeep, number: status),
                event: .refreshRefused,
                atLeastMilliseconds: RefreshPolicy.misconfiguredMilliseconds)
        }
    }

    private func landTokens(_ sent: Sent, _ reply: consuming TokenReply) {
        do throws(VaultError) {
            let tokens = try reply.tokens(
                requestedAt: sent.requestedAt, providerLifetimeSeconds: sent.providerLifetime,
                applicationLifetimeSeconds: sent.applicationLifetime)
            store(sent, Cargo(tokens))
        } catch {
            landDelayed(sent, error)
        }
    }

    func store(_ sent: Sent, _ cargo: Cargo) {
        do throws(VaultError) {
            guard let opened = try store.open(sent.flight.key) else {
                return landLate(sent, cargo)
            }
            let generation = opened.header.generation
            var record = ConnectionRecord(fields: opened.takeFields())
            guard record.state != .disconnecting else { return landLate(sent, cargo) }
            // Somebody stored another pair for this life. What came is of no use, but to revoke it
            // could end the grant that the newer pair is of.
            guard try isSamePair(record, sent) else { return endLate(sent) }
            let now = time.now()
            try record.adopt(cargo.tokens, requestStart: sent.requestedAt)
            try record.fields.set(ConnectionTag.refreshed, time: now)
            try record.fields.set(ConnectionTag.refreshCount, integer: record.refreshCount + 1)
            let deadline = deadline(record)
            let (recovered, accepted) = shared.withLock { shared in
                (
                    shared.upkeep.clearFailures(sent.flight.key),
                    shared.rejected.remove(sent.application) != nil
                )
            }
            let plaintext = record.plaintext()
            let commit = Commit { [self] result in
                switch result {
                case .success:
                    if recovered || accepted { publish(.recovered, sent.id) }
                    finish(sent.flight, .success(()), deadline: deadline)
                case .failure(let error):
                    // Somebody wrote something else into the record: look again, the pair decides.
                    if error.code == .generationChanged || error.code == .disconnecting
                        || error.code == .notFound
                    {
                        store(sent, cargo)
                    } else {
                        strand(sent, cargo, error)
                    }
                }
            }
            commit.mustLand = true
            commit.add(.put(.connection, sent.flight.key, .generation(generation)), plaintext)
            endAttempt(sent.flight, commit)
            if recovered {
                commit.add(
                    .event(EventEntry(time: now, key: sent.flight.key, kind: .recovered)))
            }
            committer.submit(commit)
        } catch {
            strand(sent, cargo, error)
        }
    }

    /// Whether the record still holds the pair that this answer replaces.
    private func isSamePair(
        _ record: borrowing ConnectionRecord, _ sent: Sent
    ) throws(VaultError) -> Bool {
        guard let token = try record.fields.secret(ConnectionTag.refreshToken) else {
            return false
        }
        return store.fingerprint(token.bytes) == sent.pair
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
        endAttempt(sent.flight, commit)
        if isFirst {
            commit.add(
                .event(
                    EventEntry(
                        time: time.now(), key: sent.flight.key, kind: event, number: number)))
        }
        committer.submit(commit)
    }

    /// The application's id, secret or redirect URI is wrong: one alarm for all its connections,
    /// which keep their state.
    private func landRejected(_ sent: Sent, _ status: Int) {
        let isFirst = shared.withLock { $0.rejected.insert(sent.application).inserted }
        let error = VaultError(
            .applicationMisconfigured, .upkeep, connection: sent.id, number: status)
        let commit = Commit { [self] _ in
            if isFirst { publish(.applicationRejected, sent.id, number: Int64(status)) }
            postpone(
                sent.flight, error, atLeastMilliseconds: RefreshPolicy.misconfiguredMilliseconds)
        }
        endAttempt(sent.flight, commit)
        if isFirst {
            let key = store.key(.application, sent.application.text)
            commit.add(
                .event(
                    EventEntry(
                        time: time.now(), key: key, kind: .applicationRejected,
                        number: Int64(status))))
        }
        committer.submit(commit)
    }

    /// Red: the user must connect again. No further attempt is made, and it is told once.
    private func landLost(_ sent: Sent, _ status: Int) {
        let error = VaultError(.grantLost, .upkeep, connection: sent.id, number: status)
        rewrite(sent, event: .grantLost, number: Int64(status)) { (record) throws(VaultError) in
            try record.set(ConnectionState.failed)
        } then: { [self] in
            finish(sent.flight, .failure(error), deadline: nil)
        }
    }

    /// A 200 that is no token response may still hold the only copy of a new refresh token: it is
    /// sealed before anybody judges it, and the refresh is tried again.
    private func landUnread(_ sent: Sent, _ body: consuming Secret?) {
        let error = VaultError(.providerAnswerUnreadable, .upkeep, connection: sent.id)
        guard let body else { return landDelayed(sent, error, event: .replyUnread) }
        // It may have been read at a moment when the arena was full.
        if case .tokens(let reply) = Verdict(TransportReply(status: 200, body: try? body.copy())) {
            return landTokens(sent, reply)
        }
        let count = Int64(body.count)
        rewrite(sent, event: .replyUnread, number: count) { (record) throws(VaultError) in
            guard count <= Int64(TokenSet.tokenBytesMax) else { return }
            try record.fields.set(ConnectionTag.unreadReply, body.bytes)
        } then: { [self] in
            postpone(sent.flight, error)
        }
    }

    /// Changes the record the flight was made for, unless it has moved on, and ends the attempt.
    private func rewrite(
        _ sent: Sent, event: VaultEvent.Kind, number: Int64,
        _ change: (inout ConnectionRecord) throws(VaultError) -> Void,
        then end: @escaping @Sendable () -> Void
    ) {
        let now = time.now()
        let entry = EventEntry(time: now, key: sent.flight.key, kind: event, number: number)
        let commit = Commit { [self] result in
            if case .success = result {
                publish(event, sent.id, number: number)
                end()
                return
            }
            // Fresh elsewhere: the record has moved on, and this failure counts for nothing.
            let last = Commit { [self] _ in finishElsewhere(sent.flight) }
            endAttempt(sent.flight, last)
            committer.submit(last)
        }
        do throws(VaultError) {
            guard let opened = try store.open(sent.flight.key) else {
                return abandon(sent.flight, VaultError(.notFound, .upkeep))
            }
            let generation = opened.header.generation
            var record = ConnectionRecord(fields: opened.takeFields())
            guard record.state == .active, try isSamePair(record, sent) else {
                return abandon(sent.flight, VaultError(.generationChanged, .upkeep))
            }
            try change(&record)
            try record.set(
                ConnectionRecord.Failure(
                    code: event.code, status: Int32(clamping: number), time: now))
            let plaintext = record.plaintext()
            commit.mustLand = true
            commit.add(
                .put(.connection, sent.flight.key, .generation(generation)), plaintext)
            commit.add(.endAttempt(wave: sent.flight.wave, sent.flight.key))
            commit.add(.event(entry))
            committer.submit(commit)
        } catch {
            abandon(sent.flight, error)
        }
    }
}
