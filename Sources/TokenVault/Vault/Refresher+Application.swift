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
            // Proven for one is proven for all.
            let changes = shared.upkeep.allQueues(id).map {
                shared.upkeep.queues[$0].suspicion.change
            }
            return changes.contains(nil) ? nil : changes.compactMap(\.self).max()
        }
    }

    /// An application is about to be stored with other credentials: until `endChange` nothing
    /// leaves for it. What left with the new ones before they are counted would be risked by
    /// nobody.
    ///
    /// - Returns: its queues.
    func beginChange(_ id: ApplicationID) -> [Int] {
        _ = queue(id)
        return shared.withLock { shared in
            let queues = shared.upkeep.allQueues(id)
            for queue in queues { shared.upkeep.queues[queue].pendingChanges += 1 }
            return queues
        }
    }

    /// It is stored and `applicationStored` was told, or it is not stored.
    func endChange(_ queues: [Int]) {
        shared.withLock { shared in
            for queue in queues { shared.upkeep.queues[queue].pendingChanges -= 1 }
        }
        alarm.ring()
    }

    /// An application was stored anew: what its record says now holds from here on.
    ///
    /// - Parameter change: what about it is not as it was; nil where the provider sees the same
    ///   client as before. Then what is known of it stays.
    func applicationStored(_ id: ApplicationID, _ change: Suspicion.Change?) {
        let now = time.now()
        // Before it may move to another endpoint.
        let known = shared.withLock { shared -> (isKnown: Bool, attempts: [RefreshAttempt]) in
            let queues = shared.upkeep.allQueues(id)
            guard let change else {
                for queue in queues { shared.upkeep.queues[queue].probeSoon(now) }
                return (!queues.isEmpty, [])
            }
            let attempts = queues.flatMap { shared.upkeep.change($0, change, now) }
            return (!queues.isEmpty, attempts)
        }
        let queue = reload(id)
        if !known.isKnown, let change {
            shared.withLock { _ = $0.upkeep.change(queue, change, now) }
        }
        // They carry what is not valid any more. What has left has left.
        for attempt in known.attempts { _ = attempt.request?.cancelIfUnsent() }
        alarm.ring()
        rereadAll(of: id)
    }

    /// - Throws: `closed` where nothing is sent any more: then nothing is changed.
    func mustSend() throws(VaultError) {
        if shared.withLock({ $0.sendsNothing }) { throw VaultError(.closed, .upkeep) }
    }

    /// Somebody says that a connection is worth another try now.
    func clearRefusals(_ key: RecordKey) { shared.withLock { $0.upkeep.clearRefusals(key) } }

    /// The same of an application: what it was suspected of is forgotten.
    func clearRefusals(_ id: ApplicationID) {
        _ = queue(id)
        let now = time.now()
        shared.withLock { shared in
            for queue in shared.upkeep.allQueues(id) {
                shared.upkeep.clearRefusals(queue: queue, now)
            }
        }
        alarm.ring()
    }

    /// Why nothing leaves for an application now.
    ///
    /// - Parameter key: of the connection that it concerns; nil where it is several.
    func closedBecause(_ queue: Int, at endpoint: Int, _ key: RecordKey? = nil) -> VaultError {
        let now = time.now()
        let (error, application) = shared.withLock { shared in
            (
                shared.upkeep.closedBecause(queue, at: endpoint, now),
                shared.upkeep.queues[queue].application
            )
        }
        return error.code == .applicationMisconfigured ? rejection(application, key) : error
    }

    /// Why nothing is sent for an application that is not to be asked: it is gone, or the provider
    /// rejects it, with what that said of this very connection.
    func rejection(_ application: ApplicationID, _ key: RecordKey?) -> VaultError {
        let unknown = VaultError(.applicationMisconfigured, .upkeep, .rejectedBefore)
        do throws(VaultError) {
            guard try store.version(store.key(.application, application.text)) != nil else {
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
        let queue: Int
        let order: UInt64
    }

    /// To be called before it is sent.
    func beginProbe(
        _ id: ApplicationID, _ own: OwnSettings?, _ grant: GrantType = .authorizationCode
    ) -> Probe {
        let queue = queue(id, own, grant)
        let order = shared.withLock { $0.upkeep.queues[queue].suspicion.send() }
        return Probe(application: id, queue: queue, order: order)
    }

    /// The probe, which was sent for this connection, has succeeded.
    func accept(_ probe: Probe, _ id: ConnectionID) {
        let now = time.now()
        let finding = shared.withLock { shared in
            var finding = UpkeepState.Finding()
            shared.upkeep.accept(probe.queue, order: probe.order, now, &finding)
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
