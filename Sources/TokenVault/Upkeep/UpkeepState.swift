// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// When each connection is due, the queues of applications and endpoints, and what the answers say
/// of them: events in, actions out, no clock inside.
///
/// A connection that is due moves from the schedule to the queue of its application; the
/// endpoint's governor says when the most urgent of its queues may prepare a request. Of each
/// refresh it knows that it is there (`AttemptTable`), and no more: the rest is in
/// `RefreshAttempt`. There is one for each connection at the most, however many ask.
struct UpkeepState: ~Copyable {
    /// The most attempts that are prepared, out, or on their way into the store.
    static let attemptsMax = 1024
    /// The most attempts of one endpoint that are made ready while its wire is full.
    static let aheadMax = 512
    /// The most attempts that callers wait for and whose turn has not come.
    static let demandsMax = 100_000
    /// How long after its attempt was recorded a request may leave, in milliseconds: from there on
    /// another process counts the time in which the provider may be at work on it.
    static let recordMillisecondsMax: Int64 = 15_000
    /// The most refreshes that are listened to beyond their deadline. With so many, nothing new
    /// leaves for an endpoint that has one of them.
    static let listenersMax = 512
    /// How long a caller is kept waiting, in milliseconds, for a provider that asked for a pause or
    /// is down; where it is longer the caller is told at once.
    static let patienceMilliseconds: Int64 = 2000
    /// The most queues; further applications share the last.
    static let queuesMax = 65_536
    /// The most connections that move from the schedule to their queues in one turn.
    private static let enqueuedMax = 4096

    var heap = ExpiryHeap()
    var queues: [ApplicationQueue] = []
    var endpoints: [EndpointQueue] = []
    /// Endpoints with something in a queue, or ready.
    var pending: Deque<Int> = []
    /// Those for which nobody waits, and the queue that each is in. What else lies in a queue is
    /// stale.
    var backlogged: [Handle: Int] = [:]
    var attempts = AttemptTable()
    /// Attempts that have had their turn, orphans among them.
    var activeCount = 0
    /// Attempts that are overdue; they are no longer among those.
    var listenerCount = 0
    /// Attempts in flight that are listened to once they are overdue.
    var listenableCount = 0
    /// Callers' wishes that wait for their turn.
    var demandCount = 0
    /// Failures in a row; only connections that are failing.
    var failures: [RecordKey: Failures] = [:]
    /// Connections that may have lost their grant to a wrong secret, and their queues.
    var risks: [Handle: Int] = [:]
    /// Connections whose attempt of an earlier process may still be unanswered, and until when
    /// nobody asks for them.
    var holds: [Handle: UnixTime] = [:]
    var ownQueues = OwnQueues()
    /// What providers answered.
    var answers = RefreshAnswers()
    /// How late what was due left, in milliseconds.
    let lateness = HistogramCounter(bounds: [
        100, 1000, 5000, 15_000, 60_000, 300_000, 900_000, 3_600_000, 21_600_000,
    ])
    private var queueNumbers: [ApplicationID: Int] = [:]
    private var endpointNumbers: [String: Int] = [:]
    private var nextNumber: UInt64 = 1

    init() {}

    // MARK: Queues

    func queue(_ application: ApplicationID) -> Int? { queueNumbers[application] }

    /// The queue of an application, with the limits of its provider as they are now. Of the
    /// applications that share an endpoint the strictest limits hold: it is the provider that has
    /// them, and one definition that says less than another is the more careful guess.
    mutating func setQueue(
        _ application: ApplicationID, endpoint url: String, _ limits: Governor.Limits,
        _ policy: RefreshPolicy.Limits
    ) -> Int {
        guard let queue = queueNumbers[application] else {
            guard queues.count < Self.queuesMax else {
                queueNumbers[application] = Self.queuesMax - 1
                return Self.queuesMax - 1
            }
            let queue = addQueue(application, endpoint: url, limits, policy)
            queueNumbers[application] = queue
            return queue
        }
        setLimits(queue, limits, policy)
        let endpoint = endpointNumber(url, limits)
        let former = queues[queue].endpoint
        if former != endpoint {
            endpoints[former].queues.removeAll { $0 == queue }
            queues[queue].endpoint = endpoint
            endpoints[endpoint].queues.append(queue)
            notePending(endpoint)
            limit(former)
        }
        limit(endpoint)
        return queue
    }

