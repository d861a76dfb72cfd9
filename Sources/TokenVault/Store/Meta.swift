// SPDX-License-Identifier: Apache-2.0

/// The database `meta` of one snapshot, opened: ROOT, disconnects that have begun, and attempts in
/// flight. Whatever else is in it was put there by somebody else.
struct Meta {
    let root: Root
    let fences: [RecordKey: Fence]
    /// Attempts whose answer was never heard, their batches, and when these were recorded.
    let attempts: [InheritedAttempt]

    private static let batchLetter = UInt8(ascii: "W")
    private static let batchLabelBytes = 9

    /// - Throws: `integrityFailed` where there is no ROOT, `recordDamaged` where a key or an entry
    ///   has not its form, `authenticationFailed` where one does not open.
    init(
        _ transaction: borrowing LMDB.ReadTransaction, of store: Store
    ) throws(VaultError) {
        var root: Root?
        var fences: [RecordKey: Fence] = [:]
        var attempts: [InheritedAttempt] = []
        try transaction.scan(.meta) { (lmdbKey, value) throws(VaultError) in
            if lmdbKey.equalsText(Root.lmdbKey) {
                root = try store.openRoot(value)
                return true
            }
            let (batch, fenced) = (Self.batch(lmdbKey), Self.fenced(lmdbKey))
            guard batch != nil || fenced != nil else {
                throw VaultError(.recordDamaged, .store, number: lmdbKey.byteCount)
            }
            let plaintext = try SealedRecord.open(
                value, lmdbKey: lmdbKey, vaultID: store.keyring.vaultID,
                key: store.keyring.batchSealKey)
            if let batch {
                try Self.read(plaintext.bytes) {
                    attempts.append(InheritedAttempt(batch: batch, attempt: $0, recorded: $1))
                }
            } else if let fenced {
                fences[fenced] = try Fence(plaintext.bytes)
            }
            return true
        }
        guard let root else { throw VaultError(.integrityFailed, .store) }
        self.root = root
        self.fences = fences
        self.attempts = attempts
    }

    /// The number of the batch that this is the key of; nil where it is another's.
    static func batch(_ lmdbKey: RawSpan) -> UInt64? {
        guard lmdbKey.byteCount == batchLabelBytes, lmdbKey.byte(at: 0) == batchLetter else {
            return nil
        }
        return lmdbKey.integer(at: 1, as: UInt64.self).byteSwapped
    }

    /// The record whose fence this is the key of; nil where it is another's.
    static func fenced(_ lmdbKey: RawSpan) -> RecordKey? {
        guard lmdbKey.byteCount == Fence.labelBytes, lmdbKey.byte(at: 0) == Fence.letter else {
            return nil
        }
        return RecordKey(lmdbKey, at: 1)
    }

    /// Lends each attempt of a batch, and when the batch was recorded.
    static func read(
        _ batch: RawSpan, _ take: (AttemptRecord, UnixTime) -> Void
    ) throws(VaultError) {
        guard batch.byteCount >= 8, (batch.byteCount - 8) % AttemptRecord.byteCount == 0 else {
            throw VaultError(.recordDamaged, .store)
        }
        let recorded = UnixTime(milliseconds: batch.integer(at: 0))
        for offset in stride(from: 8, to: batch.byteCount, by: AttemptRecord.byteCount) {
            take(
                AttemptRecord(
                    key: RecordKey(batch, at: offset),
                    generation: batch.integer(at: offset + RecordKey.byteCount)), recorded)
        }
    }
}
