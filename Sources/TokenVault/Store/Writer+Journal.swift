// SPDX-License-Identifier: Apache-2.0

// Pending authorizations, attempts in flight, and the log: what is sealed without a slot.
extension Writer {
    /// How many expired flows go with each new one, so that none has to rewrite them all.
    static let droppedFlowsMax = 8

    func addFlow(
        _ key: RecordKey, of connection: RecordKey, _ plaintext: borrowing Secret?,
        _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        guard let record = try transaction.get(.records, connection.bytes) else {
            throw VaultError(.notFound, .store)
        }
        let slot = try SealedRecord.header(of: record).slot
        let dataKey = try store.slots.dataKey(slot, for: connection)
        switch plaintext {
        case .none: throw VaultError(.invalidArgument, .store)
        case .some(let plaintext):
            let value = try seal(
                plaintext.bytes, .flow, generation: root.generation, slot: slot,
                lmdbKey: key.bytes, key: Keyring.flowSealKey(dataKey))
            try transaction.put(.flows, key.bytes, value.bytes)
        }
    }

    mutating func dropExpiredFlows(
        _ now: UnixTime, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        for _ in 0..<Self.droppedFlowsMax {
            guard let key = flows.popExpired(now) else { return }
            try transaction.delete(.flows, key.bytes)
        }
    }

    mutating func beginBatch(
        _ attempts: [AttemptRecord], _ time: UnixTime,
        _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> UInt64 {
        let batch = root.nextBatch
        root.nextBatch += 1
        var plaintext = try Secret(zeroes: 8 + attempts.count * AttemptRecord.byteCount)
        plaintext.store(time.milliseconds, at: 0)
        for (index, attempt) in attempts.enumerated() {
            let start = 8 + index * AttemptRecord.byteCount
            plaintext.store(attempt.key.bytes, at: start)
            plaintext.store(attempt.generation, at: start + RecordKey.byteCount)
        }
        let label = try numberedLabel("W", batch)
        let value = try seal(
            plaintext.bytes, .batch, generation: root.generation, lmdbKey: label.bytes,
            key: store.keyring.batchSealKey)
        try transaction.put(.meta, label.bytes, value.bytes)
        batches[batch] = Set(attempts.map(\.key))
        return batch
    }

    /// The batch's record goes with its last attempt. Until then those that ended are in it too: if
    /// the process dies, they count as in doubt where their tokens did not change.
    mutating func endAttempt(
        _ batch: UInt64, _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        guard batches[batch]?.remove(key) != nil, batches[batch]?.isEmpty == true else { return }
        batches[batch] = nil
        let label = try numberedLabel("W", batch)
        try transaction.delete(.meta, label.bytes)
    }

    mutating func append(
        _ event: EventEntry, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        let number = root.nextEvent
        root.nextEvent += 1
        let label = try numberedLabel("", number)
        let plaintext = try event.encoded()
        let value = try seal(
            plaintext.bytes, .event, generation: number, lmdbKey: label.bytes,
            key: store.keyring.eventSealKey)
        try transaction.put(.events, label.bytes, value.bytes)
        guard number > StoreLimits.eventsMax else { return }
        let oldest = try numberedLabel("", number - StoreLimits.eventsMax)
        try transaction.delete(.events, oldest.bytes)
    }

    /// A prefix and a number, big-endian, so that LMDB's order is the order of numbers.
    private func numberedLabel(
        _ prefix: StaticString, _ number: UInt64
    ) throws(VaultError) -> Secret {
        var label = try Secret(prefix)
        let digits = try Secret(integer: number.byteSwapped)
        guard label.append(digits.bytes) else { throw VaultError(.outOfMemory, .store) }
        return label
    }

    /// Loads ROOT, the fences and the batches.
    ///
    /// - Throws: as `Meta`, and `integrityFailed` where SLOTS is longer than it can be; nothing of
    ///   the store can be verified then.
    mutating func load() throws(VaultError) -> Inheritance {
        let transaction = try store.beginRead()
        let meta = try Meta(transaction, of: store)
        root = meta.root
        try store.slots.findFree(lives: root.generation + StoreCheck.orphanGenerations)
        fences = meta.fences
        for left in meta.attempts { batches[left.batch, default: []].insert(left.attempt.key) }
        var inheritance = Inheritance(attempts: meta.attempts)
        for (key, fence) in fences {
            guard let value = try transaction.get(.records, key.bytes),
                (try? store.open(value, key: key).version).map(fence.names) == true
            else { continue }
            // The very version that the fence names opens under the data key in its slot.
            inheritance.unfinished.append(key)
        }
        return inheritance
    }
}
