// SPDX-License-Identifier: Apache-2.0

import BasicContainers

/// The seam to the one writer: takes changes that belong together, makes them durable together, and
/// says so. A simulator puts its own store here.
///
/// What is said here and in `Reading` holds for every engine; `Tests/SimulationTests/Conformance`
/// tests most of it of each.
protocol Committing: AnyObject, Sendable {
    /// Takes the commit at once, without waiting. Its completion runs exactly once, on the writer's
    /// thread, after the changes are durable or after none of them was made.
    ///
    /// Commits that are taken are made, and end, in the order of submission: each finds what those
    /// before it left, and one that fails hinders no other. When a completion runs, its changes can
    /// be read. It may submit more, even while the store is being closed; whoever else comes then
    /// is told `closed`. `storeFull` where there is no room.
    func submit(_ commit: Commit)

    /// From now on every commit that waits or comes fails with `error`; with the first one, where
    /// that is said again.
    func refuse(_ error: VaultError)

    /// The store is verified: from now on commits are taken. Until then every one fails with
    /// `notVerified`, except those that finish a disconnect.
    func allow(_ verified: Verified)

    /// From now on `observer` is called after each transaction that added to the log, when its
    /// entries can be read; on the writer's thread, which must not wait. There is one at most.
    func observeEvents(_ observer: @escaping @Sendable () -> Void)

    /// What the writer has done, for whoever watches it.
    var counters: CommitCounters { get }
}

extension Committing {
    /// An engine need not count.
    var counters: CommitCounters { CommitCounters() }
}

/// Changes that are made in one transaction or not at all. What they expect is compared with what
/// is there before the first of them is made.
final class Commit: @unchecked Sendable {
    typealias Completion = @Sendable (Result<Committed, VaultError>) -> Void

    var changes = UniqueArray<Change>()
    /// Whether it may use the room that is kept back: a refresh that was answered, or a disconnect.
    var mayUseReserve = false
    /// Whether it finishes a disconnect at open: the one kind that is taken before the store is
    /// verified, and only where the record that is erased opens and is fenced;
    /// `authenticationFailed` else.
    var isRecovery = false
    /// Whether nobody waits for it: it may be kept for some milliseconds, until more come.
    var isPatient = false
    /// Set once, before the commit is submitted; called through `end`.
    var completion: Completion

    init(completion: @escaping Completion = { _ in }) { self.completion = completion }

    /// Lets go of the changes and says how it ended. Whoever waits may hold on to the commit until
    /// a thread is free for it, and the threads may wait for the blocks of its secrets.
    func end(_ result: Result<Committed, VaultError>) {
        changes = UniqueArray()
        completion(result)
    }

    /// Adds a change; a plaintext is wiped when the commit ends.
    func add(_ kind: Change.Kind, _ plaintext: consuming Secret? = nil) {
        changes.append(Change(kind: kind, plaintext: plaintext))
    }
}

/// What a commit brought about.
struct Committed: Sendable {
    /// Generation and handle of the record that was put, changed or fenced last: its present ones,
    /// also where it was fenced before.
    var generation: UInt64 = 0
    var handle = Handle.none
    /// The number of the batch that was begun; they rise, from process to process too.
    var batch: UInt64 = 0
    /// How many slots were overwritten.
    var erasedSlots = 0
    /// What overwriting does to the bytes that were there; nil where it was no erasure.
    var erasure: ErasureQuality?
    /// What became of the record that was to be revised, and when it is refreshed next, where its
    /// edit says so.
    var fate: Revision.Fate?
    var plan: Plan?
}

struct Change: ~Copyable {
    let kind: Kind
    let plaintext: Secret?

    enum Kind {
        /// Writes a record; a new one gets a slot with a fresh data key first. Where it is fenced,
        /// `disconnecting`; where something else is there than was expected, `alreadyExists`,
        /// `notFound` or `generationChanged`.
        case put(SealedRecord.Kind, RecordKey, Expectation)
        /// Edits a record; the first change of its commit, which fails where the edit throws.
        case revise(RecordKey, Revision)
        /// Marks a record as going: from now on, in the next process too, nothing but its erasure
        /// changes it, and a connection's state is `disconnecting`. Changes nothing of one that is
        /// fenced; `notFound` where there is none.
        case fence(RecordKey)
        /// Overwrites the slot of a record that opens under the data key in it, then deletes the
        /// record and its fence; `authenticationFailed` where it does not open, unless it is fenced
        /// and its slot holds no data key any more. A commit that ended before has fenced it: else
        /// it may be changed in the same transaction. What belonged to it is gone too: flows of
        /// its connection open no more, and its handle stands for no record.
        case erase(RecordKey)
        /// Writes a flow of a connection, sealed with that connection's data key, and drops some of
        /// those that have expired; `limitExceeded` where there are too many that have not,
        /// `notFound` or `disconnecting` where the connection takes none.
        case addFlow(RecordKey, of: RecordKey, now: UnixTime, expires: UnixTime)
        /// Removes a flow; `notFound` where somebody took it before.
        case takeFlow(RecordKey)
        /// Records attempts before their first byte is sent; `limitExceeded` where they are too
        /// many for one batch.
        case beginBatch([AttemptRecord], UnixTime)
        /// Ends one; no error where it ended before. The next process inherits all of a batch until
        /// the last has ended, and ends them anew.
        case endAttempt(batch: UInt64, RecordKey)
        /// Appends to the log; nothing where a revision of the same commit changed nothing.
        case event(EventEntry)
    }

    /// What must be there for a put to happen.
    enum Expectation: Equatable {
        case absent
        case generation(UInt64)
        case anything
    }
}

/// One refresh that is about to be sent, for one version of one connection.
struct AttemptRecord: Sendable, Hashable {
    static let byteCount = RecordKey.byteCount + 8

    let key: RecordKey
    let generation: UInt64
}

/// A line of a connection's log: a blinded id, a code, a time, a number; nothing that outlives it.
struct EventEntry: Sendable {
    static let byteCount = 56

    let time: UnixTime
    let key: RecordKey
    let code: UInt16
    let number: Int64

    init(time: UnixTime, key: RecordKey, code: UInt16, number: Int64 = 0) {
        self.time = time
        self.key = key
        self.code = code
        self.number = number
    }

    init?(_ plaintext: RawSpan) {
        guard plaintext.byteCount == Self.byteCount else { return nil }
        time = UnixTime(milliseconds: plaintext.integer(at: 0))
        key = RecordKey(plaintext, at: 8)
        code = plaintext.integer(at: 40)
        number = plaintext.integer(at: 48)
    }

    func encoded() throws(VaultError) -> Secret {
        var plaintext = try Secret(zeroes: Self.byteCount)
        plaintext.store(time.milliseconds, at: 0)
        plaintext.store(key.bytes, at: 8)
        plaintext.store(code, at: 40)
        plaintext.store(number, at: 48)
        return plaintext
    }
}
