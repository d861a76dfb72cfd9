// SPDX-License-Identifier: Apache-2.0

import BasicContainers

@testable import TokenVault

// A commit's changes, checked first and then made, as the writer does.
extension Disk {
    /// Makes a commit true, or none of it. What was written is told to `tell`.
    func apply(_ commit: Commit, _ tell: (DurableChange) -> Void) -> Result<Committed, VaultError> {
        do throws(VaultError) {
            if room == .none || room == .onlyWhatMayUseReserve && !commit.mayUseReserve {
                throw VaultError(.storeFull, .store)
            }
            for index in commit.changes.indices {
                try check(commit.changes[index], isRecovery: commit.isRecovery)
            }
            var committed = Committed()
            for index in commit.changes.indices {
                try apply(commit.changes[index], &committed, tell)
            }
            commits += 1
            return .success(committed)
        } catch {
            return .failure(error)
        }
    }

    private func check(
        _ change: borrowing Change, isRecovery: Bool
    ) throws(VaultError) {
        switch change.kind {
        case .put(_, let key, let expectation):
            guard !contents.fenced.contains(key) else { throw VaultError(.disconnecting, .store) }
            try check(expectation, contents.records[key]?.generation)
            try Self.checkIsThere(change.plaintext)
        case .fence(let key):
            guard contents.records[key] != nil else { throw VaultError(.notFound, .store) }
        case .erase(let key):
            guard contents.records[key] != nil else { throw VaultError(.notFound, .store) }
            guard !isRecovery || contents.fenced.contains(key) else {
                throw VaultError(.authenticationFailed, .store)
            }
        case .takeFlow(let key):
            guard contents.flows[key] != nil else { throw VaultError(.notFound, .store) }
        case .beginBatch(let attempts, _):
            guard attempts.count <= StoreLimits.batchAttemptsMax else {
                throw VaultError(.limitExceeded, .store, number: StoreLimits.batchAttemptsMax)
            }
        case .addFlow(_, let connection, let now, _):
            guard !contents.fenced.contains(connection) else {
                throw VaultError(.disconnecting, .store)
            }
            guard contents.records[connection] != nil else { throw VaultError(.notFound, .store) }
            let live = contents.flows.values.count { $0.expires > now }
            guard live < StoreLimits.flowsMax else {
                throw VaultError(.limitExceeded, .store, number: StoreLimits.flowsMax)
            }
            try Self.checkIsThere(change.plaintext)
        case .revise, .endAttempt, .event: return
        }
    }

    /// Nothing that was applied can be taken back.
    private static func checkIsThere(_ plaintext: borrowing Secret?) throws(VaultError) {
        if plaintext == nil { throw VaultError(.invalidArgument, .store) }
    }

    private func check(
        _ expectation: Change.Expectation, _ present: UInt64?
    ) throws(VaultError) {
        switch expectation {
        case .anything: return
        case .absent:
            if present != nil { throw VaultError(.alreadyExists, .store) }
        case .generation(let wanted):
            guard let present else { throw VaultError(.notFound, .store) }
            if present != wanted { throw VaultError(.generationChanged, .store) }
        }
    }

    private func apply(
        _ change: borrowing Change, _ committed: inout Committed, _ tell: (DurableChange) -> Void
    ) throws(VaultError) {
        switch change.kind {
        case .put(let kind, let key, _):
            switch change.plaintext {
            case .none: throw VaultError(.invalidArgument, .store)
            case .some(let plaintext): put(kind, key, TokenText.copy(plaintext), &committed, tell)
            }
        case .revise(let key, let revision): try revise(key, revision, &committed, tell)
        case .fence(let key): try fence(key, &committed, tell)
        case .erase(let key):
            erase(key, tell)
            committed.erasedSlots += 1
            committed.erasure = ErasureQuality(fileSystem: 0, isInPlace: true)
        case .addFlow(let key, let connection, let now, let expires):
            contents.flows = contents.flows.filter { $0.value.expires > now }
            guard let record = contents.records[connection] else { return }
            switch change.plaintext {
            case .none: throw VaultError(.invalidArgument, .store)
            case .some(let plaintext):
                let life = contents.slots[Int(record.slot)]?.life ?? 0
                contents.flows[key] = Flow(
                    connection: connection, life: life, expires: expires,
                    plaintext: TokenText.copy(plaintext))
            }
        case .takeFlow(let key): contents.flows[key] = nil
        case .beginBatch(let attempts, let recorded):
            committed.batch = contents.nextBatch
            contents.batches[contents.nextBatch] = Batch(
                attempts: attempts, recorded: recorded, open: Set(attempts.map(\.key)))
            contents.nextBatch += 1
        case .endAttempt(let batch, let key):
            contents.batches[batch]?.open.remove(key)
            if contents.batches[batch]?.open.isEmpty == true { contents.batches[batch] = nil }
        case .event(let event): if committed.fate ?? .changed == .changed { append(event) }
        }
    }

