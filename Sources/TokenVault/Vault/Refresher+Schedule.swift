// SPDX-License-Identifier: Apache-2.0

// When a connection is due, and in the queue of which application.
extension Refresher {
    /// When a record is due; nil where nothing can renew it or nothing may.
    func plan(_ record: borrowing ConnectionRecord) -> Plan? {
        guard let application = record.application else { return nil }
        return plan(record, queue(of: record, application))
    }

    /// The same where the queue of its application is known, and perhaps with which generation the
    /// tokens were stored: the clock may have been set back since.
    func plan(
        _ record: borrowing ConnectionRecord, _ queue: Int, asOf generation: UInt64 = .max
    ) -> Plan? {
        guard record.hasApplication else { return nil }
        return plan(record, queue, limits(queue, record), asOf: generation)
    }

    /// The same of a record that has an application.
    func plan(
        _ record: borrowing ConnectionRecord, _ queue: Int, _ limits: RefreshPolicy.Limits,
        asOf generation: UInt64
    ) -> Plan? {
        guard record.state == .active else { return nil }
        guard !Self.isHeld(record, limits) else { return nil }
        let lag = stepsBack.lag(generation)
        let now = time.now().adding(milliseconds: lag)
        let lifetime = RefreshPolicy.Lifetime(record, limits, now: now)
        guard lifetime.hasRefreshToken else { return nil }
        let isPlausible = RefreshPolicy.isPlausible(lifetime, now)
        let due = RefreshPolicy.due(
            lifetime, limits, random: isPlausible ? randomness.next() : 0)
        guard isPlausible || due == nil else {
            return Plan(queue: queue, due: now, death: now)
        }
        let death = RefreshPolicy.death(lifetime, limits)
        return Plan(
            queue: queue, due: due?.adding(milliseconds: -lag),
            death: death.adding(milliseconds: -lag))
    }

    /// Due again after so many milliseconds, as urgent as before.
    func again(_ attempt: RefreshAttempt, milliseconds: Int64 = 0) -> Plan? {
        let due = time.now().adding(milliseconds: milliseconds)
        let death = shared.withLock { _ in attempt.death }
        return Plan(queue: attempt.queue, due: due, death: death)
    }

    /// When the record that is there now is due.
    func currentPlan(_ attempt: RefreshAttempt) -> Plan? {
        do throws(VaultError) {
            guard let opened = try store.open(attempt.key) else { return nil }
            let generation = opened.version.generation
            let record = ConnectionRecord(fields: opened.takeFields())
            return plan(record, attempt.queue, asOf: record.tokensSince ?? generation)
        } catch {
            return again(attempt, milliseconds: RefreshPolicy.backoffMillisecondsMax)
        }
    }

    /// What the provider of a queue does to refresh tokens.
    func limits(_ queue: Int) -> RefreshPolicy.Limits {
        shared.withLock { $0.upkeep.queues[queue].limits }
    }

    /// The same for a record, whatever queue it had to share.
    func limits(_ queue: Int, _ record: borrowing ConnectionRecord) -> RefreshPolicy.Limits {
        limits(queue).of(record.grant)
    }

    /// The queue of an application; made with the limits of its provider where there is none yet.
    func queue(_ application: ApplicationID) -> Int {
        let known = shared.withLock { shared in
            shared.upkeep.queue(application).flatMap {
                shared.upkeep.queues[$0].isProvisional ? nil : $0
            }
        }
        return known ?? reload(application)
    }

    /// The queue of a connection of an application.
    func queue(of record: borrowing ConnectionRecord, _ application: ApplicationID) -> Int {
        let main = queue(application)
        guard record.mayHaveOwnQueue else { return main }
        return queue(
            application, values: record.fields.values(ConnectionTag.values),
            clientID: record.fields.text(ConnectionTag.ownClientID), record.grant, main: main)
    }

    /// The same of what is a connection's own, and of its grant.
    func queue(
        _ application: ApplicationID, _ own: OwnSettings?, _ grant: GrantType = .authorizationCode
    ) -> Int {
        let main = queue(application)
        guard own != nil || grant.asksAnew else { return main }
        return queue(
            application, values: own?.values ?? [:], clientID: own?.clientID, grant, main: main)
    }

    private func queue(
        _ application: ApplicationID, values: [String: String], clientID: String?,
        _ grant: GrantType, main: Int
    ) -> Int {
        shared.withLock { shared in
            shared.upkeep.setQueue(
                application, values: values, clientID: clientID, grant: grant, main: main)
        }
    }

