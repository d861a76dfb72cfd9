// SPDX-License-Identifier: Apache-2.0

// An attempt's way to the wire: its request made, its record written, and only then sent.
extension Refresher {
    /// Makes the requests of those whose turn has come, and makes their attempt records durable
    /// before the first byte is sent.
    func prepare(_ turns: [UpkeepState.Turn]) {
        defer { MemoryHygiene.scrub() }
        var batch = Batch()
        var isShort = false
        for turn in turns {
            guard let attempt = begin(turn) else { continue }
            // What was made first has to be answered before there is room for more: no block is
            // waited for twice in one batch.
            if isShort {
                abandon(attempt, VaultError(.tooManySecrets, .upkeep))
                continue
            }
            do throws(VaultError) {
                try makeRequest(attempt, &batch)
            } catch {
                isShort = error.code == .tooManySecrets
                abandon(attempt, error)
            }
        }
        record(batch.attempts, time.now())
    }

    /// The attempt of one whose turn has come; nil where its connection is gone, or has another.
    private func begin(_ turn: UpkeepState.Turn) -> RefreshAttempt? {
        guard let key = turn.attempt?.key ?? store.key(of: turn.handle) else {
            shared.withLock { _ = $0.upkeep.release(turn, time.now()) }
            alarm.ring()
            return nil
        }
        let now = time.now()
        if let attempt = shared.withLock({ $0.upkeep.begin(turn, key, now) }) { return attempt }
        // Its place is given back already; a disconnect may wait for its end.
        if let gone = turn.attempt {
            finish(gone, .failure(VaultError(.disconnecting, .upkeep)), nil)
        }
        alarm.ring()
        return nil
    }

    /// Attempts whose records one commit makes durable.
    private struct Batch {
        var attempts: [RefreshAttempt] = []
        var applications: [Name: OpenApplication] = [:]
        /// Of applications whose connections have values of their own, but not a client.
        var credentials: [Name: ClientCredentials] = [:]

        /// An application, as connections of a grant need it.
        struct Name: Hashable {
            let application: ApplicationID
            let grant: GrantType
        }
    }

    /// An application held open for one batch.
    private final class OpenApplication {
        let application: Application
        /// What of it is one connection's.
        let own: OwnSettings?
        let credentials: ClientCredentials
        let queue: Int
        /// The queue's, as it is now.
        let endpoint: Int

        init(
            _ application: consuming Application, _ own: OwnSettings?,
            _ credentials: ClientCredentials, queue: Int, endpoint: Int
        ) {
            (self.own, self.credentials) = (own, credentials)
            self.application = application
            (self.queue, self.endpoint) = (queue, endpoint)
        }
    }

    /// The application of a record, opened once for all that have nothing of their own.
    private func open(
        _ id: ApplicationID, for record: borrowing ConnectionRecord, _ batch: inout Batch
    ) throws(VaultError) -> OpenApplication {
        let name = Batch.Name(application: id, grant: record.grant)
        guard record.hasOwnClientOrValues else {
            if let open = batch.applications[name] { return open }
            let open = try openApplication(name, nil, nil)
            batch.applications[name] = open
            return open
        }
        let own = try record.own()
        let isOwnClient = own?.clientID != nil
        let open = try openApplication(name, own, isOwnClient ? nil : batch.credentials[name])
        // What it signs may name the connection's own endpoint.
        if !isOwnClient, open.credentials.assertion == nil {
            batch.credentials[name] = open.credentials
        }
        return open
    }

    private func openApplication(
        _ name: Batch.Name, _ own: OwnSettings?, _ credentials: ClientCredentials?
    ) throws(VaultError) -> OpenApplication {
        let (id, grant) = (name.application, name.grant)
        let stored = try store.application(id)
        let template = EndpointTemplate(stored)
        let application = try stored.filled(for: own)
        let provider = application.provider
        try network.addressGuard.check(provider.renewalURL(grant), provider.renewalSubject(grant))
        // What is stored may have been replaced a moment ago.
        let main = queue(id)
        if !shared.withLock({ $0.upkeep.isOf(template, main) }) { reload(id) }
        let queue = queue(id, own, grant)
        let endpoint = shared.withLock { $0.upkeep.queues[queue].endpoint }
        let shown: ClientCredentials
        if let credentials {
            shown = credentials
        } else {
            shown = try ClientCredentials(
                application, for: grant.asksAnew ? .exchange : .refresh, clock: time)
        }
        return OpenApplication(application, own, shown, queue: queue, endpoint: endpoint)
    }

