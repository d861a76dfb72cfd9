// SPDX-License-Identifier: Apache-2.0

/// The database `meta` of one snapshot, opened: ROOT, disconnects that have begun, and attempts in
/// flight. Whatever else is in it was put there by somebody else.
struct Meta {
    let root: Root
    let fences: [RecordKey: Fence]
    /// Attempts whose answer was never heard, their waves, and when these were recorded.
    let attempts: [(wave: UInt64, attempt: Attempt, recorded: UnixTime)]

    private static let waveLetter = UInt8(ascii: "W")
    private static let waveLabelBytes = 9

    /// - Throws: `integrityFailed` where there is no ROOT, `recordDamaged` where a key or an entry
    ///   has not its form, `authenticationFailed` where one does not open.
    init(
        _ transaction: borrowing LMDB.ReadTransaction, of store: Store
    ) throws(VaultError) {
        var root: Root?
        var fences: [RecordKey: Fence] = [:]
        var attempts: [(wave: UInt64, attempt: Attempt, recorded: UnixTime)] = []
        try transaction.scan(.meta) { (lmdbKey, value) throws(VaultError) in
            if lmdbKey.equalsText(Root.lmdbKey) {
                root = try store.openRoot(value)
                return true
            }
            let (wave, fenced) = (Self.wave(lmdbKey), Self.fenced(lmdbKey))
            guard wave != nil || fenced != nil else {
                throw VaultError(.recordDamaged, .store, number: lmdbKey.byteCount)
            }
            let plaintext = try SealedRecord.open(
                value, lmdbKey: lmdbKey, vaultID: store.keyring.vaultID,
                key: store.keyring.waveSealKey)
            if let wave {
                try Self.read(plaintext.bytes) { attempts.append((wave, $0, $1)) }
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

    /// The number of the wave that this is the key of; nil where it is another's.
    static func wave(_ lmdbKey: RawSpan) -> UInt64? {
        guard lmdbKey.byteCount == waveLabelBytes, lmdbKey.byte(at: 0) == waveLetter else {
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

    /// Lends each attempt of a wave, and when the wave was recorded.
    static func read(
        _ wave: RawSpan, _ take: (Attempt, UnixTime) -> Void
    ) throws(VaultError) {
        guard wave.byteCount >= 8, (wave.byteCount - 8) % Attempt.byteCount == 0 else {
            throw VaultError(.recordDamaged, .store)
        }
        let recorded = UnixTime(milliseconds: wave.integer(at: 0))
        for offset in stride(from: 8, to: wave.byteCount, by: Attempt.byteCount) {
            take(
                Attempt(
                    key: RecordKey(wave, at: offset),
                    generation: wave.integer(at: offset + RecordKey.byteCount)), recorded)
        }
    }
}