    private func put(
        _ kind: SealedRecord.Kind, _ key: RecordKey, _ plaintext: [UInt8],
        _ committed: inout Committed, isFence: Bool = false, _ tell: (DurableChange) -> Void
    ) {
        contents.generation += 1
        let generation = contents.generation
        if sabotage == .forgetsPuts, generation % 8 == 0, let record = contents.records[key] {
            committed.handle = Handle(number: record.slot)
            committed.generation = record.generation
            return
        }
        let slot: UInt32
        if let record = contents.records[key] {
            slot = record.slot
        } else {
            let entry = Slot(key: key, life: generation)
            if let free = contents.freeSlots.popLast() {
                slot = free
                contents.slots[Int(free)] = entry
            } else {
                slot = UInt32(contents.slots.count)
                contents.slots.append(entry)
            }
        }
        contents.records[key] = Record(
            kind: kind, slot: slot, generation: generation, plaintext: plaintext)
        committed.handle = Handle(number: slot)
        committed.generation = generation
        tell(
            kind == .connection
                ? .written(key, plaintext, isFence: isFence) : .registered(key, plaintext))
    }

    private func revise(
        _ key: RecordKey, _ revision: Revision, _ committed: inout Committed,
        _ tell: (DurableChange) -> Void
    ) throws(VaultError) {
        guard !contents.fenced.contains(key) else {
            committed.fate = .disconnecting
            return
        }
        var edited: ConnectionRecord
        var version = RecordVersion.absent
        if let record = contents.records[key] {
            edited = ConnectionRecord(fields: try Self.fields(record.plaintext))
            version = self.version(record)
        } else if let new = revision.new {
            edited = try new()
        } else {
            committed.fate = .missing
            return
        }
        switch try revision.edit(&edited, version) {
        case .leave:
            committed.fate = .left
            return
        case .change: break
        case .replan(let plan): committed.plan = plan
        }
        let plaintext = edited.plaintext()
        put(.connection, key, TokenText.copy(plaintext), &committed, tell)
        committed.fate = .changed
    }

    private func fence(
        _ key: RecordKey, _ committed: inout Committed, _ tell: (DurableChange) -> Void
    ) throws(VaultError) {
        guard let record = contents.records[key] else { return }
        committed.handle = Handle(number: record.slot)
        committed.generation = record.generation
        guard !contents.fenced.contains(key) else { return }
        if record.kind == .connection {
            var fields = try Self.fields(record.plaintext)
            try fields.set(ConnectionTag.state, integer: ConnectionState.disconnecting.rawValue)
            let plaintext = fields.takeAll()
            put(.connection, key, TokenText.copy(plaintext), &committed, isFence: true, tell)
        }
        contents.fenced.insert(key)
    }

    private func erase(_ key: RecordKey, _ tell: (DurableChange) -> Void) {
        guard sabotage != .keepsErased, let record = contents.records.removeValue(forKey: key)
        else { return }
        contents.slots[Int(record.slot)] = nil
        contents.freedSlots.append(record.slot)
        contents.fenced.remove(key)
        if record.kind == .connection { tell(.erased(key)) }
    }

    func version(_ record: Record) -> RecordVersion {
        RecordVersion(
            handle: Handle(number: record.slot), generation: record.generation,
            life: contents.slots[Int(record.slot)]?.life ?? 0)
    }

    static func fields(_ plaintext: [UInt8]) throws(VaultError) -> Fields {
        let span = plaintext.span
        let secret = unsafe try Secret(copying: span.bytes)
        return try Fields(secret)
    }
}
