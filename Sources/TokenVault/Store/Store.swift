// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// Reads: the sealed records of one vault, opened on the caller's thread.
final class Store: Reading {
    let keyring: Keyring
    let slots: KeySlots
    let lmdb: LMDB
    /// What becomes of bytes that are overwritten here.
    let erasureQuality: ErasureQuality
    /// Held while slots change in place until LMDB says so too: a slot that fails to open is read
    /// again under it before anything is called damaged.
    private let slotChange = Monitor<Void>(())
    /// The thread that holds it to change slots, as it calls itself; 0 where none does.
    private let slotChanger = Atomic<pthread_t>(0)
    private let isClosed = Atomic(false)
    /// What was found wrong with `meta` before anything was verified.
    private let damage = Mutex<VaultError?>(nil)
    private let inherited = Mutex(Inheritance())
    private let process = ProcessNumber.current

    /// Opens the files of a vault in `directory`.
    ///
    /// - Parameter readsOnly: writes nothing; nobody else may have the vault meanwhile.
    init(
        _ directory: String, keyring: Keyring, mapBytes: Int, creates: Bool = false,
        readsOnly: Bool = false
    ) throws(VaultError) {
        self.keyring = keyring
        slots = try KeySlots(directory, keyring: keyring, readsOnly: readsOnly)
        lmdb = try LMDB(
            "\(directory)/\(VaultDirectory.databaseName)", mapBytes: mapBytes, creates: creates,
            readsOnly: readsOnly)
        erasureQuality = ErasureQuality(directory)
    }

    deinit {
        // A child made by fork may not even close an environment of LMDB's: it stays there.
        if process != ProcessNumber.current { _ = unsafe Unmanaged.passRetained(lmdb) }
    }

    /// From now on every read fails with `closed`.
    func close() { isClosed.store(true, ordering: .releasing) }

    /// From now on no verification succeeds.
    func condemn(_ error: VaultError) { damage.withLock { $0 = error } }

    /// What an earlier process left, as the writer has read it.
    func setInheritance(_ inheritance: Inheritance) { inherited.withLock { $0 = inheritance } }
    func inheritance() -> Inheritance { inherited.withLock { $0 } }

    /// A snapshot for reading.
    func beginRead() throws(VaultError) -> LMDB.ReadTransaction {
        guard !isClosed.load(ordering: .acquiring) else { throw VaultError(.closed, .store) }
        return try lmdb.beginRead()
    }

    /// The blinded key of a connection or an application.
    func key(_ kind: SealedRecord.Kind, _ name: String) -> RecordKey {
        var part = InlineArray<256, UInt8>(repeating: 0)
        var count = 1
        part[0] = kind.rawValue
        for byte in name.utf8 where count < 256 {
            part[count] = byte
            count += 1
        }
        let span = part.span
        return unsafe RecordKey(
            hashing: span.bytes.extracting(0..<count), key: keyring.blindingKey)
    }

    /// Opens a record; nil where there is none.
    ///
    /// - Throws: `authenticationFailed` where it does not open though it should.
    func open(_ key: RecordKey) throws(VaultError) -> Opened? {
        do throws(VaultError) {
            return try openOnce(key)
        } catch {
            guard error.code == .authenticationFailed else { throw error }
        }
        // Perhaps the writer was in the middle of the slot: once more while it is not.
        return try withSlotsAtRest { () throws(VaultError) in
            do throws(VaultError) {
                return try openOnce(key)
            } catch {
                if try isCutShort(key) { return nil }
                throw error
            }
        }
    }

    /// Runs `body`, which changes slots in place: whoever fails to open one meanwhile waits for its
    /// end, but for `body` itself.
    func changingSlots<Result: ~Copyable>(
        _ body: () throws(VaultError) -> Result
    ) throws(VaultError) -> Result {
        try slotChange.withLock { _ throws(VaultError) in
            slotChanger.store(pthread_self(), ordering: .relaxed)
            defer { slotChanger.store(0, ordering: .relaxed) }
            return try body()
        }
    }

