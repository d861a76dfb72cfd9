// SPDX-License-Identifier: Apache-2.0

// The end of a record: a fence, its slot overwritten, the record deleted. A slot is overwritten
// only after the very record that is erased has opened under the data key in it, when this process
// fenced it or now: what stands in the clear in a record's header, or in a fence that was kept and
// put back, costs nobody else a key.
extension Writer {
    /// What an erasure does to the slot of its record.
    struct Erasure {
        let slot: UInt32
        let generation: UInt64
        /// False where an earlier process has come as far as the slot: no data key is left in it.
        let overwrites: Bool
    }

    /// Leaves a fence that recovery at open will find, and rewrites a connection as disconnecting.
    /// A record that is fenced already stays as it is.
    mutating func fence(
        _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> Fence {
        if let fence = fences[key] { return fence }
        guard let old = try transaction.get(.records, key.bytes) else {
            throw VaultError(.notFound, .store)
        }
        var opened = try store.open(old, key: key)
        var generation = opened.version.generation
        if opened.kind == .connection {
            try opened.fields.set(
                ConnectionTag.state, integer: ConnectionState.disconnecting.rawValue)
            let rewritten: Secret? = try opened.fields.secret.copy()
            _ = try put(.connection, key, rewritten, transaction)
            generation = root.generation
        }
        let fence = Fence(of: opened.version, generation: generation)
        let label = try Fence.label(key)
        let plaintext = try fence.encoded()
        let value = try seal(
            plaintext.bytes, .fence, generation: root.generation, lmdbKey: label.bytes,
            key: store.keyring.batchSealKey)
        try transaction.put(.meta, label.bytes, value.bytes)
        fences[key] = fence
        return fence
    }

    /// Finds out what an erasure may do, before any slot is overwritten. Where it may do nothing
    /// its commit is refused by `check`.
    ///
    /// - Parameter isRecovery: whether nothing is verified yet: then the fence must name the
    ///   version that opens.
    mutating func prepareErasure(
        of key: RecordKey, isRecovery: Bool, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        guard let value = try transaction.get(.records, key.bytes) else { return }
        let header = try SealedRecord.header(of: value)
        // Overwritten already, in a transaction that failed: nobody else has its slot yet.
        if let begun = erasures[key], begun.slot == header.slot,
            begun.generation == header.generation
        {
            return
        }
        erasures[key] = nil
        let fence = fences[key]
        if let fence, fence.isOurs, fence.names(header) {
            erasures[key] = Erasure(
                slot: fence.slot, generation: fence.generation, overwrites: true)
            return
        }
        do throws(VaultError) {
            let opened = try store.open(value, key: key).version
            if isRecovery, fence?.names(opened) != true { return }
            erasures[key] = Erasure(
                slot: opened.handle.number, generation: opened.generation, overwrites: true)
        } catch {
            guard error.code == .authenticationFailed else { throw error }
            guard !isRecovery, let fence, fence.names(header),
                try store.slots.content(fence.slot).isNothing
            else { return }
            erasures[key] = Erasure(
                slot: fence.slot, generation: fence.generation, overwrites: false)
        }
    }

    /// Deletes a record whose slot the committer has overwritten, and its fence. False where there
    /// was nothing left to overwrite.
    mutating func erase(
        _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> Bool {
        guard let old = try transaction.get(.records, key.bytes),
            let erasure = erasures.removeValue(forKey: key)
        else { throw VaultError(.notFound, .store) }
        try forget(old, SealedRecord.header(of: old), key)
        freedSlots.append(erasure.slot)
        try transaction.delete(.records, key.bytes)
        let label = try Fence.label(key)
        try transaction.delete(.meta, label.bytes)
        fences[key] = nil
        return erasure.overwrites
    }
}