    /// The number of an endpoint, which may be new.
    private mutating func endpointNumber(_ url: String, _ limits: Governor.Limits) -> Int {
        if let known = endpointNumbers[url] { return known }
        endpoints.append(EndpointQueue(limits))
        endpointNumbers[url] = endpoints.count - 1
        return endpoints.count - 1
    }

    /// Adds a queue where there is room for it.
    mutating func addQueue(
        _ application: ApplicationID, endpoint url: String, _ limits: Governor.Limits,
        _ policy: RefreshPolicy.Limits
    ) -> Int {
        let (queue, endpoint) = (queues.count, endpointNumber(url, limits))
        queues.append(
            ApplicationQueue(
                application: application, endpoint: endpoint, limits, limits: policy))
        queues[queue].suspicion.isSaidOfGrants = policy.listsGrantLostAnswers
        queues[queue].answersNumber = answers.number(application)
        if endpoints[endpoint].queues.isEmpty { endpoints[endpoint].governor.limits = limits }
        endpoints[endpoint].queues.append(queue)
        endpoints[endpoint].governor.limits.narrow(to: limits)
        return queue
    }

    /// What the definition of a queue's provider says now.
    mutating func setLimits(
        _ queue: Int, _ limits: Governor.Limits, _ policy: RefreshPolicy.Limits
    ) {
        queues[queue].limits = policy
        if policy.listsGrantLostAnswers { queues[queue].suspicion.isSaidOfGrants = true }
        queues[queue].endpointLimits = limits
    }

    /// Whether a queue's requests are counted where `url` is. Once there are too many queues the
    /// last is shared by applications of many endpoints, and none is told from another.
    func isAt(_ url: String, _ queue: Int) -> Bool {
        queue == Self.queuesMax - 1 || endpointNumbers[url] == queues[queue].endpoint
    }

    /// Whether a queue is known to be that of such an application.
    func isOf(_ template: EndpointTemplate, _ queue: Int) -> Bool {
        queue == Self.queuesMax - 1 || queues[queue].template == template
    }

    mutating func limit(_ endpoint: Int) {
        // Those that are left there keep the limits with which they were prepared.
        guard !endpoints[endpoint].queues.isEmpty else { return }
        var limits = Governor.Limits.widest
        for queue in endpoints[endpoint].queues { limits.narrow(to: queues[queue].endpointLimits) }
        endpoints[endpoint].governor.limits = limits
    }

    mutating func notePending(_ endpoint: Int) {
        guard !endpoints[endpoint].isPending else { return }
        endpoints[endpoint].isPending = true
        pending.append(endpoint)
    }

    // MARK: The schedule

    var scheduledCount: Int { heap.count + backlogged.count }

    func isScheduled(_ handle: Handle) -> Bool {
        backlogged[handle] != nil || heap.deadline(handle.number) != nil
    }

    /// When the connection of a handle is due; the past where it is in its queue already.
    func deadline(_ handle: Handle) -> UnixTime? {
        backlogged[handle] != nil ? UnixTime(milliseconds: 0) : heap.deadline(handle.number)
    }

    /// Where the connection of a handle is scheduled.
    func queue(of handle: Handle) -> Int? {
        let queue =
            backlogged[handle]
            ?? heap.entry(handle.number).map { Plan(due: $0.deadline, tag: $0.queue).queue }
        return queue.flatMap { $0 < queues.count ? $0 : nil }
    }

    /// Whether a connection that is due waits because its provider is down or asked for a pause.
    func isHeldBack(_ handle: Handle, _ queue: Int) -> Bool {
        backlogged[handle] == queue && endpoints[queues[queue].endpoint].governor.health != .up
    }

