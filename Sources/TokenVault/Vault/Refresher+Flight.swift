// SPDX-License-Identifier: Apache-2.0

// A flight's way: recorded, sent, answered, sealed, and only then seen by anybody.
extension Refresher {
    /// Starts flights for slots that are due.
    func start(_ slots: [UInt32]) {
        var flights: [UpkeepState.Flight] = []
        for slot in slots {
            guard let entry = store.slots.entry(slot) else { continue }
            do throws(VaultError) {
                guard let generation = try store.generation(entry.key) else { continue }
                let flight = shared.withLock { shared in
                    shared.upkeep.start(
                        entry.key, slot: slot, generation: generation, waiter: nil)
                }
                if let flight { flights.append(flight) }
            } catch {
                let now = time.now()
                schedule(slot, now.adding(milliseconds: RefreshPolicy.backoffMillisecondsMax))
            }
        }
        record(flights)
    }

    /// Makes the attempts durable before their first byte is sent.
    func record(_ flights: [UpkeepState.Flight]) {
        guard !flights.isEmpty else { return }
        let commit = Commit { [self] result in
            switch result {
            case .success(let committed):
                shared.withLock { shared in
                    for var flight in flights {
                        flight.wave = committed.wave
                        shared.departing.append(flight)
                    }
                }
                alarm.ring()
            case .failure(let error):
                for flight in flights { postpone(flight, error) }
            }
        }
        let attempts = flights.map { Attempt(key: $0.key, generation: $0.generation) }
        commit.add(.beginWave(attempts, time.now()))
        committer.submit(commit)
    }

    /// Builds and sends the requests of flights whose attempts are durable.
    func send(_ flights: [UpkeepState.Flight]) {
        var applications: [ApplicationID: OpenApplication] = [:]
        for flight in flights {
            do throws(VaultError) {
                try send(flight, &applications)
            } catch {
                abandon(flight, error)
            }
        }
        if !flights.isEmpty { MemoryHygiene.scrub() }
    }

    /// An application held open for one round of requests.
    private final class OpenApplication {
        let application: Application
        init(_ application: consuming Application) { self.application = application }
    }

    private func send(
        _ flight: UpkeepState.Flight, _ applications: inout [ApplicationID: OpenApplication]
    ) throws(VaultError) {
        guard let opened = try store.open(flight.key) else {
            throw VaultError(.notFound, .upkeep)
        }
        let generation = opened.header.generation
        let record = ConnectionRecord(fields: opened.takeFields())
        let id = record.id
        // Fresh elsewhere: whoever wrote meanwhile knows better than this attempt.
        guard generation == flight.generation else {
            throw VaultError(.generationChanged, .upkeep, connection: id)
        }
        guard record.state == .active else {
            let code: VaultError.Code =
                switch record.state {
                case .failed: .grantLost
                case .configured, .active: .notConnected
                case .disconnecting: .disconnecting
                }
            throw VaultError(code, .upkeep, connection: id)
        }
        guard let applicationID = record.application,
            let refreshToken = try record.fields.secret(ConnectionTag.refreshToken)
        else { throw VaultError(.notRefreshable, .upkeep, connection: id) }
        if applications[applicationID] == nil {
            let application = try store.application(applicationID)
            try network.addressGuard.check(application.provider.tokenEndpoint)
            applications[applicationID] = OpenApplication(application)
        }
        guard let open = applications[applicationID] else { return }
        let pair = RecordKey(hashing: refreshToken.bytes, key: store.keyring.storeMACKey)
        let sent = Sent(
            flight: flight, id: id, application: applicationID, pair: pair,
            requestedAt: time.now(),
            providerLifetime: open.application.provider.defaultLifetimeSeconds,
            applicationLifetime: open.application.defaultLifetimeSeconds)
        let request = try network.endpoint.refresh(refreshToken.bytes, for: open.application) {
            [self] verdict in
            land(sent, verdict)
        }
        let isOrphan = shared.withLock { shared in
            if shared.upkeep.isOut(flight) { shared.requests[flight.number] = request }
            return shared.upkeep.isOrphan(flight.number)
        }
        if isOrphan { _ = request.cancelIfUnsent() }
    }

    /// A request that was sent, for the answer.
    struct Sent: Sendable {
        let flight: UpkeepState.Flight
        let id: ConnectionID?
        let application: ApplicationID
        /// Keyed hash of the refresh token that was sent: the pair that the answer replaces.
        let pair: RecordKey
        let requestedAt: UnixTime
        let providerLifetime: Int64?
        let applicationLifetime: Int64?
    }

    /// Ends a flight that was never sent.
    func abandon(_ flight: UpkeepState.Flight, _ error: VaultError) {
        let commit = Commit { [self] _ in
            switch error.code {
            case .generationChanged: finishElsewhere(flight)
            case .notFound, .disconnecting, .grantLost, .notRefreshable, .notConnected:
                finish(flight, .failure(error), deadline: nil)
            default: postpone(flight, error)
            }
        }
        endAttempt(flight, commit)
        committer.submit(commit)
    }

    /// Adds the end of the attempt, and of an older one in doubt, to a commit.
    func endAttempt(_ flight: UpkeepState.Flight, _ commit: Commit) {
        commit.add(.endAttempt(wave: flight.wave, flight.key))
        if let doubt = shared.withLock({ $0.doubts.removeValue(forKey: flight.key) }) {
            commit.add(.endAttempt(wave: doubt, flight.key))
        }
    }
}

extension Store {
    /// The generation of a record, without opening it.
    func generation(_ key: RecordKey) throws(VaultError) -> UInt64? {
        try header(key)?.generation
    }

    private func header(_ key: RecordKey) throws(VaultError) -> SealedRecord.Header? {
        let transaction = try beginRead()
        guard let value = try transaction.get(.records, key.bytes) else { return nil }
        return try SealedRecord.header(of: value)
    }

    /// Slot and generation of a record. It is opened only where its slot does not name it: whoever
    /// acts on the version opens the record first, or compares the generation.
    func version(_ key: RecordKey) throws(VaultError) -> (slot: UInt32, generation: UInt64)? {
        guard let header = try header(key) else { return nil }
        if slots.entry(header.slot)?.key == key { return (header.slot, header.generation) }
        guard let opened = try open(key) else { return nil }
        return (opened.header.slot, opened.header.generation)
    }

    /// The generation of a record's first commit in its present life; nil where there is none.
    func life(_ key: RecordKey) throws(VaultError) -> UInt64? {
        let transaction = try beginRead()
        guard let value = try transaction.get(.records, key.bytes) else { return nil }
        return slots.entry(try SealedRecord.header(of: value).slot)?.generation
    }

    /// Opens an application.
    ///
    /// - Throws: `applicationNotFound`.
    func application(_ id: ApplicationID) throws(VaultError) -> Application {
        guard let opened = try open(key(.application, id.text)) else {
            throw VaultError(.applicationNotFound, .store)
        }
        return try ApplicationRecord.decode(opened.takeFields())
    }
}
