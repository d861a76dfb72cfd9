// SPDX-License-Identifier: Apache-2.0

/// How many requests may leave for one provider's token endpoint, and when: a limit of those in
/// flight, a limit of those in a second, the pauses it asks for, and a circuit breaker.
///
/// Pure arithmetic: the clock and the randomness are passed in. The clock is the wall's, which may
/// be set: a step forward ends a pause early, a step back makes it void unless the governor was
/// moved along, and neither lets more leave within a second than the limit says.
///
/// Who asks for a pause, fails again and again, or fails when it is tried, gets nothing until the
/// pause is over and nothing is in flight any more; then one request, the probe. So the end of a
/// probe cannot be mistaken for the late end of a request begun before. Where the probe is
/// answered, one request may be in flight, then two, four, and so on up to the limit: an outage is
/// not followed by a storm.
///
/// A request that is overdue counts as a failure once, and is in flight no more; it is listened to
/// until it ends. While there are such, they and those in flight together keep the limit: whatever
/// the provider does with one, it never has more than that to do.
struct Governor {
    /// What a provider allows.
    struct Limits: Hashable, Sendable {
        /// The most requests in flight; 1 to 1,024.
        private(set) var concurrentMax: Int
        /// The most requests that leave within any second; 1 to 100,000.
        private(set) var perSecondMax: Int

        /// Limits, brought into the ranges that a provider's have.
        init(
            concurrentMax: Int = Provider.concurrentRefreshesDefault,
            perSecondMax: Int = Provider.refreshesPerSecondDefault
        ) {
            self.concurrentMax = Self.clamp(concurrentMax, Provider.concurrentRefreshesRange)
            self.perSecondMax = Self.clamp(perSecondMax, Provider.refreshesPerSecondRange)
        }

        /// As much as can be allowed.
        static let widest = Limits(
            concurrentMax: Provider.concurrentRefreshesRange.upperBound,
            perSecondMax: Provider.refreshesPerSecondRange.upperBound)

        /// The stricter of two, one by one.
        mutating func narrow(to other: Limits) {
            concurrentMax = min(concurrentMax, other.concurrentMax)
            perSecondMax = min(perSecondMax, other.perSecondMax)
        }

        /// What a provider's definition says.
        init(_ provider: Provider) {
            self.init(
                concurrentMax: provider.concurrentRefreshesMax,
                perSecondMax: provider.refreshesPerSecondMax)
        }

        private static func clamp(_ number: Int, _ range: ClosedRange<Int>) -> Int {
            min(max(number, range.lowerBound), range.upperBound)
        }

        /// The most that leave at once: a twentieth of a second's worth.
        var burstMax: Int { max(1, perSecondMax / 20) }
        /// What a second adds. With a burst before it this makes a second's worth, but for what is
        /// left over for a second burst: a step of the clock can look like a time without requests.
        /// A limit of 1 has nothing to spare for that.
        var refillPerSecond: Int { max(1, perSecondMax - 2 * burstMax + 1) }
    }

    /// Whether a request may leave.
    enum Admission: Equatable {
        case now
        /// Ask again then.
        case at(UnixTime)
        /// Ask again when one that is in flight has ended.
        case whenOneEnds
    }

    /// How a request ended, as far as it says how the provider is.
    enum Outcome {
        /// Any definite answer, a refusal too: the provider lives.
        case answered
        /// 429 or 503: it asks for a pause, for so many seconds where it says.
        case busy(retryAfterSeconds: Int64?)
        /// No answer, nobody there to take the request, or another 5xx.
        case failed
        /// The vault itself held it back, and no byte left: that says nothing.
        case unsent
    }

    /// How the provider is thought to be.
    enum Health: Equatable {
        case up
        /// It asked for a pause; no request leaves before.
        case busy(until: UnixTime)
        /// It does not answer; the next attempt is not made before.
        case down(until: UnixTime)
    }

    /// So many failures in a row without an answer between, and the provider is taken to be down.
    static let failuresInARowMax = 5
    /// The first pause of a provider that is down is as long as after so many failures more: 2 to
    /// 4 s, twice that with each further one, at most 300 s.
    static let pauseHeadStart = 2
    /// How far behind its beginning the clock may be before a pause counts as void, in
    /// milliseconds: small corrections of the clock are no reason to end an hour's pause.
    static let clockToleranceMilliseconds: Int64 = 60_000

    /// What a request costs in `credit`, which a millisecond raises by `refillPerSecond`: whole
    /// numbers, so nothing drifts.
    private static let requestCost: Int64 = 1000
    /// A burst is there again after this time at the latest, in milliseconds.
    private static let refillMilliseconds: Int64 = 1000

    private struct Pause {
        let from: UnixTime
        let until: UnixTime

        func holds(_ now: UnixTime) -> Bool {
            now < until
                && from.milliseconds(since: now) <= Governor.clockToleranceMilliseconds
        }
    }

    var limits: Limits
    /// Requests that have begun and not ended.
    private(set) var inFlight = 0
    /// Requests that are overdue and have not ended.
    private(set) var listening = 0
    /// Requests that may leave, in `requestCost`, as it was at `counted`.
    private var credit: Int64 = requestCost
    private var counted = UnixTime(milliseconds: .min)
    private var failuresInARow = 0
    /// Pauses since it last was in full use.
    private var pausesInARow = 0
    private var pause: Pause?
    /// Whether one request has to be answered before others may leave; it is out if `isProbing`.
    private var mustProbe = false
    private var isProbing = false
    private var isDown = false
    /// How many may be in flight after a pause; nil once it is as many as the limit says.
    private var widening: Int?

