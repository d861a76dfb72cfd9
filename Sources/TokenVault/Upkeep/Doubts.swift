// SPDX-License-Identifier: Apache-2.0

/// The attempts in doubt, and nowhere else: the provider may have replaced the refresh token, and
/// the answer was never heard or said nothing of it. One for each connection at the most, of this
/// process or of one before.
struct Doubts {
    /// A connection in doubt.
    struct Doubt {
        /// The batch that its last attempt is on record in.
        var batch: UInt64
        /// When the first attempt left of which nobody knows what it did.
        var since: UnixTime
        /// When an earlier process recorded it, whose request may be out still; nil where this
        /// process asked since.
        var recorded: UnixTime?
        /// Whether an earlier process left it, so that the log tells of it.
        let isInherited: Bool
    }

    private var doubts: [RecordKey: Doubt] = [:]
    /// Older attempts of the same connections, with nothing left to do but to end them.
    private(set) var stale: [InheritedAttempt] = []
    /// When this process began.
    private let opened: UnixTime

    /// - Parameter inherited: the attempts that earlier processes left.
    init(_ inherited: [InheritedAttempt], opened: UnixTime) {
        self.opened = opened
        var last: [RecordKey: InheritedAttempt] = [:]
        for left in inherited.sorted(by: { $0.batch < $1.batch }) {
            let key = left.attempt.key
            doubts[key] = Doubt(
                batch: left.batch, since: doubts[key]?.since ?? left.recorded,
                recorded: left.recorded, isInherited: true)
            if let older = last.updateValue(left, forKey: key) { stale.append(older) }
        }
    }

    subscript(key: RecordKey) -> Doubt? { doubts[key] }

    /// Whether this is the last attempt of its connection.
    func isLast(_ attempt: InheritedAttempt) -> Bool {
        doubts[attempt.attempt.key]?.batch == attempt.batch
    }

    /// It was answered for certain, or its connection has other tokens or is gone: what is on
    /// record of it is to be ended.
    mutating func take(_ key: RecordKey) -> Doubt? {
        doubts.isEmpty ? nil : doubts.removeValue(forKey: key)
    }

    /// Another attempt of a connection is in doubt since `sent`; returns the one before, whose
    /// record is to be ended.
    mutating func add(_ key: RecordKey, batch: UInt64, sent: UnixTime) -> Doubt? {
        let older = doubts[key]
        doubts[key] = Doubt(
            batch: batch, since: older?.since ?? sent, recorded: nil,
            isInherited: older?.isInherited ?? false)
        return older
    }

    /// It is recorded in another batch; false where it is in doubt no more.
    mutating func move(_ key: RecordKey, from batch: UInt64, to anew: UInt64) -> Bool {
        guard doubts[key]?.batch == batch else { return false }
        doubts[key]?.batch = anew
        return true
    }

    /// Until when the connection is left alone, because the provider may still be at work on an
    /// attempt of an earlier process; nil where it is not.
    ///
    /// - Parameters:
    ///   - death: when its tokens are of no use any more.
    ///   - lag: by how much the clock was set back since the vault was opened, in milliseconds.
    func hold(
        _ key: RecordKey, death: UnixTime, _ limits: RefreshPolicy.Limits, lag: Int64,
        _ now: UnixTime
    ) -> (since: UnixTime, until: UnixTime)? {
        guard let recorded = doubts[key]?.recorded else { return nil }
        let until = RefreshPolicy.doubtEnd(
            recorded: recorded, opened: opened, death: death, limits
        ).adding(milliseconds: -lag)
        // The clock may have been set back since.
        let left = until.milliseconds(since: now)
        guard left > 0, left <= RefreshPolicy.doubtMillisecondsMax else { return nil }
        return (recorded, until)
    }

    /// Moves its moments by so many milliseconds; those of earlier processes are moved by `lag`.
    mutating func move(milliseconds: Int64) {
        for key in doubts.keys {
            if let since = doubts[key]?.since {
                doubts[key]?.since = since.adding(milliseconds: milliseconds)
            }
        }
    }
}
