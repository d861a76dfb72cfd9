// SPDX-License-Identifier: Apache-2.0

// Pending authorizations, attempts in flight, and the log: what is sealed without a slot.
extension Writer {
    mutating func addFlow(
        _ key: RecordKey, of connection: RecordKey, _ plaintext: borrowing Secret?,
        _ now: UnixTime, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        guard let record = try transaction.get(.records, connection.bytes) else {
            throw VaultError(.notFound, .store)
        }
        let slot = try SealedRecord.header(of: record).slot
        let dataKey = try store.slots.dataKey(slot, for: connection)
        if try transaction.count(.flows) >= Self.flowsMax {
            try dropExpiredFlows(now, transaction)
            guard try transaction.count(.flows) < Self.flowsMax else {
                throw VaultError(.limitExceeded, .store, number: Self.flowsMax)
            }
        }
        switch plaintext {
        case .none: throw VaultError(.invalidArgument, .store)
        case .some(let plaintext):
            let value = try seal(
                plaintext.bytes, .flow, generation: root.generation, slot: slot,
                lmdbKey: key.bytes, key: Keyring.flowSealKey(dataKey))
            try transaction.put(.flows, key.bytes, value.bytes)
        }
    }

    private func dropExpiredFlows(
        _ now: UnixTime, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        var expired: [RecordKey] = []
        try transaction.scan(.flows) { (lmdbKey, value) throws(VaultError) in
            // One that does not open belongs to a connection that is gone.
            let expires = (try? store.openFlow(value, lmdbKey))?.time(FlowTag.expires)
            if expires ?? now <= now { expired.append(RecordKey(lmdbKey)) }
            return true
        }
        for key in expired { try transaction.delete(.flows, key.bytes) }
    }

    mutating func beginWave(
        _ attempts: [Attempt], _ time: UnixTime, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> UInt64 {
        let wave = root.nextWave
        root.nextWave += 1
        var plaintext = try Secret(zeroes: 8 + attempts.count * 40)
        plaintext.store(time.milliseconds, at: 0)
        for (index, attempt) in attempts.enumerated() {
            plaintext.store(attempt.key.bytes, at: 8 + index * 40)
            plaintext.store(attempt.generation, at: 8 + index * 40 + 32)
        }
        let label = try numberedLabel("W", wave)
        let value = try seal(
            plaintext.bytes, .wave, generation: root.generation, lmdbKey: label.bytes,
            key: store.keyring.waveSealKey)
        try transaction.put(.meta, label.bytes, value.bytes)
        waves[wave] = Set(attempts.map(\.key))
        return wave
    }

    /// The wave's record goes with its last attempt. Until then those that ended are in it too: if
    /// the process dies, they count as in doubt where their tokens did not change.
    mutating func endAttempt(
        _ wave: UInt64, _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        guard waves[wave]?.remove(key) != nil, waves[wave]?.isEmpty == true else { return }
        waves[wave] = nil
        let label = try numberedLabel("W", wave)
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
        guard number > Self.eventsMax else { return }
        let oldest = try numberedLabel("", number - Self.eventsMax)
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

    /// Loads ROOT, the fences and the waves that an earlier process left behind; returns the
    /// attempts whose answer was never heard.
    mutating func load() throws(VaultError)
        -> [(wave: UInt64, attempt: Attempt, recorded: UnixTime)]
    {
        let transaction = try store.lmdb.beginRead()
        root = try store.root(transaction)
        var doubts: [(wave: UInt64, attempt: Attempt, recorded: UnixTime)] = []
        var foundFences: Set<RecordKey> = []
        try transaction.scan(.meta) { (lmdbKey, value) throws(VaultError) in
            let letter = lmdbKey.byte(at: 0)
            guard
                lmdbKey.byteCount == 9 && letter == UInt8(ascii: "W")
                    || lmdbKey.byteCount == 33 && letter == UInt8(ascii: "F")
            else { return true }
            let plaintext = try SealedRecord.open(
                value, lmdbKey: lmdbKey, vaultID: store.keyring.vaultID,
                key: store.keyring.waveSealKey)
            if letter == UInt8(ascii: "F") {
                let key = RecordKey(lmdbKey, at: 1)
                try checkFence(plaintext.bytes, key, transaction)
                foundFences.insert(key)
                return true
            }
            guard plaintext.count >= 8, (plaintext.count - 8) % 40 == 0 else {
                throw VaultError(.recordDamaged, .store)
            }
            let wave = lmdbKey.integer(at: 1, as: UInt64.self).byteSwapped
            let recorded = UnixTime(milliseconds: plaintext.bytes.integer(at: 0))
            for offset in stride(from: 8, to: plaintext.count, by: 40) {
                let attempt = Attempt(
                    key: RecordKey(plaintext.bytes, at: offset),
                    generation: plaintext.bytes.integer(at: offset + 32))
                doubts.append((wave, attempt, recorded))
            }
            return true
        }
        fenced = foundFences
        for doubt in doubts { waves[doubt.wave, default: []].insert(doubt.attempt.key) }
        return doubts
    }

    /// A fence ends the life it was made for and no other: one that was kept and put back would
    /// erase whoever has the id today.
    private func checkFence(
        _ fence: RawSpan, _ key: RecordKey, _ transaction: borrowing LMDB.ReadTransaction
    ) throws(VaultError) {
        guard fence.byteCount == 16, let value = try transaction.get(.records, key.bytes) else {
            throw VaultError(.integrityFailed, .store)
        }
        let header = try SealedRecord.header(of: value)
        guard header.slot == fence.integer(at: 0), header.generation == fence.integer(at: 8) else {
            throw VaultError(.integrityFailed, .store)
        }
    }
}
