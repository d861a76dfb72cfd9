// SPDX-License-Identifier: Apache-2.0

// Attempts that are overdue: their answers may hold the only new refresh tokens, so that they are
// listened to, for as long as it takes, while others go on.
extension UpkeepState {
    /// Whether nothing new leaves for an endpoint until one that is overdue has ended: it has as
    /// many as may be in flight there, or there are too many in all, and would be one more.
    func isBlocked(_ endpoint: Int) -> Bool {
        endpoints[endpoint].governor.isFullOfListeners
            || listenerCount >= Self.listenersMax
                && (endpoints[endpoint].governor.listening > 0
                    || endpoints[endpoint].queues.contains { isListenedTo($0) })
    }

    /// Whether no further request leaves that may come to be listened to: all that are in flight
    /// may become overdue together.
    var isFullOfListeners: Bool { listenerCount + listenableCount >= Self.listenersMax }

    /// Whether what a queue sends for the first time is listened to beyond its deadline.
    func isListenedTo(_ queue: Int) -> Bool {
        RefreshPolicy.listenMilliseconds(
            inDoubtSince: nil, queues[queue].limits, UnixTime(milliseconds: 0)) > 0
    }

    /// An attempt is in flight no more.
    mutating func endInFlight(_ attempt: RefreshAttempt) {
        if attempt.isListenable { listenableCount -= 1 }
        queues[attempt.queue].arrive()
    }

    /// How long nothing leaves for an endpoint, in milliseconds; 0 where only requests that are in
    /// flight stand in the way.
    func pauseMilliseconds(_ endpoint: Int, _ now: UnixTime) -> Int64 {
        isBlocked(endpoint) ? .max : endpoints[endpoint].pauseMilliseconds(now)
    }

    /// The same in seconds, for a caller; 0 where nobody knows for how long.
    func pauseSeconds(_ endpoint: Int, _ now: UnixTime) -> Int {
        let milliseconds = pauseMilliseconds(endpoint, now)
        return milliseconds == .max ? 0 : Int(milliseconds / 1000 + 1)
    }

    /// Why nothing leaves for an application now.
    func closedBecause(_ queue: Int, at endpoint: Int, _ now: UnixTime) -> VaultError {
        queues[queue].isRejected
            ? VaultError(.applicationMisconfigured, .upkeep)
            : VaultError(.backingOff, .upkeep, number: pauseSeconds(endpoint, now))
    }

    /// Overdue: an attempt was not answered in time, and is listened to further. It leaves its
    /// place to others; its connection has no other attempt meanwhile, unless it was given other
    /// tokens.
    ///
    /// - Returns: who is told; nil where it was not out.
    mutating func overdue(
        _ attempt: RefreshAttempt, until end: UnixTime, _ now: UnixTime, random: UInt64
    ) -> [Caller]? {
        guard attempt.stage == .sent else { return nil }
        endpoints[attempt.endpoint].governor.beginListening(now, random: random)
        listenerCount += 1
        activeCount -= 1
        // Another one may be sent in its place.
        endInFlight(attempt)
        queues[attempt.queue].end(attempt.handle, now)
        attempt.stage = .overdue
        attempt.listensUntil = end
        if attempt.isOfTheFormer {
            detach(attempt)
            return attempt.takeCallers()
        }
        noteUnanswered(attempt)
        defer { attempt.callers = [] }
        return attempt.callers
    }

    /// It ends: until that is stored it has a place again.
    mutating func endListening(
        _ attempt: RefreshAttempt, _ outcome: Governor.Outcome, _ now: UnixTime, random: UInt64
    ) {
        endpoints[attempt.endpoint].governor.endListening(outcome, now, random: random)
        listenerCount -= 1
        activeCount += 1
    }

    /// A connection was asked, and nobody knows what became of its grant. With one that was refused
    /// before nothing more is risked, and it may not be asked again for a day.
    mutating func noteUnanswered(_ attempt: RefreshAttempt) {
        if failures[attempt.key]?.refusal?.isNoNews ?? false { return }
        queues[attempt.queue].noteUnanswered(attempt)
        if queues[attempt.queue].suspicion.isUnanswered(attempt.handle) {
            risks[attempt.handle] = attempt.queue
        }
    }

    /// From here on the connection may have another attempt: single flight is for each refresh
    /// token.
    mutating func detach(_ attempt: RefreshAttempt) {
        attempts.separate(attempt)
        attempt.isDetached = true
    }
}