    private func makeRequest(_ attempt: RefreshAttempt, _ batch: inout Batch) throws(VaultError) {
        guard var opened = try store.open(attempt.key) else {
            throw VaultError(.notFound, .upkeep)
        }
        let kept = KeptRecord(&opened)
        let generation = opened.version.generation
        let record = ConnectionRecord(fields: opened.takeFields())
        let id = record.id
        if let ending = record.ending(.upkeep) { throw ending.concerning(id) }
        guard let applicationID = record.application else {
            throw VaultError(.notRefreshable, .upkeep, .noRefreshToken).concerning(id)
        }
        let open: OpenApplication
        do throws(VaultError) {
            open = try self.open(applicationID, for: record, &batch)
        } catch {
            throw error.concerning(id)
        }
        // Its turn came in another queue: its application was replaced meanwhile, or its handle
        // was another connection's. Other limits hold for it, and whoever waits asks again.
        guard open.queue == attempt.queue, open.endpoint == attempt.endpoint else {
            shared.withLock { $0.upkeep.answered(attempt, .unsent, time.now(), random: 0) }
            let error = VaultError(.generationChanged, .upkeep, connection: id)
            return finish(attempt, .failure(error), plan(record, open.queue))
        }
        let grant = record.grant
        let (limits, listenMilliseconds) = prepareToListen(attempt, open.queue, grant)
        // An answer lies unread that may hold the successor of what would be presented.
        guard !Self.isHeld(record, limits) else {
            throw Self.heldBack(record, .upkeep).concerning(id)
        }
        let theirs = now(asOf: record.tokensSince ?? generation)
        let provider = open.application.provider
        attempt.source = RefreshAttempt.Source(
            id: id, application: applicationID, own: open.own, generation: generation,
            providerLifetime: provider.defaultLifetimeSeconds,
            applicationLifetime: open.application.defaultLifetimeSeconds, grant: grant,
            isExchange: grant.asksAnew || provider.refreshGrant != .refreshToken,
            isOver: Self.isOver(record, limits, theirs),
            isTroubled: record.failure != nil || record.trouble != nil,
            endpoint: provider.renewalSubject(grant))
        let request = try request(
            attempt, record, open.application, open.credentials, now: theirs,
            listenMilliseconds: listenMilliseconds)
        shared.withLock { _ in (attempt.request, attempt.kept) = (request, kept) }
        batch.attempts.append(attempt)
    }

    /// What is known of an attempt's provider, and for how long its answer is listened for.
    private func prepareToListen(
        _ attempt: RefreshAttempt, _ queue: Int, _ grant: GrantType
    ) -> (limits: RefreshPolicy.Limits, milliseconds: Int) {
        let now = time.now()
        return shared.withLock { shared in
            let limits = shared.upkeep.queues[queue].limits.of(grant)
            let milliseconds = RefreshPolicy.listenMilliseconds(
                inDoubtSince: shared.doubts[attempt.key]?.since, limits, now)
            attempt.isListenable =
                milliseconds > network.endpoint.deadlineMilliseconds
            return (limits, milliseconds)
        }
    }

    /// What was recorded long before it could leave is recorded anew: for what the next process has
    /// to know of it counts from there.
    func recordAgain(_ outdated: [RefreshAttempt]) {
        let now = time.now()
        for start in stride(from: 0, to: outdated.count, by: Self.recordedAgainMax) {
            let end = min(start + Self.recordedAgainMax, outdated.count)
            record(Array(outdated[start..<end]), now)
        }
    }

    /// How many at a time: each may end a batch of its own, and the room for a commit is counted as
    /// that of a small one.
    private static let recordedAgainMax = 64

    private func record(_ attempts: [RefreshAttempt], _ now: UnixTime) {
        guard !attempts.isEmpty else { return }
        let commit = Commit { [self] result in
            switch result {
            case .success(let committed):
                recorded(attempts, batch: committed.batch, written: now)
            case .failure(let error):
                if error.isOfStorage,
                    shared.withLock({ $0.storage.note(.attemptsRefused) })
                {
                    publishStorage(true)
                }
                for attempt in attempts {
                    attempt.refusal = error
                    _ = attempt.request?.cancelIfUnsent()
                }
            }
        }
        for attempt in attempts { endAttempt(attempt, doubt: nil, commit) }
        commit.add(
            .beginBatch(
                attempts.map { AttemptRecord(key: $0.key, generation: $0.source.generation) }, now))
        committer.submit(commit)
    }

    /// On the writer's thread: the attempt records are durable, and what the governor lets go
    /// leaves.
    private func recorded(_ attempts: [RefreshAttempt], batch: UInt64, written: UnixTime) {
        let now = time.now()
        let (admitted, left, waits, isRoomy) = shared.withLock { shared in
            let isRoomy = shared.storage.note(.attemptsTaken)
            var left: [RefreshAttempt] = []
            for attempt in attempts {
                attempt.batch = batch
                if shared.sendsNothing
                    || !shared.upkeep.recorded(attempt, written: written, now)
                {
                    left.append(attempt)
                }
            }
            let admitted = shared.sendsNothing ? [] : shared.upkeep.admit(now)
            let waits = shared.upkeep.waitsForTime(now) || shared.upkeep.anyWantsMore
            return (admitted, left, waits, isRoomy)
        }
        if isRoomy { publishStorage(false) }
        send(admitted)
        if waits { alarm.ring() }
        // Disconnected meanwhile, or the vault is closing.
        for attempt in left { _ = attempt.request?.cancelIfUnsent() }
    }

    func send(_ attempts: [RefreshAttempt]) {
        for attempt in attempts {
            if let request = attempt.request { network.endpoint.send(request) }
        }
    }

    /// Ends an attempt for which no request could be made.
    private func abandon(_ attempt: RefreshAttempt, _ error: VaultError) {
        shared.withLock { $0.upkeep.answered(attempt, .unsent, time.now(), random: 0) }
        switch error.code {
        case .notFound, .disconnecting, .grantLost, .notRefreshable, .notConnected,
            .providerAnswerUnreadable:
            finish(attempt, .failure(error), nil)
        case .applicationNotFound:
            // Nobody's fault but the application's: its other connections need not ask.
            _ = shared.withLock { $0.upkeep.queues[attempt.queue].reject(time.now()) }
            finish(attempt, .failure(error), again(attempt))
            recall(attempt.queue, at: attempt.endpoint)
        case .endpointRefused: storeNotAllowed(attempt, error)
        case .tooManySecrets:
            // The next answer will give some back.
            finish(attempt, .failure(error), again(attempt, milliseconds: Self.scarceMilliseconds))
        default: postpone(attempt, error)
        }
    }

    /// How soon a refresh is tried again for which the arena had no room, in milliseconds.
    static let scarceMilliseconds: Int64 = 100
}
