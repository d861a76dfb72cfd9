// SPDX-License-Identifier: Apache-2.0

/// Opens every record of one snapshot and compares what it finds with ROOT.
///
/// Only records that opened are believed: their slots are the live ones. One that does not open is
/// damage, unless its erasure was cut short after its slot.
struct StoreCheck {
    /// What was found; good where `isIntact`.
    let verified: Verified
    /// Whether count and store MAC are ROOT's.
    let isIntact: Bool
    private let root: Root
    private let liveSlots: Set<UInt32>
    /// Slots that records name whose erasure was cut short.
    private let lostSlots: Set<UInt32>

    /// - Parameter visit: is lent every record that opened.
    /// - Throws: `authenticationFailed` and kin for the first record that does not open;
    ///   `integrityFailed` where a fence is not of the record that it names.
    init(
        _ store: Store, _ visit: (borrowing Opened) throws(VaultError) -> Void
    ) throws(VaultError) {
        let transaction = try store.beginRead()
        let meta = try Meta(transaction, of: store)
        var fences = meta.fences
        var mac = StoreMAC()
        var (count, fenced) = (0, [RecordKey]())
        var (live, lost) = (Set<UInt32>(), Set<UInt32>())
        try transaction.scan(.records) { (lmdbKey, value) throws(VaultError) in
            guard lmdbKey.byteCount == RecordKey.byteCount else {
                throw VaultError(.recordDamaged, .store, number: lmdbKey.byteCount)
            }
            let header = try SealedRecord.header(of: value)
            mac.toggle(
                lmdbKey, generation: header.generation, tag: SealedRecord.tag(of: value),
                macKey: store.keyring.storeMACKey)
            count += 1
            let key = RecordKey(lmdbKey)
            if !fences.isEmpty, let fence = fences.removeValue(forKey: key) {
                guard fence.names(header) else { throw VaultError(.integrityFailed, .store) }
                fenced.append(key)
            }
            guard let opened = try store.openFound(value, key) else {
                lost.insert(header.slot)
                return true
            }
            live.insert(opened.version.handle.number)
            try visit(opened)
            return true
        }
        // What LMDB counts, a search may find, or not.
        guard fences.isEmpty, try transaction.count(.records) == count else {
            throw VaultError(.integrityFailed, .store)
        }
        var found = Verified(recordCount: count, fenced: fenced)
        try Self.addFlows(to: &found, transaction, store)
        verified = found
        isIntact = mac == meta.root.mac && UInt64(count) == meta.root.recordCount
        root = meta.root
        liveSlots = live
        lostSlots = lost
    }

    /// One that does not open belongs to a connection that is gone: it has expired.
    private static func addFlows(
        to verified: inout Verified, _ transaction: borrowing LMDB.ReadTransaction, _ store: Store
    ) throws(VaultError) {
        var (found, count) = (verified, 0)
        try transaction.scan(.flows) { (lmdbKey, value) throws(VaultError) in
            guard lmdbKey.byteCount == RecordKey.byteCount else {
                throw VaultError(.recordDamaged, .store, number: lmdbKey.byteCount)
            }
            let key = RecordKey(lmdbKey)
            var expires: UnixTime?
            if let fields = try store.openLiveFlow(value, lmdbKey) {
                expires = fields.time(FlowTag.expires)
                if let device = DeviceFlow(key, fields) { found.devices.append(device) }
                if fields.has(FlowTag.heldQuery) {
                    found.held.append(key)
                    expires = expires.map(PendingAuthorization.swept)
                }
            }
            found.flows.add(key, expires: expires ?? UnixTime(milliseconds: .min))
            count += 1
            // We never write as many; the rest is for the next open.
            return count < 2 * StoreLimits.flowsMax
        }
        verified = found
    }

    /// How many generations apart ROOT and the life in a slot may be that a crash has left: those
    /// of one group of commits. Beyond that the slot is older, or the database is.
    static let orphanGenerations = UInt64(Committer.groupMax)

    /// Zeroes the slots that no record of the snapshot names: what erasures that were cut short and
    /// connects that did not come about have left. Only after an intact check, before anything is
    /// written.
    ///
    /// A data key that opens is left alone until ROOT is well past the beginning of its life: a
    /// crash leaves it between its slot and its commit, but so does an older database that somebody
    /// put in place, and then it is a connection's.
    ///
    /// - Throws: as `orphanSlots`; nothing was zeroed.
    func zeroOrphanSlots(_ store: Store) throws(VaultError) {
        try store.withSlotsAtRest { () throws(VaultError) in
            let orphans = try orphanSlots(store)
            // Given again when the records are gone that name them.
            store.slots.withhold(lostSlots)
            guard !orphans.isEmpty else { return }
            try store.slots.erase(orphans)
            for slot in orphans where !lostSlots.contains(slot) { store.slots.give(slot) }
        }
    }

    /// The slots that no record of the snapshot names, after an intact check.
    ///
    /// - Throws: `integrityFailed` where no crash explains what is in a slot.
    func orphanSlots(_ store: Store) throws(VaultError) -> [UInt32] {
        precondition(isIntact)
        var orphans: [UInt32] = []
        for slot in store.slots.filled(besides: liveSlots) {
            if try isOrphan(store.slots.content(slot), slot) { orphans.append(slot) }
        }
        return orphans
    }

    private func isOrphan(
        _ content: KeySlots.Content, _ slot: UInt32
    ) throws(VaultError) -> Bool {
        switch content {
        case .nothing: return true
        case .unknown: throw KeySlots.unexplained(number: Int(slot))
        case .life(let entry):
            let (life, now) = (entry.generation, root.generation)
            if life > now, life - now > Self.orphanGenerations {
                throw KeySlots.unexplained(number: Int(slot))
            }
            return life < now && now - life > Self.orphanGenerations
        }
    }
}
