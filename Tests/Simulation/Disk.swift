// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// What survives a crash: the state that the vault's writer keeps, in memory and unsealed. It only
/// changes when a group of commits becomes durable.
final class Disk: @unchecked Sendable {
    struct Record {
        let kind: SealedRecord.Kind
        let slot: UInt32
        var generation: UInt64
        var plaintext: [UInt8]
    }

    struct Slot {
        let key: RecordKey
        let life: UInt64
    }

    struct Batch {
        let attempts: [AttemptRecord]
        let recorded: UnixTime
        var open: Set<RecordKey>
    }

    struct Flow {
        let connection: RecordKey
        let life: UInt64
        let expires: UnixTime
        let plaintext: [UInt8]
    }

    /// Everything at once: a value, so that it can be kept and put back.
    struct Contents {
        var records: [RecordKey: Record] = [:]
        /// By slot; nil where it is free.
        var slots: [Slot?] = []
        var freeSlots: [UInt32] = []
        /// Free with the next group: whoever is told of their erasure lets go of them first.
        var freedSlots: [UInt32] = []
        var fenced: Set<RecordKey> = []
        var batches: [UInt64: Batch] = [:]
        var nextBatch: UInt64 = 1
        var generation: UInt64 = 0
        var flows: [RecordKey: Flow] = [:]
        var events: [EventEntry] = []
        /// The number of the first of them.
        var firstEvent: UInt64 = 1
    }

    /// Which commits find room.
    enum Room {
        case enough, onlyWhatMayUseReserve, none
    }

    /// A change that is durable, for whoever checks.
    enum DurableChange {
        case written(RecordKey, [UInt8], isFence: Bool)
        case erased(RecordKey)
        /// An application.
        case registered(RecordKey, [UInt8])
    }

    var contents = Contents()
    var room = Room.enough
    /// Commits and groups that became durable.
    var commits = 0
    var groups = 0
    /// What is acknowledged and not done.
    var sabotage = Scenario.Sabotage.none

    /// Disconnects that were cut short, in the order of slots: a set has none that two runs share.
    var unfinished: [RecordKey] {
        contents.slots.compactMap { $0?.key }.filter(contents.fenced.contains)
    }

    /// The attempts whose answers were never heard, the oldest batch first.
    var doubts: [InheritedAttempt] {
        contents.batches.keys.sorted().flatMap { number in
            let batch = contents.batches[number]
            return (batch?.attempts ?? []).compactMap { attempt in
                batch.flatMap { batch in
                    batch.open.contains(attempt.key)
                        ? InheritedAttempt(
                            batch: number, attempt: attempt, recorded: batch.recorded) : nil
                }
            }
        }
    }

    /// What the next process finds: every empty slot is free, and of a batch that did not end as a
    /// whole all attempts are on record.
    func reopen() {
        contents.freedSlots = []
        contents.freeSlots = contents.slots.indices.reversed()
            .filter { contents.slots[$0] == nil }.map { UInt32($0) }
        for (number, batch) in contents.batches {
            contents.batches[number]?.open = Set(batch.attempts.map(\.key))
        }
    }

    /// Before a group: what the one before it erased can be used again.
    func releaseSlots() {
        contents.freeSlots += contents.freedSlots
        contents.freedSlots = []
    }

    func append(_ event: EventEntry) {
        contents.events.append(event)
        guard contents.events.count > StoreLimits.eventsMax else { return }
        contents.events.removeFirst()
        contents.firstEvent += 1
    }
}
