// SPDX-License-Identifier: Apache-2.0

import BasicContainers

/// The seam to the one writer: takes changes that belong together, makes them durable together, and
/// says so. A simulator puts its own store here.
protocol Committing: AnyObject, Sendable {
    /// Takes the commit at once, without waiting. Its completion runs exactly once, on the writer's
    /// thread, after the changes are durable or after none of them was made.
    func submit(_ commit: Commit)

    /// From now on every commit fails with `error`.
    func refuse(_ error: VaultError)

    /// The store is verified: from now on commits are taken. Until then every one fails with
    /// `notVerified`, except those that finish a disconnect.
    func allow(_ verified: Verified)
}

/// Changes that are made in one transaction or not at all.
final class Commit: @unchecked Sendable {
    typealias Completion = @Sendable (Result<Committed, VaultError>) -> Void

    var changes = UniqueArray<Change>()
    /// Whether it may use the room that is kept back: a refresh that was answered, or a disconnect.
    var mayUseReserve = false
    /// Whether it finishes a disconnect at open: the one kind that is taken before the store is
    /// verified, and only where the record that is erased opens.
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
    /// Generation and handle of the record that was put, edited or fenced last.
    var generation: UInt64 = 0
    var handle = Handle.none
    /// The number of the batch that was begun.
    var batch: UInt64 = 0
    /// How many slots were overwritten.
    var erasedSlots = 0
    /// What became of the record that was to be revised, and when it is refreshed next, where its
    /// edit says so.
    var fate: Revision.Fate?
    var plan: Plan?
}

struct Change: ~Copyable {
    let kind: Kind
    let plaintext: Secret?

    enum Kind {
        /// Writes a record; a new one gets a slot with a fresh data key first.
        case put(SealedRecord.Kind, RecordKey, Expectation)
        /// Edits a record; the first change of its commit, which fails where the edit throws.
        case revise(RecordKey, Revision)
        /// Marks a record as going: from now on nothing but its erasure changes it.
        case fence(RecordKey)
        /// Overwrites the slot of a record that opens under the data key in it, then deletes the
        /// record and its fence; `authenticationFailed` where it does not open, unless it is fenced
        /// and its slot holds no data key any more.
        case erase(RecordKey)
        /// Writes a flow of a connection, sealed with that connection's data key, and drops some of
        /// those that have expired; `limitExceeded` where there are too many that have not.
        case addFlow(RecordKey, of: RecordKey, now: UnixTime, expires: UnixTime)
        /// Removes a flow; `notFound` where somebody took it before.
        case takeFlow(RecordKey)
        /// Records attempts before their first byte is sent.
        case beginBatch([AttemptRecord], UnixTime)
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
