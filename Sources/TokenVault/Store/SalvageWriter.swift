// SPDX-License-Identifier: Apache-2.0

internal import BasicContainers

/// Fills a new vault, which nobody uses yet, with records of another: so many in one transaction.
final class SalvageWriter {
    private static let groupMax = 256

    private var writer: Writer
    private var transaction: LMDB.WriteTransaction?
    private var count = 0

    /// Opens the new vault in `directory`.
    ///
    /// - Parameter generation: the last one of the vault before. Its numbers are not given out
    ///   again: whoever remembers one means a version of that.
    init(
        _ directory: String, keyring: Keyring, mapBytes: Int, generation: UInt64
    ) throws(VaultError) {
        let store = try Store(directory, keyring: keyring, mapBytes: mapBytes)
        writer = Writer(store: store)
        writer.root.generation = generation
        try store.slots.findFree(lives: generation)
    }

    /// Seals a record anew, with a data key of its own.
    ///
    /// - Parameter header: of the record before: what it says of its versions is kept.
    /// - Returns: its key in the new vault; nil where it has no room for that.
    func put(
        _ header: SealedRecord.Header, _ id: String, _ fields: consuming Fields
    ) throws(VaultError) -> RecordKey? {
        let key = writer.store.key(header.kind, id)
        let plaintext = try Self.plaintext(header, fields)
        if plaintext == nil { return nil }
        let transaction = try begin()
        _ = try writer.put(header.kind, key, plaintext, transaction)
        count += 1
        if count % Self.groupMax == 0 {
            try finish(transaction)
        } else {
            self.transaction = consume transaction
        }
        return key
    }

    /// Nil where it is longer than a record may be.
    private static func plaintext(
        _ header: SealedRecord.Header, _ fields: consuming Fields
    ) throws(VaultError) -> Secret? {
        do throws(VaultError) {
            let plaintext = try content(header, fields)
            if plaintext.count > SealedRecord.plaintextBytesMax { return nil }
            return plaintext
        } catch {
            guard error.code == .limitExceeded else { throw error }
            return nil
        }
    }

    /// It is written for other reasons than new tokens, a new failure or new credentials.
    private static func content(
        _ header: SealedRecord.Header, _ fields: consuming Fields
    ) throws(VaultError) -> Secret {
        if header.kind == .connection {
            var record = ConnectionRecord(fields: fields)
            try record.keepTokens(of: header.generation)
            return record.plaintext()
        }
        if header.kind == .webhook {
            // The log is another one.
            var record = WebhookRecord(fields: fields)
            try record.set(place: 0)
            return record.plaintext()
        }
        if header.kind == .application, !fields.has(ApplicationTag.changedSince) {
            try fields.set(ApplicationTag.changedSince, integer: header.generation)
        }
        return fields.takeAll()
    }

    /// Attempts whose answer nobody has heard, of records that were copied: they stay in doubt.
    func put(
        _ attempts: [(batch: UInt64, attempt: AttemptRecord, recorded: UnixTime)],
        _ keys: [RecordKey: RecordKey]
    ) throws(VaultError) {
        let transaction = try begin()
        for (_, attempt, recorded) in attempts {
            guard let key = keys[attempt.key] else { continue }
            _ = try writer.beginBatch(
                [AttemptRecord(key: key, generation: attempt.generation)], recorded, transaction)
        }
        try finish(transaction)
    }

    /// The transaction that is open, or a new one.
    private func begin() throws(VaultError) -> LMDB.WriteTransaction {
        if let transaction = transaction.take() { return transaction }
        return try writer.store.lmdb.beginWrite()
    }

    private func finish(
        _ transaction: consuming LMDB.WriteTransaction
    ) throws(VaultError) {
        try writer.writeRoot(transaction)
        try writer.store.slots.sync()
        try transaction.commit()
        writer.nonces.discard()
        writer.takenSlots = []
    }
}
