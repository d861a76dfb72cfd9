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
            let isWave = Self.is(lmdbKey, Self.waveLetter, byteCount: Self.waveLabelBytes)
            guard isWave || Self.is(lmdbKey, Fence.letter, byteCount: Fence.labelBytes) else {
                throw VaultError(.recordDamaged, .store, number: lmdbKey.byteCount)
            }
            let plaintext = try SealedRecord.open(
                value, lmdbKey: lmdbKey, vaultID: store.keyring.vaultID,
                key: store.keyring.waveSealKey)
            if isWave {
                let wave = lmdbKey.integer(at: 1, as: UInt64.self).byteSwapped
                try Self.read(plaintext.bytes) { attempts.append((wave, $0, $1)) }
            } else {
                fences[RecordKey(lmdbKey, at: 1)] = try Fence(plaintext.bytes)
            }
            return true
        }
        guard let root else { throw VaultError(.integrityFailed, .store) }
        self.root = root
        self.fences = fences
        self.attempts = attempts
    }

    private static func `is`(_ key: RawSpan, _ letter: UInt8, byteCount: Int) -> Bool {
        key.byteCount == byteCount && key.byte(at: 0) == letter
    }

    private static func read(
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
