// SPDX-License-Identifier: Apache-2.0

// A refresh that is not answered in time: who waits is let go, and the answer is listened for.
extension Refresher {
    /// Runs on the transport's thread, before `answered`.
    func overdue(_ attempt: RefreshAttempt) {
        // For so long no data key is kept open.
        attempt.kept?.wipe()
        let now = time.now()
        let deadline = network.endpoint.deadlineMilliseconds
        let listens = attempt.request?.listenMilliseconds ?? deadline
        let end = now.adding(milliseconds: Int64(max(0, listens - deadline)))
        let change = shared.withLock { shared -> Change? in
            guard
                let callers = shared.upkeep.overdue(
                    attempt, until: end, now, random: randomness.next())
            else { return nil }
            let admitted = shared.sendsNothing ? [] : shared.upkeep.admit(attempt.endpoint, now)
            return Change(
                rejected: shared.upkeep.confirmSuspicion(attempt.queue, now),
                isCurrent: shared.upkeep.attempts.isCurrent(attempt),
                age: Self.age(attempt, now), callers: callers,
                admitted: admitted)
        }
        guard let change else { return }
        send(change.admitted)
        // Whoever waits for tokens that were replaced finds the others.
        let error = VaultError(
            .answerOutstanding, .upkeep, connection: attempt.id, number: change.age)
        for caller in change.callers {
            caller.resume(change.isCurrent ? .failure(error) : .success(()))
        }
        if change.isCurrent { tellListening(attempt, seconds: Int64(listens / 1000)) }
        if let status = change.rejected { announceRejection(attempt, status) }
        // The breaker, or the number of listeners, may keep back what is ready; and a place is
        // free.
        recall(attempt.queue, at: attempt.endpoint)
    }

    /// What becomes of others when an attempt is overdue.
    private struct Change {
        /// The status with which its application is taken to be rejected from here on.
        let rejected: Int?
        let isCurrent: Bool
        /// For how many seconds it has been out.
        let age: Int
        let callers: [Caller]
        let admitted: [RefreshAttempt]
    }

    /// For how many seconds an attempt has been out.
    static func age(_ attempt: RefreshAttempt, _ now: UnixTime) -> Int {
        Int(clamping: max(0, now.milliseconds(since: attempt.sent)) / 1000)
    }

    private func tellListening(_ attempt: RefreshAttempt, seconds: Int64) {
        publish(.answerOutstanding, attempt.id, number: seconds)
        let commit = Commit()
        commit.isPatient = true
        commit.add(.event(entry(attempt, .answerOutstanding, seconds)))
        committer.submit(commit)
    }

    /// Since when an answer has been outstanding that a connection waits for: one that is listened
    /// to, or one to an earlier process.
    func outstandingSince(_ key: RecordKey, _ record: borrowing ConnectionRecord) -> UnixTime? {
        let sent = shared.withLock { shared in
            shared.upkeep.attempts[key].flatMap { $0.stage == .overdue ? $0.sent : nil }
        }
        if let sent { return sent }
        guard shared.withLock({ $0.doubts[key]?.recorded != nil }), let plan = plan(record) else {
            return nil
        }
        let now = time.now()
        return shared.withLock {
            hold(key, queue: plan.queue, death: plan.death, $0, now)?.since
        }
    }

    // MARK: The end

    /// Sends nothing new from now on, and returns when everything that was sent is answered and
    /// stored, or after so many milliseconds.
    ///
    /// - Returns: how many are not.
    func drain(milliseconds: Int64) async -> Int {
        let (requests, callers, timers) = shared.withLock { shared in
            shared.isDraining = true
            return (
                shared.upkeep.attempts.all.compactMap(\.outgoing),
                shared.upkeep.dismissAllDemands(),
                shared.takeTimers(where: \.isForSending)
            )
        }
        for caller in callers { caller.resume(.failure(VaultError(.closed, .upkeep))) }
        for request in requests { _ = request.cancelIfUnsent() }
        for timer in timers { timer.action() }
        await first { (end: @escaping @Sendable (()) -> Void) in
            let waits = shared.withLock { shared in
                guard !shared.upkeep.attempts.isEmpty, !shared.isClosed else { return false }
                shared.drainers.append(Caller { _ in end(()) })
                return true
            }
            if !waits || !after(milliseconds: milliseconds, { end(()) }) { end(()) }
        }
        return letGo()
    }

    /// Tells everybody who waits for what is still out, and returns how much that is.
    private func letGo() -> Int {
        let now = time.now()
        let (count, callers) = shared.withLock { shared in
            let attempts = shared.upkeep.attempts.all
            return (
                attempts.count,
                attempts.flatMap { attempt in
                    attempt.takeCallers().map { (caller: $0, age: Self.age(attempt, now)) }
                }
            )
        }
        for (caller, age) in callers {
            caller.resume(.failure(VaultError(.answerOutstanding, .upkeep, number: age)))
        }
        return count
    }
}
