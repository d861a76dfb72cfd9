// SPDX-License-Identifier: Apache-2.0

// A flight's way to the wire: its request made, its attempt recorded, and only then sent.
extension Refresher {
    /// Makes the requests of those that board, and makes their attempts durable before the first
    /// byte is sent.
    func board(_ boardings: [UpkeepState.Boarding]) {
        defer { MemoryHygiene.scrub() }
        var wave = Wave(count: boardings.count)
        var isShort = false
        for boarding in boardings {
            guard let flight = begin(boarding) else { continue }
            // What was made first has to land before there is room for more: no slot is waited for
            // twice in one wave.
            if isShort {
                abandon(flight, VaultError(.tooManySecrets, .upkeep))
                continue
            }
            do throws(VaultError) {
                try makeRequest(flight, &wave)
            } catch {
                isShort = error.code == .tooManySecrets
                abandon(flight, error)
            }
        }
        record(wave, time.now())
    }

    /// The flight of one that boards; nil where its connection is gone, or has another flight.
    private func begin(_ boarding: UpkeepState.Boarding) -> Flight? {
        guard let key = boarding.flight?.key ?? store.owner(boarding.slot)?.key else {
            shared.withLock { _ = $0.upkeep.release(boarding, time.now()) }
            alarm.ring()
            return nil
        }
        let now = time.now()
        if let flight = shared.withLock({ $0.upkeep.begin(boarding, key, now) }) { return flight }
        // Its place is given back already; a disconnect may wait for its end.
        if let gone = boarding.flight {
            finish(gone, .failure(VaultError(.disconnecting, .upkeep)), nil)
        }
        alarm.ring()
        return nil
    }

    /// Requests that share one attempt record.
    private struct Wave {
        var flights: [Sent] = []
        var requests: [TransportRequest] = []
        var attempts: [Attempt] = []
        var applications: [ApplicationID: OpenApplication] = [:]

        init(count: Int) {
            flights.reserveCapacity(count)
            requests.reserveCapacity(count)
            attempts.reserveCapacity(count)
        }
    }

    /// An application held open for one wave.
    private final class OpenApplication {
        let application: Application
        let credentials: ClientCredentials
        let lane: Int
        /// The lane's, as it is now.
        let endpoint: Int

        init(
            _ application: consuming Application, lane: Int, endpoint: Int
        ) throws(VaultError) {
            credentials = try ClientCredentials(application)
            self.application = application
            (self.lane, self.endpoint) = (lane, endpoint)
        }
    }

    private func openApplication(
        _ id: ApplicationID
    ) throws(VaultError) -> OpenApplication {
        let application = try store.application(id)
        let url = application.provider.tokenEndpoint
        try network.addressGuard.check(url, .tokenEndpoint)
        var lane = lane(id)
        // What is stored may have been replaced a moment ago.
        if !shared.withLock({ $0.upkeep.isAt(url, lane) }) { lane = reload(id) }
        let endpoint = shared.withLock { $0.upkeep.lanes[lane].endpoint }
        return try OpenApplication(application, lane: lane, endpoint: endpoint)
    }

    private func makeRequest(_ flight: Flight, _ wave: inout Wave) throws(VaultError) {
        guard var opened = try store.open(flight.key) else {
            throw VaultError(.notFound, .upkeep)
        }
        let kept = KeptRecord(&opened)
        let generation = opened.header.generation
        let record = ConnectionRecord(fields: opened.takeFields())
        let id = record.id
        if let refusal = record.state.refusal {
            throw VaultError(refusal, .upkeep, connection: id)
        }
        guard let applicationID = record.application else {
            throw VaultError(.notRefreshable, .upkeep, .noRefreshToken).concerning(id)
        }
        if wave.applications[applicationID] == nil {
            do throws(VaultError) {
                wave.applications[applicationID] = try openApplication(applicationID)
            } catch {
                throw error.concerning(id)
            }
        }
        guard let open = wave.applications[applicationID] else { return }
        // It boarded in another lane: its application was replaced meanwhile, or its slot belonged
        // to somebody else. Other limits hold for it, and whoever waits asks again.
        guard open.lane == flight.lane, open.endpoint == flight.endpoint else {
            shared.withLock { $0.upkeep.land(flight.number, .unsent, time.now(), random: 0) }
            let error = VaultError(.generationChanged, .upkeep, connection: id)
            return finish(flight, .failure(error), plan(record, open.lane))
        }
        let (limits, listenMilliseconds) = prepareToListen(flight, open.lane)
        // An answer lies unread that may hold the successor of what would be presented.
        guard !Self.isHeld(record, limits) else {
            throw Self.heldBack(record, .upkeep).concerning(id)
        }
        let isExchange = open.credentials.refreshGrant != .refreshToken
        let theirs = now(asOf: record.tokensSince ?? generation)
        guard let place = presented(record, isExchange: isExchange, theirs) else {
            throw VaultError(.notRefreshable, .upkeep, .noRefreshToken).concerning(id)
        }
        let token = record.fields.bytes.extracting(place)
        let sent = Sent(
            flight: flight, id: id, application: applicationID, generation: generation,
            providerLifetime: open.application.provider.defaultLifetimeSeconds,
            applicationLifetime: open.application.defaultLifetimeSeconds,
            isExchange: isExchange, isOver: Self.isOver(record, limits, theirs),
            isTroubled: record.failure != nil || record.trouble != nil, kept: kept)
        let request = try network.endpoint.refresh(
            token, for: open.application, by: open.credentials,
            listenMilliseconds: listenMilliseconds, overdue: { [self] in listen(sent) }
        ) { [self] verdict in land(sent, verdict) }
        sent.listenMilliseconds = request.listenMilliseconds
        wave.flights.append(sent)
        wave.requests.append(request)
        wave.attempts.append(Attempt(key: flight.key, generation: generation))
    }

