// SPDX-License-Identifier: Apache-2.0

// What becomes of an application: it is changed, or shows to be taken.
extension Refresher {
    /// Since which generation an application has its credentials, and what was changed then.
    static func changed(
        _ fields: borrowing Fields, _ generation: UInt64
    ) -> (generation: UInt64, change: Suspicion.Change) {
        let change = fields.integer(ApplicationTag.change, as: UInt8.self)
            .flatMap(Suspicion.Change.init(rawValue:))
        return (fields.integer(ApplicationTag.changedSince) ?? generation, change ?? .identity)
    }

    /// What was changed about an application, if nothing has succeeded since.
    func unprovenChange(_ id: ApplicationID) -> Suspicion.Change? {
        shared.withLock { shared in
            shared.upkeep.lane(id).flatMap { shared.upkeep.lanes[$0].suspicion.change }
        }
    }

    /// An application is about to be stored with other credentials: until `endChange` nothing
    /// leaves for it. What left with the new ones before they are counted would be risked by
    /// nobody.
    ///
    /// - Returns: its lane.
    func beginChange(_ id: ApplicationID) -> Int {
        let lane = lane(id)
        shared.withLock { $0.upkeep.lanes[lane].pendingChanges += 1 }
        return lane
    }

    /// It is stored and `applicationStored` was told, or it is not stored.
    func endChange(_ lane: Int) {
        shared.withLock { $0.upkeep.lanes[lane].pendingChanges -= 1 }
        alarm.ring()
    }

    /// An application was stored anew: what its record says now holds from here on.
    ///
    /// - Parameter change: what about it is not as it was; nil where the provider sees the same
    ///   client as before. Then what is known of it stays.
    func applicationStored(_ id: ApplicationID, _ change: Suspicion.Change?) {
        let now = time.now()
        // Before it may move to another endpoint.
        let known = shared.withLock { shared -> (isKnown: Bool, requests: [TransportRequest]) in
            guard let lane = shared.upkeep.lane(id) else { return (false, []) }
            guard let change else {
                shared.upkeep.lanes[lane].probeSoon(now)
                return (true, [])
            }
            let flights = shared.upkeep.change(lane, change, now)
            return (true, flights.compactMap { shared.outgoing[$0]?.request })
        }
        let lane = reload(id)
        if !known.isKnown, let change {
            shared.withLock { _ = $0.upkeep.change(lane, change, now) }
        }
        // They carry what is not valid any more. What has left has left.
        for request in known.requests { _ = request.cancelIfUnsent() }
        alarm.ring()
        rereadAll(of: id)
    }

    /// - Throws: `closed` where nothing is sent any more: then nothing is said in vain.
    func mustSend() throws(VaultError) {
        if shared.withLock({ $0.sendsNothing }) { throw VaultError(.closed, .upkeep) }
    }

    /// Somebody says that a connection is worth another try now.
    func forgive(_ key: RecordKey) { shared.withLock { $0.upkeep.forgive(key) } }

    /// The same of an application: what it was suspected of is forgotten.
    func forgive(_ id: ApplicationID) {
        let lane = lane(id)
        let now = time.now()
        shared.withLock { $0.upkeep.forgive(lane: lane, now) }
        alarm.ring()
    }

    /// Why nothing leaves for an application now.
    ///
    /// - Parameter key: of the connection that it concerns; nil where it is several.
    func closedBecause(_ lane: Int, at endpoint: Int, _ key: RecordKey? = nil) -> VaultError {
        let now = time.now()
        let (error, application) = shared.withLock { shared in
            (
                shared.upkeep.closedBecause(lane, at: endpoint, now),
                shared.upkeep.lanes[lane].application
            )
        }
        return error.code == .applicationMisconfigured ? rejection(application, key) : error
    }

    /// Why nothing is sent for an application that is not to be asked: it is gone, or the provider
    /// rejects it, with what that said of this very connection.
    func rejection(_ application: ApplicationID, _ key: RecordKey?) -> VaultError {
        let unknown = VaultError(.applicationMisconfigured, .upkeep, .rejectedBefore)
        do throws(VaultError) {
            guard try store.generation(store.key(.application, application.text)) != nil else {
                return VaultError(.applicationNotFound, .upkeep)
            }
            guard let key, let opened = try store.open(key) else { return unknown }
            let record = ConnectionRecord(fields: opened.takeFields())
            guard let rejection = record.rejection else { return unknown }
            let failure = FailureNumber(raw: Int64(rejection.status))
            var detail = failure.detail
            detail.cause = .rejectedBefore
            return VaultError(
                .applicationMisconfigured, .upkeep, number: Int(failure.number), detail: detail)
        } catch {
            return unknown
        }
    }

    /// The log of an application says that it is rejected.
    func noteRejectionTold(_ id: ApplicationID) {
        shared.withLock { _ = $0.toldRejected.insert(id) }
    }

    /// The provider takes an application: where its log says otherwise, it says so.
    func announceAcceptance(_ id: ApplicationID) {
        guard shared.withLock({ $0.toldRejected.remove(id) != nil }) else { return }
        let commit = Commit()
        let key = store.key(.application, id.text)
        commit.add(.event(EventEntry(time: time.now(), key: key, kind: .recovered)))
        committer.submit(commit)
    }

    /// A request of an application that is not a refresh, and may show that the provider takes it.
    struct Probe {
        let application: ApplicationID
        let lane: Int
        let order: UInt64
    }

    /// To be called before it is sent.
    func beginProbe(_ id: ApplicationID) -> Probe {
        let lane = lane(id)
        let order = shared.withLock { $0.upkeep.lanes[lane].suspicion.send() }
        return Probe(application: id, lane: lane, order: order)
    }

    /// The probe has succeeded, for this connection's sake.
    func accept(_ probe: Probe, _ id: ConnectionID) {
        let now = time.now()
        let finding = shared.withLock { shared in
            var finding = UpkeepState.Finding()
            shared.upkeep.accept(probe.lane, order: probe.order, now, &finding)
            return finding
        }
        if finding.isAccepted { publish(.recovered, id) }
        announceAcceptance(probe.application)
        if finding.wakes { alarm.ring() }
    }

    /// Tokens came when nobody waited for the probe any more: they are revoked.
    ///
    /// - Parameter isProof: whether it has succeeded.
    func noteLate(_ probe: Probe, _ id: ConnectionID, isProof: Bool) {
        if isProof { accept(probe, id) }
        let commit = Commit { [self] _ in publish(.lateAnswer, id) }
        let key = store.key(.connection, id.text)
        commit.add(.event(EventEntry(time: time.now(), key: key, kind: .lateAnswer)))
        committer.submit(commit)
    }
}
