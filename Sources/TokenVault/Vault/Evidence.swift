// SPDX-License-Identifier: Apache-2.0

/// What the records say of how providers take their applications: gathered by the scan at open, so
/// that a restart forgets neither who was refused nor that nobody may be risked any more.
///
/// What came first is told by generations, which no clock can confuse.
struct Evidence: ~Copyable {
    /// A connection that was refused and has no newer tokens.
    struct Refused {
        let key: RecordKey
        let handle: Handle
        /// The generation of its refusal.
        let generation: UInt64
        let isRejection: Bool
        let kind: Refusal.Kind
        /// What was known of it.
        private let flags: UInt8
        let status: Int
        let time: UnixTime
        let expiry: UnixTime?

        /// Nil where the record's failure, if any, is no refusal.
        init?(
            _ record: borrowing ConnectionRecord, _ version: RecordVersion, _ key: RecordKey,
            _ limits: RefreshPolicy.Limits, now: () -> UnixTime
        ) {
            guard record.state == .active, let failure = record.failure else { return nil }
            isRejection = failure.code == VaultEvent.Kind.applicationRejected.code
            guard isRejection || failure.code == VaultEvent.Kind.refreshRefused.code else {
                return nil
            }
            self.key = key
            handle = version.handle
            generation = record.failureSince ?? version.generation
            kind = Refusal.Kind(record: record.refusal) ?? .unknown
            flags = (record.refusal ?? 0) & Refusal.flags
            status = Int(failure.status)
            time = failure.time
            expiry = RefreshPolicy.Lifetime.expiry(record, limits, now: now())
        }

        func has(_ flag: UInt8) -> Bool { flags & flag != 0 }
    }

    /// A connection whose tokens a refresh or a code brought.
    private struct Served {
        let generation: UInt64
        let handle: Handle
        let key: RecordKey
        /// When it was asked for.
        let issued: UnixTime
        let time: UnixTime
        let isActive: Bool
    }

    /// By queue, the connections that were served last, the last one last.
    private var served: [Int: [Served]] = [:]
    private(set) var refused: [Int: [Refused]] = [:]
    /// By queue, the newest generation in which the provider rejected the application, and when.
    private var rejected: [Int: (generation: UInt64, time: UnixTime)] = [:]
    /// By queue, the newest generation in which the provider asked for a pause, when, and its end.
    private var pauses: [Int: (generation: UInt64, from: UnixTime, until: UnixTime)] = [:]
    /// The queues of applications that were rejected when somebody connected.
    private var refusedAtConnect: Set<Int> = []

    /// Takes in what a connection's record says.
    mutating func add(
        _ record: borrowing ConnectionRecord, _ version: RecordVersion, _ key: RecordKey,
        _ queue: Int, _ limits: RefreshPolicy.Limits, now: @autoclosure () -> UnixTime
    ) {
        let generation = record.tokensSince ?? version.generation
        if let moment = Self.served(record) {
            insert(
                Served(
                    generation: generation, handle: version.handle, key: key, issued: record.issued,
                    time: moment, isActive: record.state == .active), queue)
        }
        if let found = Refused(record, version, key, limits, now: now) {
            refused[queue, default: []].append(found)
            if found.isRejection { noteRejection(found.generation, found.time, queue) }
        }
        guard let trouble = record.trouble else { return }
        if record.state == .configured, Self.isOfApplication(trouble) {
            refusedAtConnect.insert(queue)
        }
        let since = record.troubleSince ?? version.generation
        if trouble.code == VaultEvent.Kind.applicationRejected.code {
            noteRejection(since, trouble.time, queue)
        }
        if let until = record.pauseEnd, since > pauses[queue]?.generation ?? 0 {
            pauses[queue] = (since, trouble.time, until)
        }
    }

    /// When a refresh or a code brought the tokens; nil where the platform put them.
    private static func served(_ record: borrowing ConnectionRecord) -> UnixTime? {
        guard let refreshed = record.refreshed else {
            return record.isExchanged ? record.issued : nil
        }
        return refreshed >= record.issued ? refreshed : nil
    }

    /// Whether a flow failed because of its application: see `Verdict`.
    private static func isOfApplication(_ trouble: ConnectionRecord.Failure) -> Bool {
        guard trouble.code == VaultEvent.Kind.connectFailed.code else { return false }
        let number = FailureNumber(raw: Int64(trouble.status))
        return switch number.detail.error {
        case .invalidClient, .unauthorizedClient, .unsupportedGrantType: number.number > 0
        default: number.number == 401
        }
    }

    /// Whether the log of a queue's application says that it is rejected, as far as can be told,
    /// and it has been taken from nobody since.
    func tellsRejection(_ queue: Int) -> Bool {
        refusedAtConnect.contains(queue) || rejection(queue, since: 0) != nil
    }

    private mutating func noteRejection(_ generation: UInt64, _ time: UnixTime, _ queue: Int) {
        if generation > rejected[queue]?.generation ?? 0 { rejected[queue] = (generation, time) }
    }
}

