// SPDX-License-Identifier: Apache-2.0

/// Whether the provider takes an application, as far as its answers say.
///
/// Some servers answer a wrong client secret as they answer a lost grant, and revoke the refresh
/// token over it. So an application that was changed, or of which an answer looks as if it were
/// rejected, sends one request at a time, the connection that was refreshed last before all others,
/// until one that left after that answer has succeeded. Once two connections were refused in a row
/// nothing is risked any more but what was already. Of a provider that is known to say so of lost
/// grants one of the two must have been such a request, or a few lost grants would stop all others.
///
/// What came before what is a matter of the order in which requests left, not of any clock.
struct Suspicion {
    /// So many connections are refused, with no success between, and the application is taken to be
    /// rejected.
    static let riskedMax = 2

    /// What was changed about an application since its last success. After either, no refusal is
    /// believed of a grant; records tell them apart.
    enum Change: UInt8 {
        /// Its client secret, the method of authentication or what its requests look like: some
        /// servers say of a wrong secret that the grant is not valid.
        case credentials = 1
        /// Its client id or where its requests go: another client is told so of every grant.
        case identity = 2
    }

    /// A connection that was refused, and may have lost its grant over that.
    struct Risk {
        let handle: Handle
        /// Which of the application's requests it was.
        let order: UInt64
        /// Whether it left while the application was looked at with care already.
        let isProbe: Bool
        /// When that was heard.
        var heard: UnixTime
        /// Whether the connection is gone, or has another grant: it stays counted as risked.
        var isGone = false
    }

    /// A connection that was refreshed, and when.
    struct Success {
        let handle: Handle
        let key: RecordKey
        var time: UnixTime
    }

    /// The most successes that are remembered.
    static let successesMax = 8

    /// How many requests of the application have left.
    private(set) var sentCount: UInt64 = 0
    /// What was changed since the last success.
    private(set) var change: Change?
    /// Whether an answer looked like a rejection, and nothing sent since has succeeded.
    private(set) var isRaised = false
    /// Whether the provider is known to say of a lost grant what may mean the application: by its
    /// definition, or because it did.
    var isSaidOfGrants = false
    /// How many had left when it was first looked at with care.
    private var careful: UInt64 = 0
    /// The connections that were refreshed last, the last one last.
    private(set) var successes: [Success] = []
    /// How many had left when it was last changed: what they bring says nothing of it as it is now.
    private var changed: UInt64 = 0
    /// How many had left when it last looked rejected: what they bring does not clear it.
    private var barrier: UInt64 = 0
    /// The last of those that left and have succeeded.
    private var succeeded: UInt64 = 0
    private var risks: [Risk] = []
    /// Connections whose request left with care, and whose answer is late or did not come, with its
    /// place in the order: nobody knows what became of their grants until they are asked again.
    private var unanswered: [Handle: UInt64] = [:]

    /// Whether one request is sent at a time.
    var isCareful: Bool { isRaised || change != nil }
    /// Whether no further connection is risked.
    var isExhausted: Bool {
        risks.count >= Self.riskedMax && (!isSaidOfGrants || risks.contains { $0.isProbe })
    }

    /// Between two risks beyond the two, and before the second while the application is rejected
    /// in so many words, in milliseconds.
    static let riskMilliseconds: Int64 = 3_600_000

    /// When one more connection may be risked although two were; nil where that is for somebody to
    /// say, or to change. A few lost grants in a row would else stop, for ever, an application that
    /// was not changed, at a provider that is known to say so of lost grants.
    var risksAgain: UnixTime? {
        guard change == nil, isSaidOfGrants else { return nil }
        return risksSecond
    }

    /// When another connection may be risked beside fewer than the two.
    var risksSecond: UnixTime? {
        risks.map(\.heard).max()?.adding(milliseconds: Self.riskMilliseconds)
    }

    /// Whether one more connection may be risked.
    func mayRiskMore(_ now: UnixTime) -> Bool {
        !isExhausted || (risksAgain.map { $0 <= now } ?? false)
    }

    /// How many connections were risked since the last success, as far as their answers say, and
    /// how many may have been.
    var riskCount: Int { risks.count }
    var unansweredCount: Int { unanswered.count }

