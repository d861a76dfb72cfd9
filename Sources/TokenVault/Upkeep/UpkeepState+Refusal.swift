// SPDX-License-Identifier: Apache-2.0

// What follows from an answer for connections that were refused before.
extension UpkeepState {
    /// The most connections that one success makes due again: what is left waits for the next.
    static let reprievesMax = 256

    /// An answer has come. To be called when its flight has landed.
    ///
    /// - Parameters:
    ///   - refusal: how it refuses the connection, if it does, and its status.
    ///   - prospect: what was to be expected of the grant.
    mutating func judge(
        _ flight: Flight, _ bearing: Bearing, refusal: (kind: Refusal.Kind, status: Int)?,
        prospect: Prospect = .good, _ now: UnixTime
    ) -> Finding {
        let lane = flight.lane
        var finding = Finding()
        if bearing != .accepted, lanes[lane].suspicion.predates(flight.order) {
            finding.isOutdated = true
            return finding
        }
        // Of one that was refused before, or whose grant was likely to be over, no more is learnt;
        // but after a change it counts what was risked, whatever was to be expected of it.
        let isChanged = lanes[lane].suspicion.change != nil
        let isNews =
            !(failures[flight.key]?.refusal?.isNoNews ?? false) && (prospect == .good || isChanged)
        if bearing != .unanswered { lanes[lane].suspicion.forgetUnanswered(flight.slot) }
        switch bearing {
        case .none: break
        case .unanswered:
            if !flight.isOrphan, !flight.isSuperseded { noteUnanswered(flight) }
        case .accepted:
            noteSuccess(flight, now)
            accept(lane, order: flight.order, now, &finding)
        case .grantLost where !isChanged:
            finding.isAccepted = lanes[lane].accept()
            finding.wakes = finding.isAccepted
        case .rejected:
            suspect(flight, now, &finding)
            finding.isAlarm = lanes[lane].reject(now)
        case .grantLost:
            finding.isDoubted = true
            if isNews { suspect(flight, now, &finding) }
        case .likelyRejected where isNews: suspect(flight, now, &finding)
        case .likelyRejected: lanes[lane].suspicion.refuseAgain(flight.slot, now)
        case .unclear: if isNews, isChanged { suspect(flight, now, &finding) }
        }
        if confirmSuspicion(lane, now) != nil { finding.isAlarm = true }
        finding.isRejected = lanes[lane].isRejected
        finding.isOld = failures[flight.key]?.refusal?.isOld ?? false
        finding.isProven = failures[flight.key]?.refusal?.proof == .application
        finding.isRisk = lanes[lane].suspicion.isRisked(flight.slot)
        finding.isProbe = lanes[lane].suspicion.isProbe(flight.slot)
        if let refusal, bearing != .grantLost || finding.isDoubted {
            note(refusal.kind, refusal.status, of: flight, now, &finding)
        }
        return finding
    }

    /// Takes an application to be rejected where so many were refused, and whoever was out with
    /// them has had its say or is overdue.
    ///
    /// - Returns: the status of such a refusal; nil where it is not so, or was before.
    mutating func confirmSuspicion(_ lane: Int, _ now: UnixTime) -> Int? {
        guard lanes[lane].isSuspicionConfirmed, lanes[lane].reject(now) else { return nil }
        let risked = lanes[lane].suspicion.risked
        // In an order that no hash decides.
        let refusals = failures.values.compactMap(\.refusal).filter { risked.contains($0.slot) }
        return refusals.max { $0.slot < $1.slot }?.status ?? 0
    }

    private mutating func suspect(
        _ flight: Flight, _ now: UnixTime, _ finding: inout Finding
    ) {
        // What is being disconnected, or has other tokens, has nothing to lose.
        guard !flight.isOrphan, !flight.isSuperseded else { return }
        if lanes[flight.lane].suspicion.refuse(flight.slot, order: flight.order, now) {
            risks[flight.slot] = flight.lane
            finding.isNewRisk = true
        }
    }