extension Evidence {
    private mutating func insert(_ found: Served, _ queue: Int) {
        let isFull = served[queue]?.count == Suspicion.successesMax
        if isFull, let first = served[queue]?.first, found.generation < first.generation {
            return
        }
        if isFull { served[queue]?.removeFirst() }
        let place = served[queue]?.firstIndex { $0.generation > found.generation }
        served[queue, default: []].insert(found, at: place ?? served[queue]?.count ?? 0)
    }

    /// The generation of the last tokens that a refresh or a code brought; 0 where there are none.
    func lastServed(_ queue: Int) -> UInt64 {
        served[queue]?.last?.generation ?? 0
    }

    /// When the provider rejected the application as it is since generation `changed`, where it has
    /// taken it from nobody since.
    func rejection(_ queue: Int, since changed: UInt64) -> UnixTime? {
        guard let last = rejected[queue], last.generation > max(changed, lastServed(queue)) else {
            return nil
        }
        return last.time
    }

    /// Until when the provider wants to be left alone, where it has served nobody since it said so.
    /// One that has not begun, or goes on for longer than any pause may, was written by another
    /// clock.
    func pauseEnd(_ queue: Int, now: UnixTime) -> UnixTime? {
        guard let pause = pauses[queue], pause.generation > lastServed(queue), pause.from <= now
        else { return nil }
        let left = pause.until.milliseconds(since: now)
        return left > 0 && left <= RefreshPolicy.retryAfterSecondsMax * 1000 ? pause.until : nil
    }

    /// Whether another connection was served since one was refused: asked for after that was heard,
    /// not merely stored after it.
    func isAnswered(_ found: Refused, _ queue: Int, now: UnixTime) -> Bool {
        if found.has(Refusal.provenFlag) { return true }
        // Of a clock that was ahead nobody knows when that was.
        let heard = found.time > now ? UnixTime(milliseconds: .min) : found.time
        return (served[queue] ?? []).contains {
            $0.generation > found.generation && $0.issued >= heard
        }
    }

    func successes(_ queue: Int) -> [Suspicion.Success] {
        (served[queue] ?? []).filter(\.isActive).map {
            Suspicion.Success(handle: $0.handle, key: $0.key, time: $0.time)
        }
    }
}

extension UpkeepState {
    /// Takes over what an earlier process has found out, as far as this one knows no better.
    mutating func restore(_ evidence: borrowing Evidence, _ now: UnixTime) {
        for queue in queues.indices {
            if let until = evidence.pauseEnd(queue, now: now) {
                endpoints[queues[queue].endpoint].governor.restorePause(until: until, now)
            }
        }
        for queue in queues.indices where queues[queue].suspicion.sentCount == 0 {
            let changed = queues[queue].changed
            let served = evidence.lastServed(queue)
            let isProven = served > changed.generation
            var risked: [Suspicion.Risk] = []
            for found in evidence.refused[queue] ?? [] {
                let isAnswered = evidence.isAnswered(found, queue, now: now)
                restore(found, queue, isAnswered: isAnswered, now)
                // What was heard before a change says nothing of how it refuses lost grants.
                if found.has(Refusal.provenFlag), found.generation > changed.generation,
                    found.kind != .unknown
                {
                    queues[queue].suspicion.learn()
                }
                guard found.generation > changed.generation, !isAnswered,
                    found.has(Refusal.riskFlag)
                else { continue }
                risked.append(
                    Suspicion.Risk(
                        handle: found.handle, order: 0, isProbe: found.has(Refusal.probeFlag),
                        // By a clock that was ahead, nobody knows when.
                        heard: min(found.time, now)))
                risks[found.handle] = queue
            }
            for success in evidence.successes(queue) {
                queues[queue].suspicion.note(success)
            }
            queues[queue].restore(
                risked, change: isProven ? nil : changed.change,
                rejected: evidence.rejection(queue, since: changed.generation), now)
        }
    }

    /// The same of one connection.
    ///
    /// - Parameter isAnswered: whether another connection has succeeded since.
    private mutating func restore(
        _ found: Evidence.Refused, _ queue: Int, isAnswered: Bool, _ now: UnixTime
    ) {
        guard !found.isRejection, failures[found.key]?.refusal == nil, attempts[found.key] == nil
        else { return }
        var refusal = Refusal(
            handle: found.handle, queue: queue, kind: found.kind, status: found.status, order: 0,
            heard: found.time)
        refusal.proof = isAnswered ? .application : .none
        // One that was not asked since another was served is asked once more.
        refusal.isWorthATry = isAnswered && !found.has(Refusal.provenFlag)
        refusal.isOld = found.has(Refusal.oldFlag)
        refusal.expiry = found.expiry
        if found.generation <= queues[queue].changed.generation { refusal.outdate() }
        set(refusal, found.key)
        _ = countFailure(found.key, isRefusal: true)
        guard !refusal.isWorthATry, let due = heap.deadline(found.handle.number) else { return }
        let later = pause(found.key, due: max(due, now), now, random: 0)
        guard later > max(due, now) else { return }
        schedule(found.handle, Plan(queue: queue, due: later, death: later))
    }
}
