// SPDX-License-Identifier: Apache-2.0

extension Writer {
    /// Seals and puts a record. A new one gets a slot with a fresh data key, which the committer
    /// makes durable before the transaction.
    mutating func put(
        _ kind: SealedRecord.Kind, _ key: RecordKey, _ plaintext: borrowing Secret?,
        _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> UInt32 {
        switch plaintext {
        case .none: throw VaultError(.invalidArgument, .store)
        case .some(let plaintext):
            guard let old = try transaction.get(.records, key.bytes) else {
                return try insert(kind, key, plaintext, transaction)
            }
            let header = try SealedRecord.header(of: old)
            let dataKey = try store.slots.dataKey(header.slot, for: key)
            let oldBytes = old.byteCount
            try forget(old, header, key)
            try write(
                kind, key, plaintext, slot: header.slot, dataKey: dataKey, minimum: oldBytes,
                transaction)
            return header.slot
        }
    }

    /// Opens a connection's record, or makes it, lets it be edited, and seals what came of it. A
    /// failure is the edit's; nothing was written then.
    mutating func revise(
        _ key: RecordKey, _ revision: Revision, _ transaction: borrowing LMDB.WriteTransaction,
        _ committed: inout Committed
    ) throws(VaultError) -> Result<Void, VaultError> {
        if fences[key] != nil {
            committed.fate = .disconnecting
            return .success(())
        }
        guard let old = try transaction.get(.records, key.bytes) else {
            return try make(key, revision, transaction, &committed)
        }
        let header = try SealedRecord.header(of: old)
        switch edit(old, header, key, revision) {
        case .failure(let error): return .failure(error)
        case .success(.none):
            committed.fate = .left
            return .success(())
        case .success(.some(let edited)):
            let oldBytes = old.byteCount
            try forget(old, header, key)
            // Not the header's: only a record that opens says what it is, and a kept one was not
            // opened anew.
            try write(
                .connection, key, edited.plaintext, slot: header.slot, dataKey: edited.dataKey,
                minimum: oldBytes, transaction)
            note(header.slot, edited.plan, &committed)
            return .success(())
        }
    }

    /// The same of a record that is not there.
    private mutating func make(
        _ key: RecordKey, _ revision: Revision, _ transaction: borrowing LMDB.WriteTransaction,
        _ committed: inout Committed
    ) throws(VaultError) -> Result<Void, VaultError> {
        guard let new = revision.new else {
            committed.fate = .missing
            return .success(())
        }
        var plan: Plan?
        let plaintext: Secret
        do throws(VaultError) {
            var record = try new()
            switch try revision.edit(&record, .absent) {
            case .leave:
                committed.fate = .left
                return .success(())
            case .change: break
            case .replan(let next): plan = next
            }
            plaintext = record.plaintext()
        } catch {
            return .failure(error)
        }
        let slot = try insert(.connection, key, plaintext, transaction)
        note(slot, plan, &committed)
        return .success(())
    }

    private func note(_ slot: UInt32, _ plan: Plan?, _ committed: inout Committed) {
        committed.handle = Handle(number: slot)
        committed.generation = root.generation
        committed.fate = .changed
        committed.plan = plan
    }

    private struct Edited: ~Copyable {
        let dataKey: Secret
        let plaintext: Secret
        let plan: Plan?
    }

    private func edit(
        _ value: RawSpan, _ header: SealedRecord.Header, _ key: RecordKey, _ revision: Revision
    ) -> Result<Edited?, VaultError> {
        do throws(VaultError) {
            let content = try content(value, header, key, revision.kept)
            var record = ConnectionRecord(fields: content.fields)
            var plan: Plan?
            switch try revision.edit(&record, store.version(header)) {
            case .leave: return .success(nil)
            case .change: break
            case .replan(let next): plan = next
            }
            return .success(
                Edited(dataKey: content.dataKey, plaintext: record.plaintext(), plan: plan))
        } catch {
            return .failure(error)
        }
    }

    private func content(
        _ value: RawSpan, _ header: SealedRecord.Header, _ key: RecordKey, _ kept: KeptRecord?
    ) throws(VaultError) -> KeptRecord.Content {
        if let content = kept?.take(header, value) { return content }
        let dataKey = try store.slots.dataKey(header.slot, for: key)
        let fields = try store.open(value, key: key, dataKey: dataKey)
        return KeptRecord.Content(dataKey: dataKey, fields: fields)
    }

    /// Takes a record that is about to be replaced or deleted out of count and store MAC. A count
    /// that does not cover the record at hand is a ROOT that was put back.
    mutating func forget(
        _ value: RawSpan, _ header: SealedRecord.Header, _ key: RecordKey
    ) throws(VaultError) {
        root.mac.toggle(
            key.bytes, generation: header.generation, tag: SealedRecord.tag(of: value),
            macKey: store.keyring.storeMACKey)
        guard root.recordCount > 0 else { throw VaultError(.integrityFailed, .store) }
        root.recordCount -= 1
    }

    private mutating func insert(
        _ kind: SealedRecord.Kind, _ key: RecordKey, _ plaintext: borrowing Secret,
        _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> UInt32 {
        let dataKey = try Secret(random: Sodium.keyBytes)
        let slot = try store.slots.take()
        takenSlots.append((slot, key))
        try store.slots.write(dataKey, to: slot, for: key, generation: root.generation + 1)
        try write(kind, key, plaintext, slot: slot, dataKey: dataKey, minimum: 0, transaction)
        return slot
    }

    private mutating func write(
        _ kind: SealedRecord.Kind, _ key: RecordKey, _ plaintext: borrowing Secret, slot: UInt32,
        dataKey: borrowing Secret, minimum: Int, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        root.generation += 1
        root.recordCount += 1
        let byteCount = try SealedRecord.bucket(for: plaintext.count, minimum: minimum)
        let header = SealedRecord.Header(
            kind: kind, term: store.keyring.currentTerm, slot: slot, generation: root.generation)
        let value = try SealedRecord.seal(
            plaintext.bytes, header: header, byteCount: byteCount, lmdbKey: key.bytes,
            vaultID: store.keyring.vaultID, key: dataKey, nonces: nonces)
        root.mac.toggle(
            key.bytes, generation: root.generation, tag: SealedRecord.tag(of: value.bytes),
            macKey: store.keyring.storeMACKey)
        try transaction.put(.records, key.bytes, value.bytes)
    }
}
