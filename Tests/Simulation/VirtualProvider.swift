// SPDX-License-Identifier: Apache-2.0

/// An authorization server as the world runs it: its temper, what ails it at the moment, and its
/// own count of what it is asked.
final class VirtualProvider: @unchecked Sendable {
    enum Mode: Equatable {
        case healthy
        /// Nobody listens.
        case refusing
        case unavailable(retryAfterSeconds: Int64?)
        /// It takes the request and never answers.
        case hanging
        case throttling(retryAfterSeconds: Int64)
        /// Seconds instead of milliseconds.
        case slow
    }

    let index: Int
    let temper: Temper
    var mode = Mode.healthy
    /// Since when nothing ails it; for ever where something does.
    var healthySince = VirtualClock.start
    /// The client secret it takes.
    var secretSerial: Int64 = 1
    /// The client secret that the vault has, durably.
    var knownSecretSerial: Int64 = 1
    /// When it last gave tokens, and when what the vault knows of it was last changed.
    var succeeded: Int64 = .min
    var changed: Int64 = .min
    /// No request is welcome before this moment: it said so.
    var retryAfter: Int64 = 0

    /// It rejected the application: until then it is left alone.
    var rejectedUntil: Int64 = 0

    /// Requests that it took while it answered nobody: some are answered when it does again.
    var stalled: [Exchange] = []
    /// What a client secret that is wrong has cost so far.
    var risk = Risk()

    /// From the moment that the vault's client secret is wrong: how many grants may be lost over
    /// it, and were.
    struct Risk {
        /// Those that were out when the first of them was refused, and so many more.
        static let grantsMax = 2
        /// Where its words are known to mean grants, one more may be risked so long after the last.
        static let hourMilliseconds: Int64 = 3_600_000

        var burnt = 0
        /// The grants that were: what is stored of their connections is how the next process knows.
        var owners: [Int] = []
        var allowed = Risk.grantsMax
        /// Whether a process has heard that it is wrong.
        var isHeard = true
        /// When the first did.
        var heard: Int64 = .min

        /// The user ends a grant himself: whatever became of it before is no loss.
        mutating func clearRefusals(_ grant: Int) {
            guard let place = owners.firstIndex(of: grant) else { return }
            owners.remove(at: place)
            burnt -= 1
        }
    }

    /// Refreshes in a row of which it answered none.
    var silent = 0
    /// Refusals since a refresh brought tokens, and when the last was heard.
    var refusedInARow = 0
    var refused: Int64 = .min

    /// Connections that were refused, in words that may mean the application, since a refresh that
    /// left after that brought tokens; and when the last of them was refused first.
    private var risked: Set<Int> = []
    private var riskedSince: Int64 = .min
    /// When any of them was refused last: the next process knows only that.
    private var refusedLast: Int64 = .min
    /// Those of them that the present process has heard of.
    private var refusedHere: Set<Int> = []
    /// When such a success last came.
    private var trustedSince: Int64 = .min
    /// Whether such words were followed by a success: so they may be known to mean grants.
    private var isSaidOfGrants = false
    /// Whether one that was refused before such a success was refused again after it: so they are
    /// known to.
    private var isSaidAgain = false
    private var refusedBefore: Set<Int> = []
    /// Whether a refresh has brought tokens since what the vault knows of it was changed.
    private var isProven = true
    /// Connections whose success shows that, and their grants: what is stored of them is all that
    /// the next process knows of it.
    private var proofs: [Int: Int] = [:]

    /// A refresh that left at `admitted` was refused.
    func refuse(_ subject: Int, _ admitted: Int64, _ moment: Int64) {
        let dialect = temper.dialect
        // Where nothing has shown that the client id is right, `invalid_grant` may mean that, too.
        guard dialect.mayMeanApplication || !isProven else { return }
        if dialect.mayMeanApplication, admitted > trustedSince, refusedBefore.contains(subject) {
            isSaidAgain = true
        }
        risked.insert(subject)
        refusedLast = moment
        if refusedHere.insert(subject).inserted { riskedSince = moment }
    }