    /// A connection is due as planned, but not while it is held; nil, or a plan that is never due,
    /// takes it out of the schedule.
    mutating func schedule(_ handle: Handle, _ plan: Plan?) {
        backlogged[handle] = nil
        if let plan, let due = plan.due {
            let held = holds.isEmpty ? nil : holds[handle]
            heap.set(handle.number, held.map { max(due, $0) } ?? due, queue: plan.tag)
        } else {
            heap.remove(handle.number)
        }
    }

    /// Nobody asks for a connection before `end`, whatever else is a reason to.
    mutating func hold(_ handle: Handle, until end: UnixTime) {
        holds[handle] = end
        guard let entry = heap.entry(handle.number), entry.deadline < end else { return }
        schedule(handle, Plan(due: entry.deadline, tag: entry.queue))
    }

    func isHeld(_ handle: Handle, _ now: UnixTime) -> Bool {
        holds[handle].map { now < $0 } ?? false
    }

    /// Moves what is due into its queue. True where more is due.
    mutating func enqueueDue(_ now: UnixTime) -> Bool {
        for _ in 0..<Self.enqueuedMax {
            guard let first = heap.min, first.deadline <= now else { return false }
            heap.remove(first.handle)
            let plan = Plan(due: first.deadline, tag: first.queue)
            guard plan.queue < queues.count else { continue }
            enqueue(
                plan.queue, Handle(number: first.handle), death: plan.death, due: first.deadline)
        }
        return true
    }

    /// - Parameter due: since when it is; nil where its lateness says nothing.
    mutating func enqueue(
        _ queue: Int, _ handle: Handle, death: UnixTime, due: UnixTime? = nil
    ) {
        backlogged[handle] = queue
        // What an earlier process left in doubt is due since the beginning of time.
        let since = due.flatMap { $0.milliseconds > 0 ? $0 : nil }
        queues[queue].add(
            ApplicationQueue.Entry(death: death, handle: handle, attempt: nil, due: since))
        notePending(queues[queue].endpoint)
    }

    // MARK: Failures

    struct Failures {
        var count = 0
        /// Whether the last one was a refusal.
        var isRefusal = false
        /// What was told of them last: the event's code and number.
        var told: (code: UInt16, number: Int64)?
        /// The last refusal that the provider itself gave, where none but refusals came since.
        var refusal: Refusal?
    }

    func failureCount(_ key: RecordKey) -> Int { failures[key]?.count ?? 0 }
    func isRefused(_ key: RecordKey) -> Bool { failures[key]?.isRefusal ?? false }

    /// Whether such a failure of a connection is to be told: the first in a row, and one that is of
    /// another kind than the last. To be called once for each.
    mutating func tells(_ key: RecordKey, _ event: UInt16, _ number: Int64) -> Bool {
        let told = failures[key]?.told
        failures[key, default: Failures()].told = (event, number)
        guard let told else { return failureCount(key) == 0 }
        // In how many ways no answer came is not worth telling.
        return told.code != event || max(told.number, 0) != max(number, 0)
    }

    /// Counts a failure and returns how many there were in a row.
    mutating func countFailure(_ key: RecordKey, isRefusal: Bool = false) -> Int {
        failures[key, default: Failures()].isRefusal = isRefusal
        failures[key]?.count += 1
        return failureCount(key)
    }

    /// What failed before counts no more; it is not told again.
    mutating func countAnew(_ key: RecordKey) {
        forgetRefusal(key)
        failures[key]?.count = 0
    }

    /// The connection works again, or is gone; true where it failed before.
    @discardableResult
    mutating func clearFailures(_ key: RecordKey) -> Bool {
        forgetRefusal(key)
        return failures.removeValue(forKey: key).map { $0.count > 0 } ?? false
    }

    mutating func takeNumber() -> UInt64 {
        defer { nextNumber += 1 }
        return nextNumber
    }
}
