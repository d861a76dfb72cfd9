// SPDX-License-Identifier: Apache-2.0

extension Store {
    func keys(
        _ kind: SealedRecord.Kind, after last: RecordKey?, atMost limit: Int
    ) throws(VaultError) -> [RecordKey] {
        let transaction = try beginRead()
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
