// SPDX-License-Identifier: Apache-2.0

@testable import TokenVault

/// One process's way to the disk: reads at once, commits in groups after a disk's time. When the
/// process dies, what was not durable is gone, and nothing of it reaches the disk any more.
final class SimulatedStore: Reading, @unchecked Sendable {
    let disk: Disk
    /// Called with how many milliseconds from now a group may become durable.
    let wait: (@escaping () -> Void) -> Void
    let tell: (Disk.DurableChange) -> Void
    /// Ends the process between a group's becoming durable and anybody's being told, if it is to.
    let crashes: () -> Bool

    var waiting: [Commit] = []
    var isWriting = false
    /// While the vault is being opened, which waits for its commits on the caller's thread.
    var isImmediate = true
    var isDead = false
    var isClosing = false
    /// Whether what follows from the last commits is still taken.
    var isFinishing = false
    var refusesCommits: VaultError?
    /// Whether the store is verified: before that only disconnects that were cut short are taken.
    var isAllowed = false
    var isClosed = false
    /// What the next verifications throw.
    var verificationErrors: [VaultError] = []
    /// Called when `verify` has read a record of its snapshot, before that is looked at.
    var meanwhile: (RecordKey) -> Void = { _ in }
    /// What to put back when the process dies, where commits are acknowledged before they last.
    var acknowledgesEarly = false
    var lasting: Disk.Contents?
    var lastingNews: [Disk.DurableChange] = []
    var eventObserver: @Sendable () -> Void = {}

    init(
        _ disk: Disk, wait: @escaping (@escaping () -> Void) -> Void,
        tell: @escaping (Disk.DurableChange) -> Void, crashes: @escaping () -> Bool
    ) {
        self.disk = disk
        self.wait = wait
        self.tell = tell
        self.crashes = crashes
        disk.reopen()
    }

    func key(_ kind: SealedRecord.Kind, _ name: String) -> RecordKey {
        Self.key(kind, name)
    }

    /// The same key in every process.
    static func key(_ kind: SealedRecord.Kind, _ name: String) -> RecordKey {
        let bytes = [kind.rawValue] + Array(name.utf8)
        let span = bytes.span
        return unsafe RecordKey(hashing: span.bytes)
    }

    private func checkOpen() throws(VaultError) {
        guard !isDead, !isClosed else { throw VaultError(.closed, .store) }
    }

    func open(_ key: RecordKey) throws(VaultError) -> Opened? {
        try checkOpen()
        guard let record = disk.contents.records[key] else { return nil }
        return try opened(key, record)
    }

    func kind(of key: RecordKey) throws(VaultError) -> SealedRecord.Kind? {
        try checkOpen()
        return disk.contents.records[key]?.kind
    }

    private func opened(
        _ key: RecordKey, _ record: Disk.Record
    ) throws(VaultError) -> Opened {
        var fields = try Disk.fields(record.plaintext)
        if disk.sabotage == .forgetsLosses, record.kind == .connection,
            fields.integer(ConnectionTag.state) == ConnectionState.failed.rawValue
        {
            try fields.set(ConnectionTag.state, integer: ConnectionState.active.rawValue)
        }
        if disk.sabotage == .forgetsUnread, record.kind == .connection {
            try fields.set(ConnectionTag.unreadReply, nil)
        }
        return Opened(
            key: key, kind: record.kind, version: disk.version(record), fields: fields)
    }

    /// Whether a crash at this moment would leave an attempt of this connection on record.
    func hasAttempt(of key: RecordKey) -> Bool {
        (lasting ?? disk.contents).batches.values.contains { $0.open.contains(key) }
    }

    func version(_ key: RecordKey) throws(VaultError) -> RecordVersion? {
        try checkOpen()
        return disk.contents.records[key].map(disk.version)
    }

    func inheritance() -> Inheritance {
        Inheritance(
            attempts: disk.sabotage == .forgetsDoubts ? [] : disk.doubts,
            unfinished: disk.unfinished)
    }

    func lastGeneration() throws(VaultError) -> UInt64 {
        try checkOpen()
        return disk.contents.generation
    }

