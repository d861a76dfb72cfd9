// SPDX-License-Identifier: Apache-2.0

/// That a connection's refresh was refused, and what has happened since.
struct Refusal {
    /// What it may mean.
    enum Kind: UInt8 {
        /// Nothing that anybody knows.
        case unknown = 0
        /// That the provider rejects the application, or that the grant is gone.
        case application = 1
        /// The same, and the provider's definition says that it is the grant.
        case grant = 2
    }

    /// What was answered since, which a rejected application is not.
    enum Proof: Int {
        case none
        /// A request of another application at the same endpoint has succeeded.
        case endpoint
        /// One of another connection of the same application.
        case application
    }

    let handle: Handle
    let queue: Int
    var kind: Kind
    /// The HTTP status.
    var status: Int
    /// How many requests of the application had left when it was heard.
    var order: UInt64
    var proof = Proof.none
    /// How many requests of the application had left when another one's success was heard: only a
    /// refusal of what left later is believed. The secret may have been wrong for a while.
    var provenAt: UInt64 = 0
    /// Whether it was refused before its application was changed, too: it has nothing to lose by
    /// being asked, so that it is refused again says less.
    var isOld = false
    /// When it was heard.
    var heard: UnixTime
    /// When the access token expires, as far as anybody knows or assumes.
    var expiry: UnixTime?
    /// Until when it is not asked again; nil where the usual back-off decides.
    var pauseEnd: UnixTime?
    /// Whether another's success, or an operator's word, is a reason to ask it once more.
    var isWorthATry = false

    /// The application was changed: it was refused by way of what does not hold any more, and no
    /// success says anything of that.
    mutating func outdate() {
        (kind, proof, pauseEnd, order) = (.unknown, .none, nil, .max)
        isOld = true
    }

    /// Whether no success says anything of it.
    var isVoid: Bool { order == .max }

    /// Whether another refusal says nothing new of the application.
    var isNoNews: Bool { isOld || proof == .application }

    /// Moves all its moments by so many milliseconds.
    mutating func move(milliseconds: Int64) {
        heard = heard.adding(milliseconds: milliseconds)
        expiry = expiry?.adding(milliseconds: milliseconds)
        pauseEnd = pauseEnd?.adding(milliseconds: milliseconds)
    }

    /// Whether it must not be asked yet. A clock that was set back voids the pause, unless it was
    /// moved along.
    func isPaused(_ now: UnixTime) -> Bool {
        guard let pauseEnd else { return false }
        return now < pauseEnd && !isOfTheFuture(now)
    }

    private func isOfTheFuture(_ now: UnixTime) -> Bool {
        heard.milliseconds(since: now) > RefreshPolicy.clockToleranceMilliseconds
    }

    /// When it may be asked again, if its token has expired by `due`; nil where it is not for the
    /// refusal to say.
    func pauseEnd(due: UnixTime, _ now: UnixTime) -> UnixTime? {
        guard !isVoid, !isOfTheFuture(now), let expiry, expiry <= due else { return nil }
        return heard.adding(
            milliseconds: RefreshPolicy.pauseMilliseconds(isProven: proof == .application))
    }
}

extension Refusal.Proof: Comparable {
    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Refusal {
    /// In a record, beside the kind: that it is an old one.
    static let oldFlag: UInt8 = 0x80
    /// In a record, beside the kind: that its request was one of those that leave one at a time.
    static let probeFlag: UInt8 = 0x40
    /// In a record, beside the kind: that others of its application succeeded, and it was refused
    /// before and after.
    static let provenFlag: UInt8 = 0x20
    /// In a record, beside the kind: that it counts against the application.
    static let riskFlag: UInt8 = 0x10
    /// The flags of a record.
    static let flags = oldFlag | probeFlag | provenFlag | riskFlag
}

extension Refusal.Kind {
    /// What a record says; nil where it says nothing that this version knows.
    init?(record: UInt8?) {
        guard let record else { return nil }
        self.init(rawValue: record & ~Refusal.flags)
    }
}
