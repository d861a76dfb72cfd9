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
            root.mac.toggle(
                key.bytes, generation: header.generation, tag: SealedRecord.tag(of: old),
                macKey: store.keyring.storeMACKey)
            try forgetOne()
            try write(
                kind, key, plaintext, slot: header.slot, dataKey: dataKey, minimum: oldBytes,
                transaction)
            return header.slot
        }
    }

    private mutating func insert(
        _ kind: SealedRecord.Kind, _ key: RecordKey, _ plaintext: borrowing Secret,
        _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> UInt32 {
        let dataKey = try Secret(random: Sodium.keyBytes)
        let slot = try store.slots.take()
        takenSlots.append(slot)
        try store.slots.write(
            dataKey, to: slot, for: key, generation: root.generation + 1, state: .live)
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
            vaultID: store.keyring.vaultID, key: dataKey)
        root.mac.toggle(
            key.bytes, generation: root.generation, tag: SealedRecord.tag(of: value.bytes),
            macKey: store.keyring.storeMACKey)
        try transaction.put(.records, key.bytes, value.bytes)
    }

    /// Leaves a fence that recovery at open will find, and rewrites a connection as disconnecting.
    /// A record that is fenced already stays as it is.
    mutating func fence(
        _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> UInt32 {
        guard let old = try transaction.get(.records, key.bytes) else {
            throw VaultError(.notFound, .store)
        }
        let header = try SealedRecord.header(of: old)
        if fenced.contains(key) { return header.slot }
        var generation = header.generation
        if header.kind == .connection {
            var opened = try store.open(old, key: key)
            try opened.fields.set(
                ConnectionTag.state, integer: ConnectionState.disconnecting.rawValue)
            let plaintext: Secret? = try opened.fields.secret.copy()
            _ = try put(.connection, key, plaintext, transaction)
            generation = root.generation
        }
        var fence = try Secret(zeroes: 16)
        fence.store(header.slot, at: 0)
        fence.store(generation, at: 8)
        let label = try fenceLabel(key)
        let value = try seal(
            fence.bytes, .fence, generation: root.generation, lmdbKey: label.bytes,
            key: store.keyring.waveSealKey)
        try transaction.put(.meta, label.bytes, value.bytes)
        fenced.insert(key)
        return header.slot
    }

    /// Deletes a record whose slot the committer has overwritten, and its fence.
    mutating func erase(
        _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        guard let old = try transaction.get(.records, key.bytes) else {
            throw VaultError(.notFound, .store)
        }
        let header = try SealedRecord.header(of: old)
        root.mac.toggle(
            key.bytes, generation: header.generation, tag: SealedRecord.tag(of: old),
            macKey: store.keyring.storeMACKey)
        try forgetOne()
        erasedSlots.append(header.slot)
        try transaction.delete(.records, key.bytes)
        let label = try fenceLabel(key)
        try transaction.delete(.meta, label.bytes)
        fenced.remove(key)
    }

    /// A count that does not cover the record at hand is a ROOT that was put back.
    private mutating func forgetOne() throws(VaultError) {
        guard root.recordCount > 0 else { throw VaultError(.integrityFailed, .store) }
        root.recordCount -= 1
    }

    private func fenceLabel(_ key: RecordKey) throws(VaultError) -> Secret {
        var label = try Secret("F")
        guard label.append(key.bytes) else { throw VaultError(.outOfMemory, .store) }
        return label
    }
}