    func key(of handle: Handle) -> RecordKey? {
        let slot = Int(handle.number)
        return slot < disk.contents.slots.count ? disk.contents.slots[slot]?.key : nil
    }

    func scan(
        _ kind: SealedRecord.Kind,
        _ body: (borrowing Opened) throws(VaultError) -> Bool
    ) throws(VaultError) {
        try checkOpen()
        let snapshot = disk.contents
        // By slot: a dictionary has no order that two runs share.
        for case .some(let entry) in snapshot.slots {
            guard snapshot.records[entry.key]?.kind == kind,
                let opened = try opened(entry.key, in: snapshot)
            else { continue }
            guard try body(opened) else { return }
        }
    }

    /// A record of a snapshot; what was erased since has no data key any more.
    private func opened(
        _ key: RecordKey, in snapshot: Disk.Contents
    ) throws(VaultError) -> Opened? {
        guard let record = snapshot.records[key] else { return nil }
        let slot = Int(record.slot)
        let isErased = disk.contents.slots[slot]?.life != snapshot.slots[slot]?.life
        return isErased ? try open(key) : try opened(key, record)
    }

    func keys(
        _ kind: SealedRecord.Kind, after last: RecordKey?, atMost limit: Int
    ) throws(VaultError) -> [RecordKey] {
        try checkOpen()
        let keys = disk.contents.records.filter { $0.value.kind == kind }.keys
            .sorted { $0.precedes($1) }
        let first = last.flatMap { last in keys.firstIndex { last.precedes($0) } }
        if last != nil, first == nil { return [] }
        return Array(keys[(first ?? 0)...].prefix(limit))
    }

    func verify(
        atOpen: Bool, _ visit: (borrowing Opened) throws(VaultError) -> Void
    ) throws(VaultError) -> Verified {
        try checkOpen()
        if !verificationErrors.isEmpty { throw verificationErrors.removeFirst() }
        let snapshot = disk.contents
        var count = 0
        for case .some(let entry) in snapshot.slots {
            guard snapshot.records[entry.key] != nil else {
                throw VaultError(.integrityFailed, .store)
            }
            count += 1
            guard let opened = try opened(entry.key, in: snapshot) else { continue }
            meanwhile(entry.key)
            try visit(opened)
        }
        guard count == snapshot.records.count else {
            throw VaultError(.integrityFailed, .store)
        }
        let fenced = snapshot.slots.compactMap { $0?.key }.filter(snapshot.fenced.contains)
        return Verified(recordCount: count, fenced: fenced)
    }

    func recordCount() throws(VaultError) -> Int {
        try checkOpen()
        return disk.contents.records.count
    }

    func flowKey(state: RawSpan) -> RecordKey { RecordKey(hashing: state) }

    func openFlow(_ key: RecordKey) throws(VaultError) -> Fields? {
        try checkOpen()
        guard let flow = disk.contents.flows[key],
            let record = disk.contents.records[flow.connection],
            disk.contents.slots[Int(record.slot)]?.life == flow.life
        else { return nil }
        return try Disk.fields(flow.plaintext)
    }

    func scanEvents(
        from first: UInt64, atMost limit: Int, _ body: (UInt64, EventEntry) -> Void
    ) throws(VaultError) -> UInt64? {
        try checkOpen()
        let start = max(first, disk.contents.firstEvent)
        let skipped = Int(clamping: start - disk.contents.firstEvent)
        let events = disk.contents.events.dropFirst(skipped)
        for (offset, event) in events.prefix(limit).enumerated() {
            body(start + UInt64(offset), event)
        }
        return events.count > limit ? start + UInt64(limit) : nil
    }

    func lastEvent() throws(VaultError) -> UInt64 {
        try checkOpen()
        return disk.contents.firstEvent + UInt64(disk.contents.events.count) - 1
    }

    func close() { isClosed = true }
}

extension RecordKey {
    /// Whether it comes first in the order of bytes.
    fileprivate func precedes(_ other: RecordKey) -> Bool {
        for index in 0..<Self.byteCount
        where bytes.byte(at: index) != other.bytes.byte(at: index) {
            return bytes.byte(at: index) < other.bytes.byte(at: index)
        }
        return false
    }
}