    /// Runs `body` while no other thread changes slots in place. It never waits for a secret's
    /// block: the writer waits for it, and others for the writer. The writer itself, whose edits
    /// open other records, waits for nobody.
    func withSlotsAtRest<Result: ~Copyable>(
        _ body: () throws(VaultError) -> Result
    ) throws(VaultError) -> Result {
        if slotChanger.load(ordering: .relaxed) == pthread_self() { return try body() }
        return try slotChange.withLock { _ throws(VaultError) in
            try WorkerThread.withoutWaitingForSecrets(body)
        }
    }

    /// Whether a record does not open because its erasure has come as far as its slot and no
    /// further: a fence names this very version, and no data key is left in the slot.
    private func isCutShort(_ key: RecordKey) throws(VaultError) -> Bool {
        let transaction = try beginRead()
        let label = try Fence.label(key)
        guard let value = try transaction.get(.records, key.bytes),
            let fence = try transaction.get(.meta, label.bytes)
        else { return false }
        let header = try SealedRecord.header(of: value)
        guard try openFence(fence, label).names(header) else { return false }
        return try slots.content(header.slot).isNothing
    }

    func openFence(_ value: RawSpan, _ label: borrowing Secret) throws(VaultError) -> Fence {
        let plaintext = try SealedRecord.open(
            value, lmdbKey: label.bytes, vaultID: keyring.vaultID, key: keyring.batchSealKey)
        return try Fence(plaintext.bytes)
    }

    private func openOnce(_ key: RecordKey) throws(VaultError) -> Opened? {
        let transaction = try beginRead()
        guard let value = try transaction.get(.records, key.bytes) else { return nil }
        return try open(value, key: key)
    }

    /// Opens a value of `records`.
    func open(_ value: RawSpan, key: RecordKey) throws(VaultError) -> Opened {
        let header = try SealedRecord.header(of: value)
        guard header.kind.hasSlot else {
            throw VaultError(.recordDamaged, .store, number: Int(header.kind.rawValue))
        }
        let dataKey = try slots.dataKey(header.slot, for: key)
        let fields = try open(value, key: key, dataKey: dataKey)
        let tag = SealedRecord.tag(of: value)
        return Opened(
            key: key, kind: header.kind, version: version(header),
            tag: InlineArray { tag.byte(at: $0) }, fields: fields, dataKey: dataKey)
    }

    /// The fields of a value whose data key is at hand.
    func open(
        _ value: RawSpan, key: RecordKey, dataKey: borrowing Secret
    ) throws(VaultError) -> Fields {
        try Fields(
            SealedRecord.open(
                value, lmdbKey: key.bytes, vaultID: keyring.vaultID, key: dataKey))
    }

    /// Opens a pending authorization; nil where there is none, or its connection is gone.
    func openFlow(_ key: RecordKey) throws(VaultError) -> Fields? {
        let transaction = try beginRead()
        guard let value = try transaction.get(.flows, key.bytes) else { return nil }
        return try openLiveFlow(value, key.bytes)
    }

    /// Opens a value of `flows`; nil where its connection is gone.
    func openLiveFlow(_ value: RawSpan, _ lmdbKey: RawSpan) throws(VaultError) -> Fields? {
        do throws(VaultError) {
            return try openFlow(value, lmdbKey)
        } catch {
            // Its connection was erased, and perhaps another one has the slot.
            guard error.code == .authenticationFailed else { throw error }
            return nil
        }
    }

    private func openFlow(_ value: RawSpan, _ lmdbKey: RawSpan) throws(VaultError) -> Fields {
        let header = try SealedRecord.header(of: value)
        guard let entry = slots.entry(header.slot) else {
            throw VaultError(.authenticationFailed, .store)
        }
        let dataKey = try slots.dataKey(header.slot, for: entry.key)
        return try Fields(
            SealedRecord.open(
                value, lmdbKey: lmdbKey, vaultID: keyring.vaultID,
                key: Keyring.flowSealKey(dataKey)))
    }

