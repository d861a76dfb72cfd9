// SPDX-License-Identifier: Apache-2.0

import DequeModule

/// What waits for one token endpoint: its governor, the queues of the applications that share it,
/// and the attempts that are ready to leave.
struct EndpointQueue {
    var governor: Governor
    /// The queues of its applications.
    var queues: [Int] = []
    /// Attempts that left their queue and are not sent yet.
    var preparedCount = 0
    /// Attempts whose record is durable, in the order in which they leave.
    var ready: Deque<RefreshAttempt> = []
    /// Connections whose refresh is refused, and nothing has succeeded here since.
    var refused = RefusedQueue()
    /// Whether `UpkeepState` looks at it: something is ready, or a queue is not empty.
    var isPending = false

    init(_ limits: Governor.Limits) { governor = Governor(limits) }

    /// How many are made ready while the wire is full: four times as many as may be out, so that a
    /// free place on the wire never waits for the disk.
    private var aheadMax: Int { min(UpkeepState.aheadMax, 4 * governor.allowance) }

    /// How many may be prepared: those ahead, and what the wire has room for now.
    var preparedMax: Int { aheadMax + max(0, governor.room) }

    /// Whether it is worth preparing more: not one by one, because an attempt record of one costs
    /// as much as one of many.
    var wantsMore: Bool { 2 * preparedCount <= aheadMax }

    /// How long the provider wants to be left alone, in milliseconds; 0 where only requests that
    /// are out stand in the way.
    func pauseMilliseconds(_ now: UnixTime) -> Int64 {
        guard case .at(let moment) = governor.admission(now) else { return 0 }
        return max(0, moment.milliseconds(since: now))
    }
}
