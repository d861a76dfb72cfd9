// SPDX-License-Identifier: Apache-2.0

// What follows from an answer for connections that were refused before.
extension UpkeepState {
    /// The most connections that one success makes due again: what is left waits for the next.
    static let askedSoonerMax = 256

    /// An answer has come. To be called when its attempt is `answered`.
    ///
    /// - Parameters:
    ///   - refusal: how it refuses the connection, if it does, and its status.
    ///   - prospect: what was to be expected of the grant.
    mutating func judge(
        _ attempt: RefreshAttempt, _ bearing: Bearing, refusal: (kind: Refusal.Kind, status: Int)?,
        prospect: Prospect = .good, _ now: UnixTime
    ) -> Finding {
        let queue = attempt.queue
        var finding = Finding()
        if bearing != .accepted, queues[queue].suspicion.predates(attempt.order) {
            finding.isOutdated = true
            return finding
        }
        // One that was refused before, or whose grant was likely to be over, tells nothing new;
        // but after a change it counts what was risked, whatever was to be expected of it.
        let isChanged = queues[queue].suspicion.change != nil
        let isNews =
            !(failures[attempt.key]?.refusal?.isNoNews ?? false) && (prospect == .good || isChanged)
        if bearing != .unanswered { queues[queue].suspicion.forgetUnanswered(attempt.handle) }
        switch bearing {
        case .none: break
        case .unanswered:
            if !attempt.isOfTheFormer { noteUnanswered(attempt) }
        case .accepted:
            noteSuccess(attempt, now)
            accept(queue, order: attempt.order, now, &finding)
        case .grantLost where !isChanged:
            finding.isAccepted = queues[queue].accept()
            finding.wakes = finding.isAccepted
        case .rejected:
            suspect(attempt, now, &finding)
            finding.isAlarm = queues[queue].reject(now)
        case .grantLost:
            finding.isDoubted = true
            if isNews { suspect(attempt, now, &finding) }
        case .likelyRejected where isNews: suspect(attempt, now, &finding)
        case .likelyRejected: queues[queue].suspicion.refuseAgain(attempt.handle, now)
        case .unclear: if isNews, isChanged { suspect(attempt, now, &finding) }
        }
        if confirmSuspicion(queue, now) != nil { finding.isAlarm = true }
        finding.isRejected = queues[queue].isRejected
        finding.isOld = failures[attempt.key]?.refusal?.isOld ?? false
        finding.isProven = failures[attempt.key]?.refusal?.proof == .application
        finding.isRisk = queues[queue].suspicion.isRisked(attempt.handle)
        finding.isProbe = queues[queue].suspicion.isProbe(attempt.handle)
        if let refusal, bearing != .grantLost || finding.isDoubted {
            note(refusal.kind, refusal.status, of: attempt, now, &finding)
        }
        return finding
    }

    /// Takes an application to be rejected where so many were refused, and whoever was out with
    /// them was answered or is overdue.
    ///
    /// - Returns: the status of such a refusal; nil where it is not so, or was before.
    mutating func confirmSuspicion(_ queue: Int, _ now: UnixTime) -> Int? {
        guard queues[queue].isSuspicionConfirmed, queues[queue].reject(now) else { return nil }
        let risked = queues[queue].suspicion.risked
        // In an order that no hash decides.
        let refusals = failures.values.compactMap(\.refusal).filter { risked.contains($0.handle) }
        return refusals.max { $0.handle < $1.handle }?.status ?? 0
    }

    private mutating func suspect(
        _ attempt: RefreshAttempt, _ now: UnixTime, _ finding: inout Finding
    ) {
        // What is being disconnected, or has other tokens, has nothing to lose.
        guard !attempt.isOfTheFormer else { return }
        if queues[attempt.queue].suspicion.refuse(attempt.handle, order: attempt.order, now) {
            risks[attempt.handle] = attempt.queue
            finding.isNewRisk = true
        }
    }

    /// A connection was refused: until somebody else's success says more.
    private mutating func note(
        _ kind: Refusal.Kind, _ status: Int, of attempt: RefreshAttempt, _ now: UnixTime,
        _ finding: inout Finding
    ) {
        guard !attempt.isOfTheFormer else { return }
        let queue = attempt.queue
        var refusal = Refusal(
            handle: attempt.handle, queue: queue, kind: kind, status: status,
            order: queues[queue].suspicion.sentCount, heard: now)
        if let before = failures[attempt.key]?.refusal {
            (refusal.proof, refusal.isOld) = (before.proof, before.isOld)
            refusal.provenAt = before.provenAt
            // Refused, another one served, and refused again.
            if before.proof == .application, attempt.order > before.provenAt {
                if min(kind.rawValue, before.kind.rawValue) > Refusal.Kind.unknown.rawValue {
                    queues[queue].suspicion.learn()
                }
                if kind == .grant, before.kind == .grant {
                    finding.lost = (attempt.key, refusal)
                }
            }
        }
        set(refusal, attempt.key)
    }

    /// Remembers a refusal.
    mutating func set(_ refusal: Refusal, _ key: RecordKey) {
        failures[key, default: Failures()].refusal = refusal
        let queue = refusal.queue
        queues[queue].refusedHandles.insert(refusal.handle)
        guard !refusal.isVoid else { return }
        let entry = RefusedQueue.Entry(key: key, order: refusal.order)
        if refusal.proof < .application {
            var refused = RefusedQueue()
            swap(&refused, &queues[queue].refused)
            refused.append(entry) { live($0, below: .application) != nil }
            swap(&refused, &queues[queue].refused)
        }
        if refusal.proof < .endpoint {
            let endpoint = queues[queue].endpoint
            var refused = RefusedQueue()
            swap(&refused, &endpoints[endpoint].refused)
            refused.append(entry) { live($0, below: .endpoint) != nil }
            swap(&refused, &endpoints[endpoint].refused)
        }
    }