    /// The LMDB key of a pending authorization, by its state.
    func flowKey(state: RawSpan) -> RecordKey {
        RecordKey(hashing: state, key: keyring.flowBlindingKey)
    }

    func version(_ key: RecordKey) throws(VaultError) -> RecordVersion? {
        let transaction = try beginRead()
        guard let value = try transaction.get(.records, key.bytes) else { return nil }
        return version(try SealedRecord.header(of: value))
    }

    func kind(of key: RecordKey) throws(VaultError) -> SealedRecord.Kind? {
        let transaction = try beginRead()
        guard let value = try transaction.get(.records, key.bytes) else { return nil }
        return try SealedRecord.header(of: value).kind
    }

    /// A handle is the number of the record's slot.
    func version(_ header: SealedRecord.Header) -> RecordVersion {
        RecordVersion(
            handle: Handle(number: header.slot), generation: header.generation,
            life: slots.life(header.slot))
    }

    func lastGeneration() throws(VaultError) -> UInt64 {
        let transaction = try beginRead()
        return try root(transaction).generation
    }

    func key(of handle: Handle) -> RecordKey? { slots.entry(handle.number)?.key }

    func recordCount() throws(VaultError) -> Int {
        try beginRead().count(.records)
    }

    func verify(
        atOpen: Bool, _ visit: (borrowing Opened) throws(VaultError) -> Void
    ) throws(VaultError) -> Verified {
        if let damage = damage.withLock({ $0 }) { throw damage }
        let check = try StoreCheck(self, visit)
        guard check.isIntact else { throw VaultError(.integrityFailed, .store) }
        if atOpen { try check.zeroOrphanSlots(self) }
        return check.verified
    }

    func scanEvents(
        from first: UInt64, atMost limit: Int, _ body: (UInt64, EventEntry) -> Void
    ) throws(VaultError) -> UInt64? {
        let transaction = try beginRead()
        let start = try Secret(integer: first.byteSwapped)
        var (count, next) = (0, UInt64?.none)
        // From the very first without a search, which a damaged branch may mislead.
        let from = first == 0 ? RawSpan() : start.bytes
        try transaction.scan(.events, from: from) { (lmdbKey, value) throws(VaultError) in
            let plaintext = try SealedRecord.open(
                value, lmdbKey: lmdbKey, vaultID: keyring.vaultID, key: keyring.eventSealKey)
            guard lmdbKey.byteCount == 8, let entry = EventEntry(plaintext.bytes) else {
                throw VaultError(.recordDamaged, .store)
            }
            let number = lmdbKey.integer(at: 0, as: UInt64.self).byteSwapped
            count += 1
            if count > limit {
                next = number
                return false
            }
            body(number, entry)
            return true
        }
        return next
    }

    func lastEvent() throws(VaultError) -> UInt64 {
        let transaction = try beginRead()
        return try root(transaction).nextEvent - 1
    }

    /// Reads ROOT in a snapshot.
    func root(_ transaction: borrowing LMDB.ReadTransaction) throws(VaultError) -> Root {
        let label = unsafe RawSpan(_unsafeStart: Root.lmdbKey.utf8Start, byteCount: 4)
        guard let value = try transaction.get(.meta, label) else {
            throw VaultError(.integrityFailed, .store)
        }
        return try openRoot(value)
    }

    func openRoot(_ value: RawSpan) throws(VaultError) -> Root {
        let label = unsafe RawSpan(_unsafeStart: Root.lmdbKey.utf8Start, byteCount: 4)
        let plaintext = try SealedRecord.open(
            value, lmdbKey: label, vaultID: keyring.vaultID, key: keyring.rootSealKey)
        return try Root(plaintext.bytes)
    }
}