    /// What is known of a flight's provider, and for how long its answer is listened for.
    private func prepareToListen(
        _ flight: Flight, _ lane: Int
    ) -> (limits: RefreshPolicy.Limits, milliseconds: Int) {
        let now = time.now()
        return shared.withLock { shared in
            let limits = shared.upkeep.lanes[lane].limits
            let milliseconds = RefreshPolicy.listenMilliseconds(
                inDoubtSince: shared.doubts[flight.key]?.since, limits, now)
            shared.upkeep.flights[flight.number]?.isListenable =
                milliseconds > network.endpoint.deadlineMilliseconds
            return (limits, milliseconds)
        }
    }

    /// Where the token lies that is presented for new ones; nil where there is none, or where it
    /// has expired and cannot be exchanged any more.
    private func presented(
        _ record: borrowing ConnectionRecord, isExchange: Bool, _ now: UnixTime
    ) -> Range<Int>? {
        guard isExchange else { return record.fields.range(ConnectionTag.refreshToken) }
        if let expiry = record.accessTokenExpiry, expiry <= now { return nil }
        return record.fields.range(ConnectionTag.accessToken)
    }

    /// What was recorded long before it could leave is recorded anew: for what the next process has
    /// to know of it counts from there.
    func recordAgain(_ outgoing: [Outgoing]) {
        let now = time.now()
        for start in stride(from: 0, to: outgoing.count, by: Self.recordedAgainMax) {
            let end = min(start + Self.recordedAgainMax, outgoing.count)
            var wave = Wave(count: end - start)
            for outgoing in outgoing[start..<end] {
                wave.flights.append(outgoing.sent)
                wave.requests.append(outgoing.request)
                wave.attempts.append(
                    Attempt(
                        key: outgoing.sent.flight.key, generation: outgoing.sent.generation))
            }
            record(wave, now)
        }
    }

    /// How many at a time: each may end a wave of its own, and the room for a commit is counted as
    /// that of a small one.
    private static let recordedAgainMax = 64

    private func record(_ wave: Wave, _ now: UnixTime) {
        guard !wave.flights.isEmpty else { return }
        let (flights, requests) = (wave.flights, wave.requests)
        let commit = Commit { [self] result in
            switch result {
            case .success(let committed):
                makeReady(flights, requests, wave: committed.wave, written: now)
            case .failure(let error):
                if error.isOfStorage,
                    shared.withLock({ $0.storage.note(.attemptsRefused) })
                {
                    publishStorage(true)
                }
                for sent in flights { sent.refusal = error }
                for request in requests { _ = request.cancelIfUnsent() }
            }
        }
        for sent in flights { endAttempt(sent, doubt: nil, commit) }
        commit.add(.beginWave(wave.attempts, now))
        committer.submit(commit)
    }

    /// On the writer's thread: the attempts are durable, and what the governor lets go leaves.
    private func makeReady(
        _ flights: [Sent], _ requests: [TransportRequest], wave: UInt64, written: UnixTime
    ) {
        let now = time.now()
        let (departures, left, waits, isRoomy) = shared.withLock { shared in
            let isRoomy = shared.storage.note(.attemptsTaken)
            var left: [TransportRequest] = []
            for (sent, request) in zip(flights, requests) {
                sent.wave = wave
                if !shared.sendsNothing,
                    shared.upkeep.makeReady(sent.flight.number, written: written, now)
                {
                    shared.outgoing[sent.flight.number] = Outgoing(
                        request: request, sent: sent)
                } else {
                    left.append(request)
                }
            }
            let departures = Self.depart(&shared, now)
            let upkeep = shared.upkeep.waitsForTime(now) || shared.upkeep.isAnyHungry
            return (departures, left, upkeep, isRoomy)
        }
        if isRoomy { publishStorage(false) }
        send(departures)
        if waits { alarm.ring() }
        // Disconnected meanwhile, or the vault is closing.
        for request in left { _ = request.cancelIfUnsent() }
    }

    /// The requests that leave now.
    static func depart(_ shared: inout Shared, _ now: UnixTime) -> [TransportRequest] {
        guard !shared.sendsNothing else { return [] }
        return shared.upkeep.depart(now).compactMap { shared.outgoing[$0]?.request }
    }

    func send(_ requests: [TransportRequest]) {
        for request in requests { network.endpoint.send(request) }
    }

    /// Ends a flight for which no request could be made.
    private func abandon(_ flight: Flight, _ error: VaultError) {
        shared.withLock { $0.upkeep.land(flight.number, .unsent, time.now(), random: 0) }
        switch error.code {
        case .notFound, .disconnecting, .grantLost, .notRefreshable, .notConnected,
            .providerAnswerUnreadable:
            finish(flight, .failure(error), nil)
        case .applicationNotFound:
            // Nobody's fault but the application's: its other connections need not ask.
            _ = shared.withLock { $0.upkeep.lanes[flight.lane].reject(time.now()) }
            finish(flight, .failure(error), again(flight))
            recall(flight.lane, at: flight.endpoint)
        case .endpointRefused: landNotAllowed(flight, error)
        case .tooManySecrets:
            // A landing will give some back.
            finish(flight, .failure(error), again(flight, milliseconds: Self.scarceMilliseconds))
        default: postpone(flight, error)
        }
    }

    /// How soon a refresh is tried again for which the arena had no room, in milliseconds.
    static let scarceMilliseconds: Int64 = 100

}
