// SPDX-License-Identifier: Apache-2.0

import BasicContainers

/// Applies commits inside one LMDB transaction: the order of durable writes is here.
///
/// A draft belongs to the writer's thread. It carries what the next transaction will make true;
/// `Committer` adopts it when the transaction is durable and forgets it when it is not.
struct Writer {
    let store: Store
    var root = Root()
    /// Disconnects that have begun.
    var fences: [RecordKey: Fence] = [:]
    /// Attempts in flight, by batch.
    var batches: [UInt64: Set<RecordKey>] = [:]
    var flows = FlowSchedule()
    let nonces = Nonces()

    /// Up to where the database's file is known to have blocks.
    var allocatedBytes = 0
    /// Slots that this transaction filled, and for whom.
    var takenSlots: [(slot: UInt32, key: RecordKey)] = []
    /// What the erasures of this transaction do to slots, and those before that failed have done.
    var erasures: [RecordKey: Erasure] = [:]
    /// Slots that are free once the transaction is durable.
    var freedSlots: [UInt32] = []

    /// Makes the databases of a new vault and writes its first ROOT.
    static func create(_ directory: String, _ keyring: Keyring) throws(VaultError) {
        let store = try Store(directory, keyring: keyring, mapBytes: 1 << 20, creates: true)
        let transaction = try store.lmdb.beginWrite()
        try Writer(store: store).writeRoot(transaction)
        try transaction.commit()
    }

    /// Refuses what can be refused, before anything of the commit is written.
    func check(
        _ commit: Commit, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        var takenFlows = 0
        for index in commit.changes.indices {
            if case .takeFlow = commit.changes[index].kind { takenFlows += 1 }
            try check(commit.changes[index].kind, takenFlows, transaction)
        }
    }

    /// Applies a checked commit. Where it throws, the whole transaction must be given up; where it
    /// returns a failure, an edit refused, and nothing was written.
    mutating func apply(
        _ commit: Commit, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> Result<Committed, VaultError> {
        var committed = Committed()
        for index in commit.changes.indices {
            if case .revise(let key, let revision) = commit.changes[index].kind {
                precondition(index == 0, "a revision comes first")
                let outcome = try revise(key, revision, transaction, &committed)
                if case .failure(let error) = outcome { return .failure(error) }
                continue
            }
            try apply(commit.changes[index], transaction, &committed)
        }
        return .success(committed)
    }

    /// - Parameter takenFlows: how many flows the changes before it take.
    private func check(
        _ kind: Change.Kind, _ takenFlows: Int, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) {
        switch kind {
        case .put(_, let key, let expectation):
            guard fences[key] == nil else { throw VaultError(.disconnecting, .store) }
            try Self.check(expectation, try generation(key, transaction))
        case .fence(let key):
            guard try generation(key, transaction) != nil else { try Self.missing() }
        case .erase(let key):
            guard try generation(key, transaction) != nil else { try Self.missing() }
            guard erasures[key] != nil else { throw VaultError(.authenticationFailed, .store) }
        case .takeFlow(let key):
            guard try Self.isFlow(key, transaction) else { try Self.missing() }
        case .beginBatch(let attempts, _):
            guard attempts.count <= StoreLimits.batchAttemptsMax else {
                throw VaultError(.limitExceeded, .store, number: StoreLimits.batchAttemptsMax)
            }
        case .addFlow(_, let connection, let now, _):
            guard fences[connection] == nil else { throw VaultError(.disconnecting, .store) }
            guard try generation(connection, transaction) != nil else { try Self.missing() }
            let count = try transaction.count(.flows) - takenFlows
            guard count < StoreLimits.flowsMax || flows.hasExpired(now) else {
                throw VaultError(.limitExceeded, .store, number: StoreLimits.flowsMax)
            }
        case .revise, .endAttempt, .event: return
        }
    }

    private static func check(
        _ expectation: Change.Expectation, _ present: UInt64?
    ) throws(VaultError) {
        switch expectation {
        case .anything: return
        case .absent:
            if present != nil { throw VaultError(.alreadyExists, .store) }
        case .generation(let wanted):
            guard let present else { try missing() }
            if present != wanted { throw VaultError(.generationChanged, .store) }
        }
    }

    private static func missing() throws(VaultError) -> Never {
        throw VaultError(.notFound, .store)
    }

    private static func isFlow(
        _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> Bool {
        if try transaction.get(.flows, key.bytes) != nil { return true }
        return false
    }

    /// The generation of a record; nil where there is none.
    private func generation(
        _ key: RecordKey, _ transaction: borrowing LMDB.WriteTransaction
    ) throws(VaultError) -> UInt64? {
        guard let value = try transaction.get(.records, key.bytes) else { return nil }
        return try SealedRecord.header(of: value).generation
    }

    private mutating func apply(
        _ change: borrowing Change, _ transaction: borrowing LMDB.WriteTransaction,
        _ committed: inout Committed
    ) throws(VaultError) {
        switch change.kind {
        case .put(let kind, let key, _):
            committed.handle = Handle(number: try put(kind, key, change.plaintext, transaction))
            committed.generation = root.generation
        case .revise: preconditionFailure("applied by its commit")
        case .fence(let key):
            let fence = try fence(key, transaction)
            committed.handle = Handle(number: fence.slot)
            committed.generation = fence.generation
        case .erase(let key):
            if try erase(key, transaction) { committed.erasedSlots += 1 }
            committed.erasure = store.erasureQuality
        case .addFlow(let key, let connection, let now, let expires):
            try dropExpiredFlows(now, transaction)
            try addFlow(key, of: connection, change.plaintext, transaction)
            flows.add(key, expires: expires)
        case .takeFlow(let key):
            try transaction.delete(.flows, key.bytes)
            flows.remove(key)
        case .beginBatch(let attempts, let time):
            committed.batch = try beginBatch(attempts, time, transaction)
        case .endAttempt(let batch, let key):
            try endAttempt(batch, key, transaction)
        case .event(let event):
            // What a revision would have told of did not happen where it changed nothing.
            if committed.fate ?? .changed == .changed { try append(event, transaction) }
        }
    }

    /// Writes ROOT; the last write of every transaction.
    func writeRoot(_ transaction: borrowing LMDB.WriteTransaction) throws(VaultError) {
        let label = unsafe RawSpan(_unsafeStart: Root.lmdbKey.utf8Start, byteCount: 4)
        let plaintext = try root.encoded()
        let value = try seal(
            plaintext.bytes, .root, generation: root.generation, lmdbKey: label,
            key: store.keyring.rootSealKey)
        try transaction.put(.meta, label, value.bytes)
    }

    /// Seals what is not one of `records`.
    func seal(
        _ plaintext: RawSpan, _ kind: SealedRecord.Kind, generation: UInt64,
        slot: UInt32 = KeySlots.none, lmdbKey: RawSpan, key: borrowing Secret
    ) throws(VaultError) -> Secret {
        let byteCount =
            kind.isPadded
            ? try SealedRecord.bucket(for: plaintext.byteCount, minimum: 0)
            : plaintext.byteCount + SealedRecord.overheadBytes
        let header = SealedRecord.Header(
            kind: kind, term: store.keyring.currentTerm, slot: slot, generation: generation)
        return try SealedRecord.seal(
            plaintext, header: header, byteCount: byteCount, lmdbKey: lmdbKey,
            vaultID: store.keyring.vaultID, key: key, nonces: nonces)
    }
}