    /// A connection was refused: until somebody else's success says more.
    private mutating func note(
        _ kind: Refusal.Kind, _ status: Int, of flight: Flight, _ now: UnixTime,
        _ finding: inout Finding
    ) {
        guard !flight.isOrphan, !flight.isSuperseded else { return }
        let lane = flight.lane
        var refusal = Refusal(
            slot: flight.slot, lane: lane, kind: kind, status: status,
            order: lanes[lane].suspicion.sentCount, heard: now)
        if let before = failures[flight.key]?.refusal {
            (refusal.proof, refusal.isOld) = (before.proof, before.isOld)
            refusal.provenAt = before.provenAt
            // Refused, another one served, and refused again.
            if before.proof == .application, flight.order > before.provenAt {
                if min(kind.rawValue, before.kind.rawValue) > Refusal.Kind.unknown.rawValue {
                    lanes[lane].suspicion.learn()
                }
                if kind == .grant, before.kind == .grant {
                    finding.lost = (flight.key, refusal)
                }
            }
        }
        set(refusal, flight.key)
    }

    /// Keeps a refusal in mind.
    mutating func set(_ refusal: Refusal, _ key: RecordKey) {
        failures[key, default: Failures()].refusal = refusal
        let lane = refusal.lane
        lanes[lane].refusedSlots.insert(refusal.slot)
        guard !refusal.isVoid else { return }
        let entry = RefusedQueue.Entry(key: key, order: refusal.order)
        if refusal.proof < .application {
            var queue = RefusedQueue()
            swap(&queue, &lanes[lane].refused)
            queue.append(entry) { live($0, below: .application) != nil }
            swap(&queue, &lanes[lane].refused)
        }
        if refusal.proof < .endpoint {
            let endpoint = lanes[lane].endpoint
            var queue = RefusedQueue()
            swap(&queue, &endpoints[endpoint].refused)
            queue.append(entry) { live($0, below: .endpoint) != nil }
            swap(&queue, &endpoints[endpoint].refused)
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
        lanes[refusal.lane].refusedSlots.remove(refusal.slot)
    }

    /// The connection of a slot is gone, or has other tokens.
    mutating func forgetRisk(_ slot: UInt32) {
        holds[slot] = nil
        if let lane = risks.removeValue(forKey: slot) { lanes[lane].suspicion.forget(slot) }
        // What whoever had the slot has shown, or the tokens before, these do not show.
        if let lane = lane(of: slot) { lanes[lane].suspicion.forgetSuccess(slot) }
    }

    /// A request of an application that left as the `order`-th brought tokens.
    mutating func accept(
        _ lane: Int, order: UInt64, _ now: UnixTime, _ finding: inout Finding
    ) {
        let before = lanes[lane].suspicion.risked
        let wasCareful = lanes[lane].isCareful
        if lanes[lane].suspicion.succeed(order: order) { finding.isAccepted = lanes[lane].accept() }
        for slot in before where !lanes[lane].suspicion.isRisked(slot) { risks[slot] = nil }
        finding.wakes = wasCareful && !lanes[lane].isCareful
        proveRefused(lane, order: order, now, &finding)
        reprieveRefused(lane, now, &finding)
    }

    /// Of those that were refused before a request of their own application left that succeeds.
    private mutating func proveRefused(
        _ lane: Int, order: UInt64, _ now: UnixTime, _ finding: inout Finding
    ) {
        for _ in 0..<Self.reprievesMax {
            guard let first = lanes[lane].refused.first, first.order < order else { return }
            _ = lanes[lane].refused.removeFirst()
            guard var refusal = live(first, below: .application) else { continue }
            refusal.proof = .application
            refusal.provenAt = lanes[lane].suspicion.sentCount
            reprieve(refusal, first.key, now, &finding)
        }
    }

    /// Of those that other applications at the same endpoint have.
    private mutating func reprieveRefused(
        _ lane: Int, _ now: UnixTime, _ finding: inout Finding
    ) {
        let endpoint = lanes[lane].endpoint
        var own: [RefusedQueue.Entry] = []
        for _ in 0..<Self.reprievesMax {
            guard let first = endpoints[endpoint].refused.removeFirst() else { break }
            guard var refusal = live(first, below: .endpoint),
                lanes[refusal.lane].endpoint == endpoint
            else { continue }
            // What left before says nothing of one's own application.
            if refusal.lane == lane {
                own.append(first)
                continue
            }
            refusal.proof = .endpoint
            reprieve(refusal, first.key, now, &finding)
        }
        for entry in own { endpoints[endpoint].refused.append(entry) { _ in true } }
    }

    /// Somebody else's request has succeeded: whoever is paused is worth another try.
    private mutating func reprieve(
        _ refusal: Refusal, _ key: RecordKey, _ now: UnixTime, _ finding: inout Finding
    ) {
        var refusal = refusal
        let wasPaused = refusal.pauseEnd != nil
        (refusal.pauseEnd, refusal.isReprieved) = (nil, true)
        failures[key]?.refusal = refusal
        guard wasPaused, numbers[key] == nil, heap.deadline(refusal.slot) != nil else { return }
        // Not at once where it was refused a moment ago, and behind everybody who was not refused.
        let earliest = refusal.heard.adding(milliseconds: RefreshPolicy.backoffMillisecondsMax)
        let due = refusal.heard > now ? now : max(now, earliest)
        schedule(refusal.slot, Plan(lane: refusal.lane, due: due, death: Self.last(due)))
        finding.wakes = true
    }

    /// The death of one that is less urgent than all others.
    private static func last(_ due: UnixTime) -> UnixTime {
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

    // MARK: Changes

    /// The application of a lane was changed: what its connections were refused with is void, and
    /// requests that were made before are not sent.
    ///
    /// - Returns: the flights that are to be taken back.
    mutating func change(_ lane: Int, _ change: Suspicion.Change, _ now: UnixTime) -> [UInt64] {
        for slot in lanes[lane].suspicion.risked { risks[slot] = nil }
        // In an order that no hash decides.
        let refused = failures.compactMap { key, failure in failure.refusal.map { (key, $0) } }
            .filter { $0.1.lane == lane }.sorted { $0.1.slot < $1.1.slot }
        lanes[lane].change(change)
        for (key, refusal) in refused {
            failures[key]?.refusal?.outdate()
            askAgain(key, refusal, now)
        }
        return flights.values.filter {
            $0.lane == lane && ($0.stage == .ready || $0.stage == .sent)
        }.map(\.number).sorted()
    }

    /// Somebody says that a connection is worth another try, whatever it was refused with.
    mutating func forgive(_ key: RecordKey) {
        failures[key]?.refusal?.pauseEnd = nil
        failures[key]?.refusal?.isReprieved = true
    }

    /// The same of an application and of all its connections. Those that were refused have nothing
    /// to lose: that they are refused again does not count against it.
    mutating func forgive(lane: Int, _ now: UnixTime) {
        for slot in lanes[lane].suspicion.risked { risks[slot] = nil }
        lanes[lane].forgive()
        // In an order that no hash decides.
        let refused = failures.compactMap { key, failure in failure.refusal.map { (key, $0) } }
            .filter { $0.1.lane == lane }.sorted { $0.1.slot < $1.1.slot }
        for (key, refusal) in refused {
            failures[key]?.refusal?.isOld = true
            forgive(key)
            askAgain(key, refusal, now)
        }
    }

    /// Whatever it was refused with holds no more: it is due, behind all that were not refused.
    private mutating func askAgain(_ key: RecordKey, _ refusal: Refusal, _ now: UnixTime) {
        guard numbers[key] == nil, heap.deadline(refusal.slot) != nil else { return }
        schedule(refusal.slot, Plan(lane: refusal.lane, due: now, death: Self.last(now)))
    }
}
