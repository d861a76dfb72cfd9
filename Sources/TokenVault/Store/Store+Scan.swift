// SPDX-License-Identifier: Apache-2.0

extension Store {
    func scan(
        _ kind: SealedRecord.Kind,
        _ body: (borrowing Opened) throws(VaultError) -> Bool
    ) throws(VaultError) {
        let transaction = try beginRead()
        try transaction.scan(.records) { (lmdbKey, value) throws(VaultError) in
            guard lmdbKey.byteCount == RecordKey.byteCount else {
                throw VaultError(.recordDamaged, .store, number: lmdbKey.byteCount)
            }
            guard try SealedRecord.header(of: value).kind == kind,
                let opened = try openFound(value, RecordKey(lmdbKey))
            else { return true }
            return try body(opened)
        }
    }

    /// Opens a record that a scan has come to; nil where its erasure was cut short, or where it was
    /// erased since this snapshot.
    func openFound(_ value: RawSpan, _ key: RecordKey) throws(VaultError) -> Opened? {
        do throws(VaultError) {
            return try open(value, key: key)
        } catch {
            guard error.code == .authenticationFailed else { throw error }
            return try open(key)
        }
    }

    func keys(
        _ kind: SealedRecord.Kind, after last: RecordKey?, atMost limit: Int
    ) throws(VaultError) -> [RecordKey] {
        let transaction = try beginRead()
        guard limit > 0 else { return [] }
        let start = last ?? .none
        let from = last == nil ? RawSpan() : start.bytes
        var keys: [RecordKey] = []
        try transaction.scan(.records, from: from) { (lmdbKey, value) throws(VaultError) in
            guard lmdbKey.byteCount == RecordKey.byteCount else {
                throw VaultError(.recordDamaged, .store, number: lmdbKey.byteCount)
            }
            let key = RecordKey(lmdbKey)
            guard try SealedRecord.header(of: value).kind == kind, key != last else { return true }
            keys.append(key)
            return keys.count < limit
        }
        return keys
    }
}
