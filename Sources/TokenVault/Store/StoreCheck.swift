// SPDX-License-Identifier: Apache-2.0

/// Opens every record of one snapshot and compares what it finds with ROOT.
struct StoreCheck {
    /// How many records there are.
    let recordCount: Int
    /// Whether count and store MAC are ROOT's.
    let isIntact: Bool
    private let liveSlots: Set<UInt32>

    /// - Parameter visit: is lent every record that opened.
    /// - Throws: `authenticationFailed` and kin for the first record that does not open.
    init(
        _ store: Store, _ visit: (borrowing Store.Opened) throws(VaultError) -> Void
    ) throws(VaultError) {
        let transaction = try store.beginRead()
        let root = try store.root(transaction)
        var mac = StoreMAC()
        var count = 0
        var slots: Set<UInt32> = []
        try transaction.scan(.records) { (lmdbKey, value) throws(VaultError) in
            guard lmdbKey.byteCount == RecordKey.byteCount else {
                throw VaultError(.recordDamaged, .store)
            }
            let header = try SealedRecord.header(of: value)
            mac.toggle(
                lmdbKey, generation: header.generation, tag: SealedRecord.tag(of: value),
                macKey: store.keyring.storeMACKey)
            count += 1
            slots.insert(header.slot)
            let key = RecordKey(lmdbKey)
            do throws(VaultError) {
                try visit(store.open(value, key: key))
            } catch {
                guard error.code == .notFound || error.code == .authenticationFailed else {
                    throw error
                }
                // Erased since this snapshot? Then the record is gone or fenced by now.
                guard let opened = try store.open(key) else { return true }
                try visit(opened)
            }
            return true
        }
        recordCount = count
        isIntact = mac == root.mac && UInt64(count) == root.recordCount
        liveSlots = slots
    }

    /// Zeroes the slots that no record of the snapshot names and nobody filled since: data keys of
    /// connects that a crash cut short. Only after an intact check.
    func zeroOrphanSlots(_ store: Store) throws(VaultError) {
        precondition(isIntact)
        // Under the lock no slot is in the middle of its erasure.
        try store.slotChange.withLock { (_) throws(VaultError) in
            let orphans = store.slots.leftovers(besides: liveSlots)
            guard !orphans.isEmpty else { return }
            try store.slots.erase(orphans)
            for slot in orphans { store.slots.give(slot) }
        }
    }
}
