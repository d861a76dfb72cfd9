// SPDX-License-Identifier: Apache-2.0

// A refresh that is not answered in time: who waits is let go, and the answer is listened for.
extension Refresher {
    /// Runs on the transport's thread, before `land`.
    func listen(_ sent: Sent) {
        // For so long no data key is kept open.
        sent.kept?.wipe()
        let now = time.now()
        let number = sent.flight.number
        let milliseconds = Int64(
            sent.listenMilliseconds - network.endpoint.deadlineMilliseconds)
        let end = now.adding(milliseconds: max(0, milliseconds))
        let change = shared.withLock { shared -> Change? in
            guard
                let ids = shared.upkeep.beginListening(
                    number, until: end, now, random: randomness.next()),
                let flight = shared.upkeep.flights[number]
            else { return nil }
            let departures = shared.sendsNothing ? [] : shared.upkeep.depart(flight.endpoint, now)
            return Change(
                flight: flight, rejected: shared.upkeep.confirmSuspicion(flight.lane, now),
                isCurrent: shared.upkeep.isCurrent(flight),
                waiting: ids.compactMap { shared.waiters.removeValue(forKey: $0) },
                departures: departures.compactMap { shared.outgoing[$0]?.request })
        }
        guard let change else { return }
        send(change.departures)
        let flight = change.flight
        // Whoever waits for tokens that were replaced finds the others.
        let error = VaultError(
            .answerOutstanding, .upkeep, connection: sent.id, number: Self.age(flight, now))
        for waiter in change.waiting {
            waiter.resume(change.isCurrent ? .failure(error) : .success(()))
        }
        if change.isCurrent { tellListening(sent) }
        if let status = change.rejected { announceRejection(sent, status) }
        // The breaker, or the number of listeners, may keep back what is ready; and a place is
        // free.
        recall(flight.lane, at: flight.endpoint)
    }

    /// What becomes of others when a flight is overdue.
    private struct Change {
        let flight: Flight
        /// The status with which its application is taken to be rejected from here on.
        let rejected: Int?
        let isCurrent: Bool
        let waiting: [Waiter]
        let departures: [TransportRequest]
    }

    /// For how many seconds a flight has been out.
    static func age(_ flight: Flight, _ now: UnixTime) -> Int {
        Int(clamping: max(0, now.milliseconds(since: flight.sent)) / 1000)
    }

    private func tellListening(_ sent: Sent) {
        let number = Int64(sent.listenMilliseconds / 1000)
        publish(.answerOutstanding, sent.id, number: number)
        let commit = Commit()
        commit.isPatient = true
        commit.add(.event(entry(sent, .answerOutstanding, number)))
        committer.submit(commit)
    }

    /// Since when an answer has been outstanding that a connection waits for: one that is listened
    /// to, or one to an earlier process.
    func outstandingSince(_ key: RecordKey, _ record: borrowing ConnectionRecord) -> UnixTime? {
        let sent = shared.withLock { shared in
            shared.upkeep.flight(key).flatMap { $0.stage == .overdue ? $0.sent : nil }
        }
        if let sent { return sent }
        guard earlier[key] != nil, let plan = plan(record) else { return nil }
        let now = time.now()
        return shared.withLock {
            hold(key, lane: plan.lane, death: plan.death, $0, now)?.since
        }
    }

    // MARK: The end

    /// Sends nothing new from now on, and returns when everything that was sent is answered and
    /// stored, or after so many milliseconds.
    ///
    /// - Returns: how many are not.
    func drain(milliseconds: Int64) async -> Int {
        let (requests, waiting, timers) = shared.withLock { shared in
            shared.isDraining = true
            let ids = shared.upkeep.dismissAllDemands()
            return (
                shared.outgoing.values.map(\.request),
                ids.compactMap { shared.waiters.removeValue(forKey: $0) },
                shared.takeTimers(where: \.isForSending)
            )
        }
        for waiter in waiting { waiter.resume(.failure(VaultError(.closed, .upkeep))) }
        for request in requests { _ = request.cancelIfUnsent() }
        for timer in timers { timer.action() }
        await first { (end: @escaping @Sendable (()) -> Void) in
            let waits = shared.withLock { shared in
                guard !shared.upkeep.flights.isEmpty, !shared.isClosed else { return false }
                shared.drainers.append(Waiter { _ in end(()) })
                return true
            }
            if !waits || !after(milliseconds: milliseconds, { end(()) }) { end(()) }
        }
        return letGo()
    }

    /// Tells everybody who waits for what is still out, and returns how much that is.
    private func letGo() -> Int {
        let now = time.now()
        let (count, waiting) = shared.withLock { shared -> (Int, [(waiter: Waiter, age: Int)]) in
            var waiting: [(waiter: Waiter, age: Int)] = []
            for flight in shared.upkeep.flights.values {
                for id in flight.allWaiters {
                    guard let waiter = shared.waiters.removeValue(forKey: id) else { continue }
                    waiting.append((waiter, Self.age(flight, now)))
                }
            }
            return (shared.upkeep.flights.count, waiting)
        }
        for (waiter, age) in waiting {
            waiter.resume(.failure(VaultError(.answerOutstanding, .upkeep, number: age)))
        }
        return count
    }
}