    /// Takes over what an application's record says now.
    @discardableResult
    func reload(_ id: ApplicationID) -> Int {
        var provider: Provider?
        var template = EndpointTemplate()
        var changed: (UInt64, Suspicion.Change)?
        var isProvisional = false
        do throws(VaultError) {
            guard let opened = try store.open(store.key(.application, id.text)) else {
                throw VaultError(.applicationNotFound, .upkeep)
            }
            let generation = opened.version.generation
            let fields = opened.takeFields()
            let application = try ApplicationRecord.decode(fields)
            template = EndpointTemplate(application)
            provider = application.provider
            changed = Self.changed(fields, generation)
        } catch {
            // There may be no room to open it at this moment: then what is known of it stays, and
            // it is looked at again when somebody needs it.
            isProvisional = error.isPassing
            let known = shared.withLock { shared -> Int? in
                guard isProvisional, let queue = shared.upkeep.queue(id) else { return nil }
                shared.upkeep.queues[queue].isProvisional = true
                return queue
            }
            if let known { return known }
        }
        let queue = shared.withLock { shared in
            let limits = Governor.Limits(
                concurrentMax: provider?.concurrentRefreshesMax ?? 1,
                perSecondMax: provider?.refreshesPerSecondMax ?? 1)
            let policy = provider.map(RefreshPolicy.Limits.init) ?? RefreshPolicy.Limits()
            // One that is not there has no endpoint: nothing of it is sent.
            let queue = shared.upkeep.setQueue(id, endpoint: template.url([:]), limits, policy)
            shared.upkeep.setOwnQueues(id, limits, policy)
            shared.upkeep.queues[queue].template = template
            for queue in shared.upkeep.allQueues(id) {
                shared.upkeep.queues[queue].isProvisional = isProvisional
                if let changed { shared.upkeep.queues[queue].changed = changed }
            }
            shared.unmetMinimums.forgetAll()
            return queue
        }
        alarm.ring()
        return queue
    }

    /// Puts a connection into the schedule, or takes it out.
    func schedule(_ handle: Handle, _ plan: Plan?) {
        let isEarliest = shared.withLock { shared -> Bool in
            let before = shared.upkeep.heap.min?.deadline
            shared.upkeep.schedule(handle, plan)
            return shared.isRunning && shared.upkeep.heap.min?.deadline != before
        }
        if isEarliest { alarm.ring() }
    }

    /// The provider has just given a connection its grant.
    func noteServed(_ key: RecordKey, _ handle: Handle, _ queue: Int, _ now: UnixTime) {
        let success = Suspicion.Success(handle: handle, key: key, time: now)
        shared.withLock { $0.upkeep.queues[queue].suspicion.note(success) }
    }

    /// Somebody stored other tokens: a request with the old ones that was not sent is taken back,
    /// and what became of the old ones does not concern the new.
    ///
    /// - Parameter replaced: the grant of the old ones, where the new ones are of another.
    func supersede(_ key: RecordKey, _ handle: Handle, _ replaced: ReplacedGrant? = nil) {
        let revoked = replaced.flatMap { $0.isToBeRevoked ? $0 : nil }
        let (attempt, request, callers, doubt) = shared.withLock { shared in
            shared.upkeep.clearFailures(key)
            shared.unmetMinimums.forget(key)
            shared.upkeep.forgetRisk(handle)
            let attempt = shared.upkeep.supersede(key)
            attempt?.replacedGrant = revoked
            // Nobody waits for one that is overdue: the other tokens are there.
            let isDetached = attempt?.isDetached ?? false
            return (
                attempt, attempt?.outgoing, isDetached ? attempt?.takeCallers() ?? [] : [],
                shared.doubts.take(key)?.batch
            )
        }
        let isTakenBack = request?.cancelIfUnsent() ?? false
        // What is out, or was never heard, may bring tokens of the grant that is to end.
        if attempt != nil && !isTakenBack || doubt != nil { revoked?.setIncomplete() }
        for caller in callers { caller.resume(.success(())) }
        if let doubt { settle(doubt, key) }
    }

    /// When the connection of a handle is due next.
    func deadline(handle: Handle) -> UnixTime? {
        shared.withLock { $0.upkeep.deadline(handle) }
    }

    /// When a connection is refreshed next; the past where that is under way, and not overdue.
    func next(_ key: RecordKey, _ handle: Handle) -> UnixTime? {
        shared.withLock { shared in
            if let deadline = shared.upkeep.deadline(handle) { return deadline }
            guard let attempt = shared.upkeep.attempts[key], attempt.stage != .overdue else {
                return nil
            }
            return UnixTime(milliseconds: 0)
        }
    }
}