    /// The refusal of an entry, unless more is known of it by now.
    private func live(_ entry: RefusedQueue.Entry, below proof: Refusal.Proof) -> Refusal? {
        guard let refusal = failures[entry.key]?.refusal, refusal.order == entry.order,
            refusal.proof < proof
        else { return nil }
        return refusal
    }

    /// What a connection was refused with is void.
    mutating func forgetRefusal(_ key: RecordKey) {
        guard let refusal = failures[key]?.refusal else { return }
        failures[key]?.refusal = nil
        queues[refusal.queue].refusedHandles.remove(refusal.handle)
    }

    /// The connection of a handle is gone, or has other tokens.
    mutating func forgetRisk(_ handle: Handle) {
        holds[handle] = nil
        if let queue = risks.removeValue(forKey: handle) { queues[queue].suspicion.forget(handle) }
        // A success of the record that had the handle, or of other tokens, does not count here.
        if let queue = queue(of: handle) { queues[queue].suspicion.forgetSuccess(handle) }
    }

    /// A request of an application that left as the `order`-th brought tokens.
    mutating func accept(
        _ queue: Int, order: UInt64, _ now: UnixTime, _ finding: inout Finding
    ) {
        let before = queues[queue].suspicion.risked
        let wasCareful = queues[queue].isCareful
        if queues[queue].suspicion.succeed(order: order) {
            finding.isAccepted = queues[queue].accept()
        }
        for handle in before where !queues[queue].suspicion.isRisked(handle) { risks[handle] = nil }
        finding.wakes = wasCareful && !queues[queue].isCareful
        proveRefused(queue, order: order, now, &finding)
        askRefusedSooner(queue, now, &finding)
    }

    /// Of those that were refused before a request of their own application left that succeeds.
    private mutating func proveRefused(
        _ queue: Int, order: UInt64, _ now: UnixTime, _ finding: inout Finding
    ) {
        for _ in 0..<Self.askedSoonerMax {
            guard let first = queues[queue].refused.first, first.order < order else { return }
            _ = queues[queue].refused.removeFirst()
            guard var refusal = live(first, below: .application) else { continue }
            refusal.proof = .application
            refusal.provenAt = queues[queue].suspicion.sentCount
            askSooner(refusal, first.key, now, &finding)
        }
    }

    /// Of those that other applications at the same endpoint have.
    private mutating func askRefusedSooner(
        _ queue: Int, _ now: UnixTime, _ finding: inout Finding
    ) {
        let endpoint = queues[queue].endpoint
        var own: [RefusedQueue.Entry] = []
        for _ in 0..<Self.askedSoonerMax {
            guard let first = endpoints[endpoint].refused.removeFirst() else { break }
            guard var refusal = live(first, below: .endpoint),
                queues[refusal.queue].endpoint == endpoint
            else { continue }
            // What left before says nothing of one's own application.
            if refusal.queue == queue {
                own.append(first)
                continue
            }
            refusal.proof = .endpoint
            askSooner(refusal, first.key, now, &finding)
        }
        for entry in own { endpoints[endpoint].refused.append(entry) { _ in true } }
    }

    /// Somebody else's request has succeeded: whoever is paused is worth another try.
    private mutating func askSooner(
        _ refusal: Refusal, _ key: RecordKey, _ now: UnixTime, _ finding: inout Finding
    ) {
        var refusal = refusal
        let wasPaused = refusal.pauseEnd != nil
        (refusal.pauseEnd, refusal.isWorthATry) = (nil, true)
        failures[key]?.refusal = refusal
        guard wasPaused, attempts[key] == nil, heap.deadline(refusal.handle.number) != nil else {
            return
        }
        // Not at once where it was refused a moment ago, and behind everybody who was not refused.
        let earliest = refusal.heard.adding(milliseconds: RefreshPolicy.backoffMillisecondsMax)
        let due = refusal.heard > now ? now : max(now, earliest)
        schedule(refusal.handle, Plan(queue: refusal.queue, due: due, death: Self.last(due)))
        finding.wakes = true
    }

    /// The end of one that is less urgent than all others.
    static func last(_ due: UnixTime) -> UnixTime {
        due.adding(milliseconds: Int64(UInt16.max) * 1000)
    }

    // MARK: Pauses

    /// Whether a connection that was refused is not to be asked yet.
    func isPaused(_ key: RecordKey, _ now: UnixTime) -> Bool {
        failures[key]?.refusal?.isPaused(now) ?? false
    }

    func refusal(_ key: RecordKey) -> Refusal? { failures[key]?.refusal }

    /// A connection's token is known to expire then.
    mutating func setExpiry(_ key: RecordKey, _ expiry: UnixTime?) {
        failures[key]?.refusal?.expiry = expiry
    }

    /// When a connection that was to be asked at `due` is asked: later where it was refused, and
    /// will have expired.
    mutating func pause(
        _ key: RecordKey, due: UnixTime, _ now: UnixTime, random: UInt64
    ) -> UnixTime {
        guard let end = failures[key]?.refusal?.pauseEnd(due: due, now), end > now else {
            return due
        }
        let moment = max(due, RefreshPolicy.jittered(end, now: now, random: random))
        failures[key]?.refusal?.pauseEnd = moment
        return moment
    }
}
