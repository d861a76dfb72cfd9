// SPDX-License-Identifier: Apache-2.0

/// What the records say of how providers take their applications: gathered by the scan at open, so
/// that a restart forgets neither who was refused nor that nobody may be risked any more.
///
/// What came first is told by generations, which no clock can confuse.
struct Evidence: ~Copyable {
    /// A connection that was refused and has no newer tokens.
    struct Refused {
        let key: RecordKey
        let slot: UInt32
        /// The generation of its refusal.
        let generation: UInt64
        let isRejection: Bool
        let kind: Refusal.Kind
        let isOld: Bool
        let status: Int
        let time: UnixTime
        let expiry: UnixTime?

        /// Nil where the record's failure, if any, is no refusal.
        init?(
            _ record: borrowing ConnectionRecord, _ header: SealedRecord.Header, _ key: RecordKey,
            _ limits: RefreshPolicy.Limits
        ) {
            guard record.state == .active, let failure = record.failure else { return nil }
            isRejection = failure.code == VaultEvent.Kind.applicationRejected.code
            guard isRejection || failure.code == VaultEvent.Kind.refreshRefused.code else {
                return nil
            }
            self.key = key
            slot = header.slot
            generation = record.failureSince ?? header.generation
            kind = Refusal.Kind(record: record.refusal) ?? .unknown
            isOld = record.refusal.map { $0 & Refusal.oldFlag != 0 } ?? false
            status = Int(failure.status)
            time = failure.time
            expiry = RefreshPolicy.expiry(
                issued: record.issued, stated: record.accessTokenExpiry, limits)
        }

        /// Until when it is not asked again; nil where it has not expired. What another clock wrote
        /// is not believed.
        func pauseEnd(_ now: UnixTime, isProven: Bool) -> UnixTime? {
            guard let expiry, expiry <= now,
                time.milliseconds(since: now) <= RefreshPolicy.clockToleranceMilliseconds
            else { return nil }
            return time.adding(
                milliseconds: RefreshPolicy.pauseMilliseconds(isProven: isProven))
        }
    }

    /// By lane, the generation of the last tokens that a refresh brought.
    private(set) var refreshed: [Int: UInt64] = [:]
    private(set) var refused: [Int: [Refused]] = [:]

    /// Takes in what a connection's record says.
    mutating func add(
        _ record: borrowing ConnectionRecord, _ header: SealedRecord.Header, _ key: RecordKey,
        _ lane: Int, _ limits: RefreshPolicy.Limits
    ) {
        if let moment = record.refreshed, moment >= record.issued {
            let generation = record.tokensSince ?? header.generation
            if generation > refreshed[lane] ?? 0 { refreshed[lane] = generation }
        }
        if let found = Refused(record, header, key, limits) {
            refused[lane, default: []].append(found)
        }
    }
}

extension UpkeepState {
    /// Takes over what an earlier process has found out, as far as this one knows no better.
    ///
    /// - Parameter changed: slots whose record is not as it was any more.
    mutating func restore(
        _ evidence: borrowing Evidence, except changedSlots: Set<UInt32>, _ now: UnixTime
    ) {
        for lane in lanes.indices where lanes[lane].suspicion.sentCount == 0 {
            let changed = lanes[lane].changed
            let refreshed = evidence.refreshed[lane] ?? 0
            let isProven = refreshed > changed.generation
            var risked: [UInt32] = []
            var isRejected = false
            for found in evidence.refused[lane] ?? []
            where !changedSlots.contains(found.slot) {
                let isAnswered = found.generation < refreshed
                restore(found, lane, isAnswered: isAnswered, now)
                guard found.generation > changed.generation, !found.isOld, !isAnswered,
                    !isProven || found.kind != .unknown
                else { continue }
                risked.append(found.slot)
                risks[found.slot] = lane
                isRejected = isRejected || found.isRejection
            }
            lanes[lane].restore(
                risked: risked, change: isProven ? nil : changed.change,
                isRejected: isRejected || risked.count >= Suspicion.riskedMax)
        }
    }

    /// The same of one connection.
    ///
    /// - Parameter isAnswered: whether another connection has succeeded since.
    mutating func restore(
        _ found: Evidence.Refused, _ lane: Int, isAnswered: Bool, _ now: UnixTime
    ) {
        guard !found.isRejection, failures[found.key]?.refusal == nil, numbers[found.key] == nil
        else { return }
        var refusal = Refusal(
            slot: found.slot, lane: lane, kind: found.kind, status: found.status, order: 0)
        refusal.proof = isAnswered ? .application : .none
        refusal.isOld = found.isOld
        if found.generation <= lanes[lane].changed.generation { refusal.outdate() }
        let end = refusal.order == 0 ? found.pauseEnd(now, isProven: isAnswered) : nil
        if let end, end > now { refusal.pause = (found.time, end) }
        set(refusal, found.key)
        _ = countFailure(found.key, isRefusal: true)
        guard let end, end > now, heap.deadline(found.slot) != nil else { return }
        schedule(found.slot, Plan(lane: lane, due: end, death: end))
    }
}