    /// The connections that were refused since the last success.
    var risked: [Handle] { risks.filter { !$0.isGone }.map(\.handle) }

    /// Whether a request left before the application was last changed.
    func predates(_ order: UInt64) -> Bool { order <= changed }

    func isRisked(_ handle: Handle) -> Bool { risks.contains { $0.handle == handle && !$0.isGone } }

    func isUnanswered(_ handle: Handle) -> Bool { unanswered[handle] != nil }

    /// No answer came in time.
    mutating func noteUnanswered(_ handle: Handle, order: UInt64) {
        if !isRisked(handle) { unanswered[handle] = order }
    }

    /// It came after all.
    mutating func forgetUnanswered(_ handle: Handle) { unanswered[handle] = nil }

    /// A request leaves; returns its place in the order.
    mutating func send() -> UInt64 {
        sentCount += 1
        return sentCount
    }

    /// The application was changed: what was found out about it is void.
    mutating func change(_ change: Change) {
        self.change = max(change, self.change ?? change)
        (changed, barrier, careful) = (sentCount, sentCount, sentCount)
        isRaised = false
        risks = []
        unanswered = [:]
    }

    /// A connection was refused in a way that may mean the application. True where it was not
    /// refused before since the last success.
    mutating func refuse(_ handle: Handle, order: UInt64, _ now: UnixTime) -> Bool {
        guard order > changed else { return false }
        if !isCareful { careful = sentCount }
        isRaised = true
        barrier = sentCount
        // One that left after it has succeeded: of many at once a few lost grants say little.
        guard order > succeeded, !isRisked(handle) else { return false }
        risks.append(Risk(handle: handle, order: order, isProbe: order > careful, heard: now))
        return true
    }

    /// A connection was refused that counts against nobody: the next one is risked as long after it
    /// as after one that does.
    mutating func refuseAgain(_ handle: Handle, _ now: UnixTime) {
        guard isExhausted, !isRisked(handle) else { return }
        risks[risks.endIndex - 1].heard = now
    }

    /// A refusal that looked like a rejection of the application meant a lost grant.
    mutating func learn() { isSaidOfGrants = true }

    /// The clock was set: all moments move with it.
    mutating func move(milliseconds: Int64) {
        for index in risks.indices {
            risks[index].heard = risks[index].heard.adding(milliseconds: milliseconds)
        }
        for index in successes.indices {
            successes[index].time = successes[index].time.adding(milliseconds: milliseconds)
        }
    }

    /// Whether a connection that was refused had been sent with care.
    func isProbe(_ handle: Handle) -> Bool { risks.contains { $0.handle == handle && $0.isProbe } }

    /// A connection was refreshed.
    mutating func note(_ success: Success) {
        successes.removeAll { $0.handle == success.handle }
        if successes.count == Self.successesMax { successes.removeFirst() }
        successes.append(success)
    }

    /// What an earlier process found out.
    mutating func restore(_ risks: [Risk], change: Change?) {
        self.risks += risks.filter { !isRisked($0.handle) }
        isRaised = isRaised || !risks.isEmpty
        self.change = self.change ?? change
    }

    /// A request has succeeded that left as the `order`-th. True where that clears the application.
    mutating func succeed(order: UInt64) -> Bool {
        guard order > changed else { return false }
        succeeded = max(succeeded, order)
        // What was refused before it left was most likely not refused because of the application.
        risks.removeAll { $0.order < order }
        if !unanswered.isEmpty { unanswered = unanswered.filter { $0.value > order } }
        guard order > barrier else { return false }
        change = nil
        isRaised = false
        return true
    }

    /// The connection is gone, or has another grant.
    mutating func forget(_ handle: Handle) {
        for index in risks.indices where risks[index].handle == handle {
            risks[index].isGone = true
        }
        unanswered[handle] = nil
        forgetSuccess(handle)
    }

    mutating func forgetSuccess(_ handle: Handle) { successes.removeAll { $0.handle == handle } }

    /// An operator says that nothing is wrong with the application.
    mutating func clearRefusals() {
        risks = []
        unanswered = [:]
        isRaised = false
    }
}

extension Suspicion.Change: Comparable {
    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