    init(_ limits: Limits) { self.limits = limits }

    /// How the provider is thought to be.
    var health: Health {
        guard mustProbe, let pause else { return .up }
        return isDown ? .down(until: pause.until) : .busy(until: pause.until)
    }

    /// How many may be in flight as things are.
    var allowance: Int { mustProbe ? 1 : min(widening ?? .max, limits.concurrentMax) }

    /// How many more may be in flight as things are.
    var room: Int {
        let free = allowance - inFlight
        return listening == 0 ? free : min(free, limits.concurrentMax - inFlight - listening)
    }

    /// Whether nothing leaves until one that is overdue ends.
    var isFullOfListeners: Bool { listening > 0 && listening >= limits.concurrentMax }

    /// Whether one request may leave at `now`.
    func admission(_ now: UnixTime) -> Admission {
        if let pause, pause.holds(now) { return .at(pause.until) }
        guard room > 0 else { return .whenOneEnds }
        let credit = credit(now)
        if credit >= Self.requestCost { return .now }
        // The clock was set back: the next request that ends brings the time.
        if now < counted { return .whenOneEnds }
        let refill = Int64(limits.refillPerSecond)
        return .at(now.adding(milliseconds: (Self.requestCost - credit + refill - 1) / refill))
    }

    private func credit(_ now: UnixTime) -> Int64 {
        let elapsed = now.milliseconds(since: counted)
        if elapsed < 0 { return inFlight == 0 ? Self.requestCost : 0 }
        return min(
            credit + min(elapsed, Self.refillMilliseconds) * Int64(limits.refillPerSecond),
            Int64(limits.burstMax) * Self.requestCost)
    }

    /// Exactly one request leaves.
    mutating func begin(_ now: UnixTime) {
        credit = max(0, credit(now) - Self.requestCost)
        counted = now
        isProbing = mustProbe && inFlight == 0
        inFlight += 1
    }

    /// A request that had begun has ended.
    mutating func end(_ outcome: Outcome, _ now: UnixTime, random: UInt64) {
        precondition(inFlight > 0)
        inFlight -= 1
        settleClock(now)
        guard !mustProbe || isProbing else {
            // It began before the pause; all it can do is ask for a longer one.
            if case .busy(.some(let seconds)) = outcome { extendPause(seconds, now, random) }
            return
        }
        isProbing = false
        switch outcome {
        case .unsent: break
        case .answered: widen()
        case .busy(let seconds): rest(seconds, now, random)
        case .failed:
            failuresInARow += 1
            guard mustProbe || failuresInARow >= Self.failuresInARowMax else { return }
            isDown = true
            stop(
                until: RefreshPolicy.retry(
                    now: now, failures: pausesInARow + 1 + Self.pauseHeadStart,
                    retryAfterSeconds: nil, random: random), now)
        }
    }

    /// A request in flight is overdue: a failure, whatever comes of it.
    mutating func beginListening(_ now: UnixTime, random: UInt64) {
        end(.failed, now, random: random)
        listening += 1
    }

    /// A request that was overdue has ended; its failure was counted. Whoever answers after all
    /// lives: a pause that was made because nobody did is over.
    mutating func endListening(_ outcome: Outcome, _ now: UnixTime, random: UInt64) {
        precondition(listening > 0)
        listening -= 1
        settleClock(now)
        switch outcome {
        case .unsent, .failed: break
        case .answered:
            failuresInARow = 0
            if mustProbe, isDown { reopen() }
        case .busy(let seconds):
            if !mustProbe {
                rest(seconds, now, random)
            } else if let seconds {
                extendPause(seconds, now, random)
            }
        }
    }

    private mutating func settleClock(_ now: UnixTime) {
        if now < counted { (counted, credit) = (now, 0) }
    }

    /// It asks for a pause.
    private mutating func rest(_ seconds: Int64?, _ now: UnixTime, _ random: UInt64) {
        isDown = false
        stop(
            until: RefreshPolicy.retry(
                now: now, failures: seconds == nil ? pausesInARow + 1 : 1,
                retryAfterSeconds: seconds, random: random), now)
    }

    /// Moves all its moments by so many milliseconds.
    mutating func move(milliseconds: Int64) {
        counted = counted.adding(milliseconds: milliseconds)
        pause = pause.map {
            Pause(
                from: $0.from.adding(milliseconds: milliseconds),
                until: $0.until.adding(milliseconds: milliseconds))
        }
    }

    private mutating func stop(until: UnixTime, _ now: UnixTime) {
        pausesInARow = min(pausesInARow + 1, 64)
        pause = Pause(from: now, until: until)
        mustProbe = true
    }

    private mutating func extendPause(_ seconds: Int64, _ now: UnixTime, _ random: UInt64) {
        let until = RefreshPolicy.retry(
            now: now, failures: 1, retryAfterSeconds: seconds, random: random)
        if let pause, pause.holds(now), pause.until >= until { return }
        pause = Pause(from: now, until: until)
    }

    /// A pause that an earlier process was asked for; this one has sent nothing yet.
    mutating func restorePause(until: UnixTime, _ now: UnixTime) {
        guard inFlight == 0, listening == 0, pause.map({ $0.until < until }) ?? true else { return }
        pause = Pause(from: now, until: until)
        mustProbe = true
    }

    private mutating func reopen() {
        (mustProbe, isDown, pause, widening) = (false, false, nil, 1)
    }

    private mutating func widen() {
        failuresInARow = 0
        if mustProbe {
            reopen()
        } else if let current = widening {
            widening = current * 2 < limits.concurrentMax ? current * 2 : nil
            if widening == nil { pausesInARow = 0 }
        }
    }
}