    /// A refresh that left at `admitted` has brought tokens.
    func accept(_ subject: Int, _ grant: Int, _ admitted: Int64, _ moment: Int64) {
        if admitted > changed {
            isProven = true
            proofs[subject] = grant
        }
        guard admitted > riskedSince, !risked.isEmpty else { return }
        (isSaidOfGrants, trustedSince) = (true, moment)
        refusedBefore.formUnion(risked)
        (risked, refusedHere) = ([], [])
    }

    func noteChange(_ moment: Int64) {
        (changed, isProven, risked, refusedHere) = (moment, false, [], [])
        proofs = [:]
    }

    /// Until when no further connection is risked: an hour from the last, where such words are
    /// known to mean grants; for ever where they may mean the application, or it was changed. The
    /// past where nothing is suspected.
    var suspectedUntil: Int64 {
        guard risked.count >= Risk.grantsMax else { return .min }
        guard isProven, isSaidAgain || temper.dialect.isListed else { return .max }
        return riskedSince + Risk.hourMilliseconds
    }

    /// Whether they may do so.
    var isSuspect: Bool { !isProven || !risked.isEmpty || rejectedUntil > 0 }

    /// Since when requests leave one at a time, or do so no more.
    var carefulSince: Int64 { risked.isEmpty ? trustedSince : max(riskedSince, trustedSince) }

    /// Whether one more may be risked an hour after the last.
    private var risksHourly: Bool { isProven && (isSaidOfGrants || temper.dialect.isListed) }

    /// How many grants a wrong client secret may have cost by now.
    func risksAllowed(_ moment: Int64) -> Int {
        guard risksHourly, risk.heard > .min else { return risk.allowed }
        return risk.allowed + Int((moment - risk.heard) / Risk.hourMilliseconds)
    }

    // Its own count.
    var inFlight = 0
    /// Requests whose deadline passed, and whose answers are still listened for.
    var listeners = 0
    /// Since when they are fewer than there may be.
    var unblockedSince = VirtualClock.start
    /// Since when those are fewer that are late.
    var unstuckSince = VirtualClock.start
    var inFlightMax = 0
    private var recent: [Int64]
    private var recentNext = 0
    /// In the hour that runs.
    var asked = 0
    var failed = 0
    var excused = 0
    var excusedBefore = 0

    init(_ index: Int, _ temper: Temper) {
        self.index = index
        self.temper = temper
        recent = Array(repeating: .min, count: temper.perSecondMax)
    }

    var tokenURL: String { "https://p\(index).example/token" }
    var revocationURL: String { "https://p\(index).example/revoke" }
    var application: String { "app\(index)" }
    var isHealthy: Bool {
        mode == .healthy && secretSerial == knownSecretSerial && healthySince < .max
    }

    /// Counts a request; false where it is one more than may leave in a second.
    func count(at moment: Int64) -> Bool {
        inFlight += 1
        asked += 1
        inFlightMax = max(inFlightMax, inFlight)
        // The one that is a full limit ago must be a second ago.
        let oldest = recent[recentNext]
        recent[recentNext] = moment
        recentNext = (recentNext + 1) % recent.count
        return oldest == .min || moment - oldest >= 1000
    }

    /// A process died, and all its requests with it: it is a second or more until the next begins,
    /// which may not know who was refused last.
    ///
    /// - Parameter isStored: whether a connection works, with this grant.
    func forgetProcess(isStored: (_ subject: Int, _ grant: Int) -> Bool) {
        recent = Array(repeating: .min, count: recent.count)
        refusedHere = []
        (isSaidOfGrants, isSaidAgain, refusedBefore) = (false, false, [])
        if !risked.isEmpty { riskedSince = max(riskedSince, refusedLast) }
        isProven = proofs.contains { isStored($0.key, $0.value) }
    }

    /// The next process reads another clock: what was written by the last one's is as long ago for
    /// it as that clock says.
    func moveClock(milliseconds: Int64, _ now: Int64) {
        guard riskedSince > .min else { return }
        riskedSince = min(riskedSince - milliseconds, now)
    }

    /// The next process knows nothing of those that were risked and are not stored any more: their
    /// users have connected again.
    func forgetRisks(isStored: (_ grant: Int) -> Bool) {
        let gone = risk.owners.count { !isStored($0) }
        risk.owners.removeAll { !isStored($0) }
        risk.allowed += min(gone, Risk.grantsMax)
    }
}
